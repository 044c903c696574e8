import { EVENTS_STREAM } from '@switchyard/contracts';
import type { Bus, StreamMessage } from '@switchyard/messaging';
import { occurredAt, sequenceOf } from '../ingest/message-lines.js';

/** What is left in the stream of events. */
export interface StreamRest {
  /** Whether nothing has left it yet, and it has been kept since the first event of the first process. */
  readonly isWhole: boolean;
  /** Messages that have left it. */
  readonly gone: number;
  /** Position of its newest message. */
  readonly last: number;
  /** When the first event happened that is left; undefined where none is. */
  readonly oldest: string | undefined;
}

/** @param signal ends the wait for the first message @throws StreamNotKept; BusUnavailable */
export async function streamRest(bus: Pick<Bus, 'extent' | 'read'>, signal: AbortSignal): Promise<StreamRest> {
  const { first, last } = await bus.extent(EVENTS_STREAM);
  const message = first > last ? undefined : await firstMessage(bus, signal);
  // Messages say where they are in what their emitter has recorded: a stream that was kept later than that began is not whole either.
  const beginsWithFirst = first === 1 && (last === 0 || (message !== undefined && sequenceOf(message) === 1));
  return { isWhole: beginsWithFirst, gone: first - 1, last, oldest: message && occurredAt(message) };
}

async function firstMessage(bus: Pick<Bus, 'read'>, signal: AbortSignal): Promise<StreamMessage | undefined> {
  const reader = await bus.read(EVENTS_STREAM, 0);
  try {
    const [message] = await reader.next({ messages: 1, bytes: 1024 ** 2, fillMs: 1, signal });
    return message;
  } finally {
    await reader.close();
  }
}
