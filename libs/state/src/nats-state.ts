import { jetstream, JetStreamApiError, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { BucketName } from '@switchyard/contracts';
import type { NatsLink } from '@switchyard/messaging';
import { keyToken } from './key-token.js';
import { StateUnavailable, type KvStore, type State } from './kv.js';
import { NatsBreaker } from './nats-breaker.js';
import { NatsKv } from './nats-kv.js';

/** How a NatsState makes buckets. */
export interface NatsStateOptions {
  /** Copies of each bucket, 1 unless told; 3 in a cluster. */
  readonly replicas?: number;
  /** Longest wait for an answer of JetStream, 5 s unless told. */
  readonly timeoutMs?: number;
}

const markerTtlMs = 3_600_000;
/** Longest wait for an answer to a probe: a server that is back has another one sent soon. */
const PROBE_MS = 500;
/** What JetStream says where a stream, or all of it, has no leader. */
const UNAVAILABLE = 503;

interface NatsStateParts {
  readonly link: NatsLink;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly prober: JetStreamManager;
  readonly replicas: number;
}

/** Buckets on JetStream KV. */
export class NatsState implements State {
  readonly #link: NatsLink;
  readonly #client: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #replicas: number;
  /** Waits less long. */
  readonly #prober: JetStreamManager;
  readonly #made = new Map<string, Promise<void>>();
  readonly #breakers = new Map<string, NatsBreaker>();
  readonly #closing = new AbortController();

  /**
   * @param link stays open when the state closes: others may use it
   * @throws StateUnavailable when the server has no JetStream for this user
   */
  static async open(link: NatsLink, options: NatsStateOptions = {}): Promise<NatsState> {
    const client = jetstream(link.connection, { timeout: options.timeoutMs ?? 5_000 });
    try {
      const manager = await client.jetstreamManager();
      const prober = await jetstreamManager(link.connection, { timeout: PROBE_MS, checkAPI: false });
      return new NatsState({ link, client, manager, prober, replicas: options.replicas ?? 1 });
    } catch (cause) {
      throw new StateUnavailable('JetStream is not available', { cause });
    }
  }

  private constructor({ link, client, manager, prober, replicas }: NatsStateParts) {
    this.#link = link;
    this.#client = client;
    this.#manager = manager;
    this.#prober = prober;
    this.#replicas = replicas;
  }

  /** @throws StateUnavailable when the bucket can be neither found nor made */
  async bucket(name: BucketName, tenant: string): Promise<KvStore> {
    const bucket = `switchyard-${name}`;
    try {
      await this.#ensure(bucket);
    } catch (cause) {
      this.#made.delete(bucket);
      throw new StateUnavailable(`the bucket ${name} could not be opened`, { cause });
    }
    const stream = `KV_${bucket}`;
    return new NatsKv({
      link: this.#link,
      client: this.#client,
      manager: this.#manager,
      breaker: this.#breakerOf(stream),
      stream,
      prefix: `$KV.${bucket}.${keyToken(tenant)}`,
    });
  }

  async ready(): Promise<boolean> {
    if (this.#closing.signal.aborted || !this.#link.connected()) return false;
    return this.#manager.getAccountInfo().then(
      () => true,
      () => false,
    );
  }

  /** Watches end with the link. */
  close(): Promise<void> {
    this.#closing.abort();
    return Promise.resolve();
  }

  #breakerOf(stream: string): NatsBreaker {
    const known = this.#breakers.get(stream);
    if (known) return known;
    const breaker = new NatsBreaker({ probe: () => this.#answers(stream), closing: this.#closing.signal });
    this.#breakers.set(stream, breaker);
    return breaker;
  }

  /** Whether a stream has a leader that answers. Nobody is barred from asking for what a bucket of theirs is. */
  #answers(stream: string): Promise<boolean> {
    return this.#prober.streams.info(stream).then(
      () => true,
      (error: unknown) => error instanceof JetStreamApiError && error.code !== UNAVAILABLE,
    );
  }

  #ensure(bucket: string): Promise<void> {
    const known = this.#made.get(bucket);
    if (known) return known;
    const made = this.#make(bucket);
    this.#made.set(bucket, made);
    return made;
  }

  async #make(bucket: string): Promise<void> {
    await new Kvm(this.#client).create(bucket, {
      history: 1,
      replicas: this.#replicas,
      // With it, any replica answers reads, also one that has not heard of a write yet.
      allow_direct: false,
      // Lets messages carry a time to live, and marks its end so that watches hear of it.
      markerTTL: markerTtlMs,
    });
  }
}
