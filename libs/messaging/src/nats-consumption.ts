import type { JetStreamManager } from '@nats-io/jetstream';
import { BatchesInHand } from './batches-in-hand.js';
import { BusUnavailable, type ConsumeOptions, type Consumption } from './bus.js';
import { deliver } from './deliver.js';
import type { NatsLink } from './nats-link.js';
import { pullBatch, type PulledBatch } from './nats-pull.js';
import { ensureConsumer, ensureStream } from './nats-stream.js';
import { pause, pauseAfter, type GrowingPause } from './pause.js';
import type { PulledMessage } from './pulled-message.js';

/** What a consumption stands on. */
export interface NatsConsumptionParts {
  readonly link: NatsLink;
  readonly manager: JetStreamManager;
  readonly replicas: number;
  readonly retry: GrowingPause;
  readonly ackWaitMs: number;
}

const ackTimeoutMs = 5_000;

/** Pull, hand over, acknowledge, again: until closed. */
export class NatsConsumption implements Consumption {
  readonly #parts: NatsConsumptionParts;
  readonly #options: ConsumeOptions;
  readonly #closing = new AbortController();
  readonly #inHand: BatchesInHand;
  readonly #ended: Promise<void>;
  readonly #forgetReconnects: () => void;
  /** Ends the pull that is waiting; after a reconnect too, because a server that restarted has forgotten it. */
  #endPull: (() => void) | undefined;

  /** Starts to consume. @throws what JetStream answers when the stream or the consumer cannot be made */
  static async start(parts: NatsConsumptionParts, options: ConsumeOptions): Promise<NatsConsumption> {
    await ensureStream(parts.manager, options.stream, parts.replicas);
    await ensureConsumer(parts.manager, options, parts.ackWaitMs);
    return new NatsConsumption(parts, options);
  }

  private constructor(parts: NatsConsumptionParts, options: ConsumeOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#inHand = new BatchesInHand(options.batchesAtOnce ?? 1);
    this.#forgetReconnects = parts.link.onReconnect(() => this.#endPull?.());
    this.#ended = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#endPull?.();
    this.#forgetReconnects();
    await this.#ended;
    await this.#inHand.ended();
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#closing.signal.aborted) {
      try {
        await this.#next();
        failures = 0;
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        failures += 1;
        this.#options.onError(error);
        await pause(pauseAfter(failures, this.#parts.retry), this.#closing.signal);
        await this.#ensureAgain();
      }
    }
  }

  async #next(): Promise<void> {
    const { messages, isFull } = await this.#pull(this.#options.batchBytes);
    if (messages.length > 0) await this.#inHand.take(this.#handle(messages), isFull);
  }

  async #handle(messages: readonly PulledMessage[]): Promise<void> {
    const beat = setInterval(() => messages.forEach((message) => message.working()), this.#parts.ackWaitMs / 3);
    try {
      const handled = await deliver(messages, this.#options, this.#parts.retry, this.#closing.signal);
      if (handled) await this.#acknowledge(messages);
      else messages.forEach((message) => message.nak());
    } finally {
      clearInterval(beat);
    }
  }

  async #pull(batchBytes: number | undefined): Promise<PulledBatch> {
    const stop = new AbortController();
    this.#endPull = () => stop.abort();
    if (this.#closing.signal.aborted) stop.abort();
    const { stream, durable, batchMessages, batchWaitMs } = this.#options;
    const limits = batchBytes === undefined ? { batchMessages: 1 } : { batchMessages, batchBytes };
    const request = { stream: stream.name, durable, batchWaitMs, ...limits };
    const batch = await pullBatch(this.#parts.link, request, stop.signal);
    // A message larger than a batch may be is handed over alone.
    return batch.tooBig ? this.#pull(undefined) : batch;
  }

  async #acknowledge(messages: readonly PulledMessage[]): Promise<void> {
    try {
      await Promise.all(messages.map((message) => message.ack(ackTimeoutMs)));
    } catch (cause) {
      throw new BusUnavailable(`${this.#options.stream.name}: a handled batch could not be acknowledged and will come again`, {
        cause,
      });
    }
  }

  /** After trouble the stream or the consumer may be gone; when they cannot be made now, the next pull says so. */
  async #ensureAgain(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    await ensureStream(this.#parts.manager, this.#options.stream, this.#parts.replicas)
      .then(() => ensureConsumer(this.#parts.manager, this.#options, this.#parts.ackWaitMs))
      .catch(this.#options.onError);
  }
}
