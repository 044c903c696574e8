import { sinkView } from '@switchyard/contracts';
import { type KvStore } from '@switchyard/state';
import type { z } from 'zod';
import { leaseKey } from './sink-lease.js';

/** How a sink is. */
export type SinkStatus = Readonly<z.infer<typeof sinkView>>;

/** How a sink is that another replica serves, as of some seconds ago; undefined where none does. @throws StateUnavailable */
export async function statusElsewhere(kv: KvStore, sink: string): Promise<SinkStatus | undefined> {
  const entry = await kv.get(leaseKey(sink));
  return entry && sinkView.parse(JSON.parse(Buffer.from(entry.value).toString('utf8')));
}
