import type { StreamMessage } from './bus.js';

/** A message in a durable consumer's queue; `done` ends the publisher's wait. */
export interface QueuedMessage {
  readonly message: StreamMessage;
  readonly done: () => void;
}

/** What one durable consumer has yet to handle. Outlives its readers; several readers share it. */
export class DurableQueue {
  readonly #queued: QueuedMessage[] = [];
  #bytes = 0;
  #change = Promise.withResolvers<void>();

  push(queued: QueuedMessage): void {
    this.#queued.push(queued);
    this.#bytes += queued.message.data.length;
    this.wake();
  }

  /** Puts an unhandled batch back to the front, in its order. */
  giveBack(batch: readonly QueuedMessage[]): void {
    this.#queued.unshift(...batch);
    this.#bytes += sizeOf(batch);
    this.wake();
  }

  /** Takes from the front as much as fits, and at least one message when there is one. */
  take(limitMessages: number, limitBytes: number): QueuedMessage[] {
    let bytes = 0;
    const fits = this.#queued.findIndex(({ message }, index) => {
      bytes += message.data.length;
      return index >= limitMessages || (index > 0 && bytes > limitBytes);
    });
    const batch = this.#queued.splice(0, fits === -1 ? this.#queued.length : fits);
    this.#bytes -= sizeOf(batch);
    return batch;
  }

  /** Whether what is there makes a full batch. */
  fills(limitMessages: number, limitBytes: number): boolean {
    return this.#queued.length >= limitMessages || this.#bytes >= limitBytes;
  }

  get length(): number {
    return this.#queued.length;
  }

  get isEmpty(): boolean {
    return this.#queued.length === 0;
  }

  /** Resolves when something was pushed or given back after this call, or on wake(). */
  get change(): Promise<void> {
    return this.#change.promise;
  }

  /** Makes readers look again. */
  wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }
}

const sizeOf = (batch: readonly QueuedMessage[]) => batch.reduce((sum, { message }) => sum + message.data.length, 0);
