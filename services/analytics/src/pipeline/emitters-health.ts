import { emitterProgress, parseEmitterProgressKey, type EmitterHealth } from '@switchyard/contracts';
import type { KvStore } from '@switchyard/state';

/**
 * How far every emitter says that it is: its latest boot, and those before that still have events in the spool.
 * @param stored greatest sequence in the database, by `<emitter>/<epoch>`; undefined where that does not answer
 * @throws StateUnavailable
 */
export async function emittersHealth(
  emitters: KvStore,
  nowMs: number,
  stored: ReadonlyMap<string, number> | undefined,
): Promise<EmitterHealth[]> {
  const boots: (EmitterHealth & { readonly boot: number })[] = [];
  for (const key of await emitters.keys('progress/')) {
    const names = parseEmitterProgressKey(key);
    const entry = names && (await emitters.get(key));
    if (names === undefined || entry === undefined) continue;
    const { emitter, epoch } = names;
    const said = emitterProgress.parse(JSON.parse(Buffer.from(entry.value).toString()));
    const has = stored?.get(`${emitter}/${epoch}`) ?? 0;
    // What is in the database has been forwarded since: processes say how far they are every 10 s.
    const isOvertaken = said.written > said.forwarded && has >= said.written;
    boots.push({
      boot: epoch,
      emitter,
      epoch: String(epoch),
      recorded: said.written,
      forwarded: said.forwarded,
      ...(stored === undefined ? {} : { stored: has }),
      waiting: isOvertaken ? 0 : Math.max(0, said.written - said.forwarded),
      ...(said.waiting_bytes === undefined ? {} : { waiting_bytes: said.waiting_bytes }),
      oldest_ms: isOvertaken || said.oldest_at_ms === undefined ? 0 : Math.max(0, Math.round(nowMs - said.oldest_at_ms)),
      said_at: new Date(said.at_ms).toISOString(),
    });
  }
  const latest = new Map<string, number>();
  for (const { emitter, boot } of boots) latest.set(emitter, Math.max(boot, latest.get(emitter) ?? 0));
  return boots
    .filter(({ emitter, boot, waiting }) => waiting > 0 || latest.get(emitter) === boot)
    .sort((a, b) => (a.emitter < b.emitter ? -1 : a.emitter > b.emitter ? 1 : b.boot - a.boot))
    .map(({ boot: _boot, ...health }) => health);
}
