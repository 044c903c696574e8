import type { KvStore } from '@switchyard/state';
import { z } from 'zod';

const silence = z.object({ untilMs: z.number(), by: z.string(), reason: z.string() });

/** Somebody has asked that nobody is told of an alert for a time. */
export type Silence = z.infer<typeof silence>;

const keyOf = (rule: string) => `silence/${rule}`;

/** The silence that holds now; undefined where there is none. @throws StateUnavailable */
export async function silenceOf(kv: KvStore, rule: string, nowMs: number): Promise<Silence | undefined> {
  const entry = await kv.get(keyOf(rule));
  const found = entry && silence.parse(JSON.parse(Buffer.from(entry.value).toString('utf8')));
  return found !== undefined && found.untilMs > nowMs ? found : undefined;
}

/** Silences an alert; what was asked before holds no more. @throws StateUnavailable */
export async function saveSilence(kv: KvStore, rule: string, asked: Silence, nowMs: number): Promise<void> {
  await kv.put(keyOf(rule), Buffer.from(JSON.stringify(asked)), { ttlMs: asked.untilMs - nowMs });
}

/** Ends a silence. @throws StateUnavailable */
export async function endSilence(kv: KvStore, rule: string): Promise<void> {
  await kv.delete(keyOf(rule));
}
