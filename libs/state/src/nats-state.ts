import { jetstream, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { BucketName } from '@switchyard/contracts';
import type { NatsLink } from '@switchyard/messaging';
import { keyToken } from './key-token.js';
import { StateUnavailable, type KvStore, type State } from './kv.js';
import { NatsKv } from './nats-kv.js';

/** How a NatsState makes buckets. */
export interface NatsStateOptions {
  /** Copies of each bucket, 1 unless told; 3 in a cluster. */
  readonly replicas?: number;
  /** Longest wait for an answer of JetStream, 5 s unless told. */
  readonly timeoutMs?: number;
}

const markerTtlMs = 3_600_000;

/** Buckets on JetStream KV. */
export class NatsState implements State {
  readonly #link: NatsLink;
  readonly #client: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #replicas: number;
  readonly #made = new Map<string, Promise<void>>();
  #closed = false;

  /**
   * @param link stays open when the state closes: others may use it
   * @throws StateUnavailable when the server has no JetStream for this user
   */
  static async open(link: NatsLink, options: NatsStateOptions = {}): Promise<NatsState> {
    const client = jetstream(link.connection, { timeout: options.timeoutMs ?? 5_000 });
    try {
      return new NatsState(link, client, await client.jetstreamManager(), options.replicas ?? 1);
    } catch (cause) {
      throw new StateUnavailable('JetStream is not available', { cause });
    }
  }

  private constructor(link: NatsLink, client: JetStreamClient, manager: JetStreamManager, replicas: number) {
    this.#link = link;
    this.#client = client;
    this.#manager = manager;
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
    return new NatsKv({
      link: this.#link,
      client: this.#client,
      manager: this.#manager,
      stream: `KV_${bucket}`,
      prefix: `$KV.${bucket}.${keyToken(tenant)}`,
    });
  }

  async ready(): Promise<boolean> {
    if (this.#closed || !this.#link.connected()) return false;
    return this.#manager.getAccountInfo().then(
      () => true,
      () => false,
    );
  }

  /** Watches end with the link. */
  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
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
