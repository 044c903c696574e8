import type { Audit } from '@switchyard/audit';
import { BUCKETS, DEFAULT_TENANT, type EmitterProgress, emitterProgressKey } from '@switchyard/contracts';
import type { Clock } from '@switchyard/runtime';
import type { KvStore, State } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';

/** What announcing stands on. */
export interface AnnouncementParts {
  readonly state: State;
  readonly audit: Pick<Audit, 'progress' | 'depthBytes' | 'oldestUnforwardedMs'>;
  readonly emitter: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** 10 s unless told. */
  readonly everyMs?: number;
}

const everyMs = 10_000;
const keptMs = 7 * 24 * 3_600_000;

/**
 * Says, now and then, how far the audit trail of this process is, so that analytics can find what never arrived.
 * @throws StateUnavailable where the bucket cannot be opened
 */
export async function announceProgress(parts: AnnouncementParts): Promise<{ close(): Promise<void> }> {
  const kv = await parts.state.bucket(BUCKETS.emitters, DEFAULT_TENANT);
  const said = new Map<number, string>();
  let running = Promise.resolve();
  const announce = () => (running = running.then(() => say(parts, kv, said)));
  void announce();
  const timer = setInterval(() => void announce(), parts.everyMs ?? everyMs).unref();
  return {
    close: async () => {
      clearInterval(timer);
      await announce();
    },
  };
}

/** Only what has changed. What cannot be said now is said the next time. */
async function say({ audit, emitter, clock, log }: AnnouncementParts, kv: KvStore, said: Map<number, string>): Promise<void> {
  for (const { epoch, written, forwarded } of audit.progress()) {
    const what = `${written}/${forwarded}`;
    if (said.get(epoch) === what) continue;
    const [waitingBytes, oldestMs, nowMs] = [audit.depthBytes(), audit.oldestUnforwardedMs(), clock.now()];
    const oldest = oldestMs === 0 ? {} : { oldest_at_ms: nowMs - oldestMs };
    const value: EmitterProgress = { written, forwarded, at_ms: nowMs, waiting_bytes: waitingBytes, ...oldest };
    try {
      await kv.put(emitterProgressKey(emitter, epoch), Buffer.from(JSON.stringify(value)), { ttlMs: keptMs });
      said.set(epoch, what);
    } catch (error) {
      log.debug('how far the audit trail is could not be told', { error });
    }
  }
}
