import { BatchesInHand } from './batches-in-hand.js';
import type { ConsumeOptions, Consumption } from './bus.js';
import { deliver } from './deliver.js';
import type { DurableQueue, QueuedMessage } from './durable-queue.js';
import { pause, type GrowingPause } from './pause.js';

/** One reader of a durable queue. */
export class LocalConsumer implements Consumption {
  readonly #queue: DurableQueue;
  readonly #options: ConsumeOptions;
  readonly #retry: GrowingPause;
  readonly #closing = new AbortController();
  readonly #inHand: BatchesInHand;
  readonly #ended: Promise<void>;

  constructor(queue: DurableQueue, options: ConsumeOptions, retry: GrowingPause) {
    this.#queue = queue;
    this.#options = options;
    this.#retry = retry;
    this.#inHand = new BatchesInHand(options.batchesAtOnce ?? 1);
    this.#ended = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#queue.wake();
    await this.#ended;
    await this.#inHand.ended();
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      if (this.#queue.isEmpty) await this.#queue.change;
      else await this.#next();
    }
  }

  async #next(): Promise<void> {
    const { batchMessages, batchBytes } = this.#options;
    await this.#fill();
    const isFull = this.#queue.fills(batchMessages, batchBytes);
    const batch = this.#queue.take(batchMessages, batchBytes);
    if (batch.length > 0) await this.#inHand.take(this.#handle(batch), isFull);
  }

  async #handle(batch: readonly QueuedMessage[]): Promise<void> {
    const messages = batch.map(({ message }) => message);
    const handled = await deliver(messages, this.#options, this.#retry, this.#closing.signal);
    if (handled) batch.forEach(({ done }) => done());
    else this.#queue.giveBack(batch);
  }

  /** Waits until a batch is full or its time is up. */
  async #fill(): Promise<void> {
    const { batchMessages, batchBytes, batchWaitMs } = this.#options;
    const stop = new AbortController();
    const timeUp = pause(batchWaitMs, stop.signal).then(() => stop.abort());
    while (!stop.signal.aborted && !this.#closing.signal.aborted && !this.#queue.fills(batchMessages, batchBytes)) {
      await Promise.race([this.#queue.change, timeUp]);
    }
    stop.abort();
  }
}
