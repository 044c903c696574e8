import type { KvStore } from '@switchyard/state';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';

const place = z.object({
  atMs: z.number(),
  emitter: z.string(),
  epoch: z.string(),
  sequence: z.string(),
  eventId: z.string(),
});

const replaySchema = z.object({
  id: z.string(),
  sink: z.string(),
  source: z.enum(['events', 'dead-letters']),
  fromMs: z.number(),
  toMs: z.number(),
  /** Behind which event it goes on. */
  after: place.optional(),
  sent: z.number(),
  state: z.enum(['running', 'done']),
});

/** Events that a sink is sent again, and how far that is. */
export type Replay = z.infer<typeof replaySchema>;

const PREFIX = 'replay/';
/** How long one that has ended can be asked for. */
const KEEP_MS = 24 * 3_600_000;

const keyOf = ({ sink, id }: Pick<Replay, 'sink' | 'id'>) => `${PREFIX}${sink}/${id}`;

/** Which sink an entry of the bucket is a replay of; undefined where it is none. */
export const replayedSink = (key: string): string | undefined =>
  key.startsWith(PREFIX) ? key.slice(PREFIX.length).split('/')[0] : undefined;

/** Asks for a replay: whoever serves the sink does it, also after a restart. @throws StateUnavailable */
export async function startReplay(kv: KvStore, wanted: Pick<Replay, 'sink' | 'source' | 'fromMs' | 'toMs'>): Promise<Replay> {
  const replay: Replay = { ...wanted, id: randomUUID(), sent: 0, state: 'running' };
  await saveReplay(kv, replay);
  return replay;
}

/** Every replay of a sink that runs, or has ended within the last day. @throws StateUnavailable */
export async function replaysOf(kv: KvStore, sink: string): Promise<Replay[]> {
  const keys = await kv.keys(`${PREFIX}${sink}/`);
  const entries = await Promise.all(keys.map((key) => kv.get(key)));
  return entries.flatMap((entry) =>
    entry === undefined ? [] : [replaySchema.parse(JSON.parse(Buffer.from(entry.value).toString('utf8')))],
  );
}

/** @throws StateUnavailable */
export async function saveReplay(kv: KvStore, replay: Replay): Promise<void> {
  const options = replay.state === 'done' ? { ttlMs: KEEP_MS } : {};
  await kv.put(keyOf(replay), Buffer.from(JSON.stringify(replay)), options);
}
