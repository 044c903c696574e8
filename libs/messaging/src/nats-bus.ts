import { jetstream, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { errors } from '@nats-io/nats-core';
import type { StreamDefinition } from '@switchyard/contracts';
import { BusUnavailable, type Bus, type ConsumeOptions, type Consumption, type StreamExtent } from './bus.js';
import { NatsConsumption, type NatsConsumptionParts } from './nats-consumption.js';
import type { NatsLink } from './nats-link.js';
import { NatsReader } from './nats-reader.js';
import { ensureStream } from './nats-stream.js';
import { defaultRetryPause, type GrowingPause } from './pause.js';
import type { StreamReader } from './stream-reader.js';

/** How a NatsBus makes streams and retries. */
export interface NatsBusOptions {
  /** Copies of each stream, 1 unless told; 3 in a cluster. */
  readonly replicas?: number;
  /** Longest wait for JetStream to confirm a message, 5 s unless told. */
  readonly publishTimeoutMs?: number;
  /** Pauses between deliveries of a batch that fails. */
  readonly retry?: GrowingPause;
  /** How long a batch that nobody works on any more waits for its next delivery, 30 s unless told. */
  readonly ackWaitMs?: number;
}

const defaultTimeoutMs = 5_000;

/** Durable streams on JetStream. */
export class NatsBus implements Bus {
  readonly #client: JetStreamClient;
  readonly #publishTimeoutMs: number;
  readonly #parts: NatsConsumptionParts;
  readonly #ensured = new Map<string, Promise<void>>();
  readonly #consumptions = new Set<Consumption>();
  readonly #readers = new Set<NatsReader>();
  #closed = false;

  /**
   * @param link stays open when the bus closes: others may use it
   * @throws BusUnavailable when the server has no JetStream for this user
   */
  static async open(link: NatsLink, options: NatsBusOptions = {}): Promise<NatsBus> {
    const client = jetstream(link.connection, { timeout: options.publishTimeoutMs ?? defaultTimeoutMs });
    try {
      return new NatsBus(link, client, await client.jetstreamManager(), options);
    } catch (cause) {
      throw new BusUnavailable('JetStream is not available', { cause });
    }
  }

  private constructor(link: NatsLink, client: JetStreamClient, manager: JetStreamManager, options: NatsBusOptions) {
    this.#client = client;
    this.#publishTimeoutMs = options.publishTimeoutMs ?? defaultTimeoutMs;
    this.#parts = {
      link,
      manager,
      replicas: options.replicas ?? 1,
      retry: options.retry ?? defaultRetryPause,
      ackWaitMs: options.ackWaitMs ?? 30_000,
    };
  }

  async publish(stream: StreamDefinition, subject: string, messageId: string, data: Uint8Array): Promise<void> {
    if (this.#closed) throw new BusUnavailable('the bus is closed');
    try {
      await this.#ensureStream(stream);
      await this.#client.publish(subject, data, {
        msgID: messageId,
        timeout: this.#publishTimeoutMs,
        expect: { streamName: stream.name },
      });
    } catch (cause) {
      if (isMisuse(cause)) throw cause;
      this.#ensured.delete(stream.name);
      throw new BusUnavailable(`${stream.name}: JetStream did not confirm the message`, { cause });
    }
  }

  async consume(options: ConsumeOptions): Promise<Consumption> {
    const consumption = await NatsConsumption.start(this.#parts, options).catch((cause: unknown) => {
      throw new BusUnavailable(`${options.stream.name}: the consumer ${options.durable} could not be made`, { cause });
    });
    this.#consumptions.add(consumption);
    return {
      close: async () => {
        await consumption.close();
        this.#consumptions.delete(consumption);
      },
    };
  }

  async retain(stream: StreamDefinition): Promise<void> {
    await this.#ensureStream(stream).catch((cause: unknown) => {
      this.#ensured.delete(stream.name);
      throw new BusUnavailable(`${stream.name} could not be made`, { cause });
    });
  }

  async release(_stream: StreamDefinition): Promise<void> {
    // Others read it too.
  }

  async lastSequence({ name }: StreamDefinition): Promise<number> {
    try {
      return (await this.#parts.manager.streams.info(name)).state.last_seq;
    } catch (cause) {
      throw new BusUnavailable(`${name}: JetStream does not say how far it is`, { cause });
    }
  }

  async extent(stream: StreamDefinition): Promise<StreamExtent> {
    await this.retain(stream);
    try {
      const { created, state } = await this.#parts.manager.streams.info(stream.name);
      return { incarnation: created.replaceAll(/[^0-9A-Za-z]/g, ''), first: state.first_seq, last: state.last_seq };
    } catch (cause) {
      throw new BusUnavailable(`${stream.name}: JetStream does not say what it holds`, { cause });
    }
  }

  async waiting({ name }: StreamDefinition, durable: string): Promise<number> {
    try {
      const { num_pending: pending, num_ack_pending: unacknowledged } = await this.#parts.manager.consumers.info(name, durable);
      return pending + unacknowledged;
    } catch (cause) {
      throw new BusUnavailable(`${name}: JetStream does not say how far ${durable} is`, { cause });
    }
  }

  async read(stream: StreamDefinition, after: number): Promise<StreamReader> {
    await this.retain(stream);
    const reader = new NatsReader(this.#parts.link, this.#parts.manager, stream, after);
    this.#readers.add(reader);
    return {
      next: (limits) => reader.next(limits),
      close: async () => {
        this.#readers.delete(reader);
        await reader.close();
      },
    };
  }

  async ready(): Promise<boolean> {
    if (this.#closed || !this.#parts.link.connected()) return false;
    return this.#parts.manager.getAccountInfo().then(
      () => true,
      () => false,
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#consumptions, ...this.#readers].map((reading) => reading.close()));
    this.#consumptions.clear();
    this.#readers.clear();
  }

  #ensureStream(stream: StreamDefinition): Promise<void> {
    const known = this.#ensured.get(stream.name);
    if (known) return known;
    const made = ensureStream(this.#parts.manager, stream, this.#parts.replicas);
    this.#ensured.set(stream.name, made);
    return made;
  }
}

/** Faults of the caller, which no later try heals. */
function isMisuse(error: unknown): boolean {
  return error instanceof errors.InvalidArgumentError || error instanceof errors.InvalidSubjectError;
}
