import type { StreamMessage } from '@switchyard/messaging';

/** What is delivered together, of a sink that wants few and large requests. */
export interface Gathering {
  /** How long it is gathered, from the first message on. */
  readonly ms: number;
  /** How much of it at most, but for the message that comes to more. */
  readonly bytes: number;
}

/** What is gathered from. */
export interface Source {
  /** The next messages, at most so many; empty where none came in time, or the signal aborts. */
  readonly next: (signal: AbortSignal, most?: number) => Promise<readonly StreamMessage[]>;
  /**
   * How many positions are left up to where a process had read that did not come to deliver it; 0 or less where there is none.
   * The same is gathered again, whatever the time, so that it is delivered again in the same pieces.
   */
  readonly left: () => number;
  /** Told of the messages so far. */
  readonly onMessages: (messages: readonly StreamMessage[]) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Gathers messages. @returns empty where none came in time */
export async function gather({ ms, bytes }: Gathering, { next, left, onMessages, signal }: Source): Promise<StreamMessage[]> {
  const isAgain = left() > 0;
  const messages = [...(await next(signal, isAgain ? left() : undefined))];
  if (messages.length === 0) return messages;
  await onMessages(messages);
  const until = isAgain ? signal : AbortSignal.any([signal, AbortSignal.timeout(ms)]);
  const isEnough = isAgain ? () => left() <= 0 : () => sizeOf(messages) >= bytes;
  while (!until.aborted && !isEnough()) {
    const more = await next(until, isAgain ? left() : undefined);
    // What is gathered again is there, unless it has left the stream.
    if (isAgain && more.length === 0) break;
    messages.push(...more);
    await onMessages(messages);
  }
  return messages;
}

const sizeOf = (messages: readonly StreamMessage[]) => messages.reduce((sum, { data }) => sum + data.length, 0);
