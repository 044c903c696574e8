import type { StreamDefinition } from '@switchyard/contracts';
import { BusUnavailable, StreamNotKept, type Bus, type ConsumeOptions, type Consumption, type StreamExtent } from './bus.js';
import { LocalConsumer } from './local-consumer.js';
import { LocalStream } from './local-stream.js';
import { defaultRetryPause, fulfilledWithin, type GrowingPause } from './pause.js';
import { StreamLog } from './stream-log.js';
import type { StreamReader } from './stream-reader.js';

/** How a LocalBus waits. */
export interface LocalBusOptions {
  /** Longest wait for a message to be handled, also for its first consumer to come; 10 s unless told. */
  readonly publishTimeoutMs?: number;
  /** Pauses between deliveries of a batch that fails. */
  readonly retry?: GrowingPause;
  /** Folder of what is kept of streams. Without it none can be read again. */
  readonly logDir?: string;
}

/**
 * Streams inside one process, for the embedded profile. A message is safe when every consumer has handled it, and until then it is its
 * publisher's. It stores nothing but what `retain` asks for.
 */
export class LocalBus implements Bus {
  readonly #publishTimeoutMs: number;
  readonly #retry: GrowingPause;
  readonly #streams = new Map<string, LocalStream>();
  readonly #consumers = new Set<LocalConsumer>();
  readonly #logDir: string | undefined;
  /** By name of the stream; undefined: not kept. */
  readonly #logs = new Map<string, StreamLog | undefined>();
  /** By name of the stream, who needs it to be kept. */
  readonly #keepers = new Map<string, Set<string>>();
  readonly #closing = new AbortController();

  constructor(options: LocalBusOptions = {}) {
    this.#publishTimeoutMs = options.publishTimeoutMs ?? 10_000;
    this.#retry = options.retry ?? defaultRetryPause;
    this.#logDir = options.logDir;
  }

  async publish(stream: StreamDefinition, subject: string, messageId: string, data: Uint8Array): Promise<void> {
    if (this.#closing.signal.aborted) throw new BusUnavailable('the bus is closed');
    this.#log(stream)?.add(subject, messageId, data);
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

  async retain(stream: StreamDefinition, by = ''): Promise<void> {
    if (this.#logDir === undefined) throw new BusUnavailable('this bus has no folder to keep streams in');
    if (this.#closing.signal.aborted) throw new BusUnavailable('the bus is closed');
    if (this.#log(stream) === undefined) this.#logs.set(stream.name, new StreamLog(this.#logDir, stream));
    const keepers = this.#keepers.get(stream.name) ?? new Set();
    this.#keepers.set(stream.name, keepers.add(by));
  }

  async release(stream: StreamDefinition, by = ''): Promise<void> {
    const keepers = this.#keepers.get(stream.name);
    keepers?.delete(by);
    if (keepers !== undefined && keepers.size > 0) return;
    if (this.#logDir !== undefined) this.#log(stream)?.remove(this.#logDir);
    this.#logs.set(stream.name, undefined);
  }

  async lastSequence(stream: StreamDefinition): Promise<number> {
    return this.#kept(stream).lastSequence();
  }

  async extent(stream: StreamDefinition): Promise<StreamExtent> {
    return this.#kept(stream).extent();
  }

  async waiting(stream: StreamDefinition, durable: string): Promise<number> {
    const count = this.#streams.get(stream.name)?.waiting(durable);
    if (count === undefined) throw new BusUnavailable(`${stream.name} has no consumer ${durable}`);
    return count;
  }

  async read(stream: StreamDefinition, after: number): Promise<StreamReader> {
    return this.#kept(stream).reader(after);
  }

  ready(): Promise<boolean> {
    return Promise.resolve(!this.#closing.signal.aborted);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()));
    this.#consumers.clear();
    this.#closing.abort();
    for (const log of this.#logs.values()) log?.close();
  }

  /** What an earlier process has begun to keep is kept on. */
  #log(stream: StreamDefinition): StreamLog | undefined {
    if (this.#logDir === undefined || this.#logs.has(stream.name)) return this.#logs.get(stream.name);
    const log = StreamLog.exists(this.#logDir, stream) ? new StreamLog(this.#logDir, stream) : undefined;
    this.#logs.set(stream.name, log);
    return log;
  }

  #kept(stream: StreamDefinition): StreamLog {
    const log = this.#closing.signal.aborted ? undefined : this.#log(stream);
    if (log === undefined) throw new StreamNotKept(`${stream.name} is not kept`);
    return log;
  }

  #stream(definition: StreamDefinition): LocalStream {
    const known = this.#streams.get(definition.name);
    if (known) return known;
    const stream = new LocalStream(definition);
    this.#streams.set(definition.name, stream);
    return stream;
  }
}
