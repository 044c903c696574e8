import type { KvStore } from '@switchyard/state';
import { replaysOf } from './replay.js';
import { SinkPlace } from './sink-place.js';

/** Until when a sink has been sent everything. */
export interface DeliveredThrough {
  readonly sink: string;
  /** Milliseconds since 1970; undefined where that is not known. */
  readonly throughMs: number | undefined;
}

const PLACE = 'place/';

/** Of every sink that has begun. What is being replayed has yet to be sent. @throws StateUnavailable */
export async function deliveredThrough(kv: KvStore): Promise<DeliveredThrough[]> {
  const sinks = (await kv.keys(PLACE)).map((key) => key.slice(PLACE.length));
  return Promise.all(
    sinks.map(async (sink) => {
      const place = await new SinkPlace(kv, sink).load();
      const replays = (await replaysOf(kv, sink)).filter(({ state }) => state === 'running');
      const times = [place?.throughMs ?? 0, ...replays.map(({ after, fromMs }) => after?.atMs ?? fromMs)];
      const throughMs = Math.min(...times);
      return { sink, throughMs: throughMs === 0 ? undefined : throughMs };
    }),
  );
}
