import { EVENTS_STREAM } from '@switchyard/contracts';
import { connectNats, NatsBus } from '@switchyard/messaging';

/** Where a line says which event it is. */
const EVENT_ID = /"event_id":"([^"]+)"/g;

export const eventIdsIn = (text: string): string[] => [...text.matchAll(EVENT_ID)].map(([, id]) => id!);

/** What the stream of events holds, all of it. */
export interface StreamContent {
  readonly messages: number;
  readonly lines: number;
  readonly ids: ReadonlySet<string>;
}

const LIMITS = { messages: 500, bytes: 32 * 1024 ** 2, fillMs: 500 };

export async function readStream(natsUrl: string): Promise<StreamContent> {
  const link = await connectNats({ servers: [natsUrl], name: 'chaos' });
  const bus = await NatsBus.open(link);
  const ids = new Set<string>();
  let [messages, lines] = [0, 0];
  try {
    const last = await bus.lastSequence(EVENTS_STREAM);
    const reader = await bus.read(EVENTS_STREAM, 0);
    for (let at = 0; at < last;) {
      const read = await reader.next({ ...LIMITS, signal: AbortSignal.timeout(30_000) });
      if (read.length === 0) throw new Error(`the stream has ${last} messages, and gives none behind ${at}`);
      for (const { data } of read) {
        const found = eventIdsIn(Buffer.from(data).toString('latin1'));
        lines += found.length;
        for (const id of found) ids.add(id);
      }
      messages += read.length;
      at = Number(read.at(-1)!.sequence);
    }
    await reader.close();
  } finally {
    await bus.close();
    await link.close();
  }
  return { messages, lines, ids };
}
