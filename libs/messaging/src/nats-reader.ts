import { AckPolicy, DeliverPolicy, type JetStreamManager } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import type { StreamDefinition } from '@switchyard/contracts';
import { randomUUID } from 'node:crypto';
import { BusUnavailable, type StreamMessage } from './bus.js';
import type { NatsLink } from './nats-link.js';
import { pullBatch } from './nats-pull.js';
import type { ReadLimits, StreamReader } from './stream-reader.js';

/** Longer than a pull waits: JetStream forgets a consumer that nobody pulls from, so that none needs to be deleted. */
const INACTIVE_MS = 2 * 60_000;

/**
 * Reads a stream through a consumer that JetStream keeps in memory for as long as it is read, and makes anew, at the position that
 * was reached, when the consumer is gone or a message got lost on its way.
 */
export class NatsReader implements StreamReader {
  readonly #link: NatsLink;
  readonly #manager: JetStreamManager;
  readonly #stream: StreamDefinition;
  #position: number;
  #consumer: string | undefined;
  /** Whether nothing was pulled from the consumer yet: then a jump means that the stream has no more what lay between. */
  #isNew = false;
  #closed = false;
  #endPull: (() => void) | undefined;

  /** @param after position behind which reading begins */
  constructor(link: NatsLink, manager: JetStreamManager, stream: StreamDefinition, after: number) {
    this.#link = link;
    this.#manager = manager;
    this.#stream = stream;
    this.#position = after;
  }

  async next(limits: ReadLimits): Promise<readonly StreamMessage[]> {
    try {
      for (;;) {
        const messages = await this.#pull(limits);
        if (this.#closed || messages.length === 0) return [];
        const whole = this.#untilGap(messages);
        this.#isNew = false;
        if (whole.length < messages.length) this.#consumer = undefined;
        this.#position = Number(whole.at(-1)?.sequence ?? this.#position);
        if (whole.length > 0) return whole;
      }
    } catch (cause) {
      this.#consumer = undefined;
      throw cause instanceof BusUnavailable ? cause : new BusUnavailable(`${this.#stream.name} cannot be read`, { cause });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#endPull?.();
  }

  #untilGap(messages: readonly StreamMessage[]): readonly StreamMessage[] {
    let expected = this.#isNew || this.#position === 0 ? Number(messages[0]?.sequence) : this.#position + 1;
    const gap = messages.findIndex(({ sequence }) => Number(sequence) !== expected++);
    return gap === -1 ? messages : messages.slice(0, gap);
  }

  async #pull(limits: ReadLimits): Promise<readonly StreamMessage[]> {
    const stop = new AbortController();
    const end = () => stop.abort();
    this.#endPull = end;
    if (limits.signal.aborted || this.#closed) end();
    limits.signal.addEventListener('abort', end);
    // A server that restarted has forgotten the pull.
    const forgetReconnects = this.#link.onReconnect(end);
    try {
      const durable = (this.#consumer ??= await this.#make());
      const { messages, bytes, fillMs } = limits;
      const request = { stream: this.#stream.name, durable, batchMessages: messages, batchBytes: bytes, batchWaitMs: fillMs };
      const batch = await pullBatch(this.#link, request, stop.signal);
      if (!batch.tooBig) return batch.messages;
      const { batchBytes: _none, ...one } = { ...request, batchMessages: 1 };
      return (await pullBatch(this.#link, one, stop.signal)).messages;
    } finally {
      limits.signal.removeEventListener('abort', end);
      forgetReconnects();
    }
  }

  async #make(): Promise<string> {
    const name = `reader-${randomUUID()}`;
    await this.#manager.consumers.add(this.#stream.name, {
      name,
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#position + 1,
      inactive_threshold: nanos(INACTIVE_MS),
      mem_storage: true,
      num_replicas: 1,
    });
    this.#isNew = true;
    return name;
  }
}
