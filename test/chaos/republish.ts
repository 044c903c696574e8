import { EVENTS_STREAM } from '@switchyard/contracts';
import { type Bus, connectNats, NatsBus, type StreamMessage } from '@switchyard/messaging';
import type { Republishing } from './fault-kinds.js';

const MESSAGES = 30;
const READ_MS = 3_000;

/**
 * Publishes event batches that the stream has already: once more under their ids, as an emitter does that was not told that they had
 * arrived; under ids that the stream does not know any more, as one does that comes back after the stream has forgotten them; and cut into
 * other batches, as one does that had lost its place.
 * @returns how many messages were published
 */
export async function republish(how: Republishing, natsUrl: string): Promise<number> {
  const link = await connectNats({ servers: [natsUrl], name: 'chaos' });
  const bus = await NatsBus.open(link);
  try {
    const newest = await bus.lastSequence(EVENTS_STREAM);
    const messages = await readSome(bus, how === 'again' ? Math.max(0, newest - MESSAGES) : 0);
    const sent = MADE[how](messages);
    for (const { subject, messageId, data } of sent) await bus.publish(EVENTS_STREAM, subject, messageId, data);
    return sent.length;
  } finally {
    await bus.close();
    await link.close();
  }
}

type Sent = Pick<StreamMessage, 'subject' | 'messageId' | 'data'>;

const MADE: Readonly<Record<Republishing, (messages: readonly StreamMessage[]) => readonly Sent[]>> = {
  again: (messages) => messages,
  late: (messages) => messages.map((message) => ({ ...message, messageId: `late ${message.messageId}` })),
  'cut-anew': (messages) => {
    const subjects = new Set(messages.map(({ subject }) => subject));
    return [...subjects].flatMap((subject) => {
      const parts = messages.filter((message) => message.subject === subject).map(({ data }) => Buffer.from(data).toString());
      const lines = parts.join('').split('\n').slice(0, -1);
      // In the middle of what was one batch, and across what were two.
      const size = Math.max(1, Math.floor(lines.length / 3));
      return [0, 1, 2, 3].flatMap((part) => {
        const some = lines.slice(part * size, (part + 1) * size);
        const data = Buffer.from(some.map((line) => `${line}\n`).join(''));
        return some.length === 0 ? [] : [{ subject, messageId: `anew ${subject} ${part}`, data }];
      });
    });
  },
};

async function readSome(bus: Bus, after: number): Promise<StreamMessage[]> {
  const reader = await bus.read(EVENTS_STREAM, after);
  try {
    const found: StreamMessage[] = [];
    const signal = AbortSignal.timeout(READ_MS);
    while (found.length < MESSAGES && !signal.aborted) {
      const limits = { messages: MESSAGES - found.length, bytes: 8 * 1024 ** 2, fillMs: 200, signal };
      found.push(...(await reader.next(limits)));
    }
    return found;
  } finally {
    await reader.close();
  }
}
