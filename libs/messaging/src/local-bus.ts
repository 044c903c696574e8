import type { StreamDefinition } from '@switchyard/contracts';
import { BusUnavailable, type Bus, type ConsumeOptions, type Consumption } from './bus.js';
import { LocalConsumer } from './local-consumer.js';
import { LocalStream } from './local-stream.js';
import { defaultRetryPause, fulfilledWithin, type GrowingPause } from './pause.js';

/** How a LocalBus waits. */
export interface LocalBusOptions {
  /** Longest wait for a message to be handled, also for its first consumer to come; 10 s unless told. */
  readonly publishTimeoutMs?: number;
  /** Pauses between deliveries of a batch that fails. */
  readonly retry?: GrowingPause;
}

/**
 * Streams inside one process, for the embedded profile. It stores nothing: a message is safe when every consumer has handled
 * it, and until then it is its publisher's.
 */
export class LocalBus implements Bus {
  readonly #publishTimeoutMs: number;
  readonly #retry: GrowingPause;
  readonly #streams = new Map<string, LocalStream>();
  readonly #consumers = new Set<LocalConsumer>();
  readonly #closing = new AbortController();

  constructor(options: LocalBusOptions = {}) {
    this.#publishTimeoutMs = options.publishTimeoutMs ?? 10_000;
    this.#retry = options.retry ?? defaultRetryPause;
  }

  async publish(stream: StreamDefinition, subject: string, messageId: string, data: Uint8Array): Promise<void> {
    if (this.#closing.signal.aborted) throw new BusUnavailable('the bus is closed');
    const handled = this.#stream(stream).publish(subject, messageId, data);
    const inTime = await fulfilledWithin(handled, this.#publishTimeoutMs, this.#closing.signal);
    if (!inTime) throw new BusUnavailable(`${stream.name}: no consumer has handled the message yet`);
  }

  consume(options: ConsumeOptions): Promise<Consumption> {
    if (this.#closing.signal.aborted) return Promise.reject(new BusUnavailable('the bus is closed'));
    const consumer = new LocalConsumer(this.#stream(options.stream).durable(options.durable), options, this.#retry);
    this.#consumers.add(consumer);
    return Promise.resolve({
      close: async () => {
        await consumer.close();
        this.#consumers.delete(consumer);
      },
    });
  }

  ready(): Promise<boolean> {
    return Promise.resolve(!this.#closing.signal.aborted);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()));
    this.#consumers.clear();
    this.#closing.abort();
  }

  #stream(definition: StreamDefinition): LocalStream {
    const known = this.#streams.get(definition.name);
    if (known) return known;
    const stream = new LocalStream(definition);
    this.#streams.set(definition.name, stream);
    return stream;
  }
}
