import { StateUnavailable, type KvStore } from '@switchyard/state';

/** How long a replica that died keeps others waiting. */
const LEASE_MS = 15_000;
const RENEW_MS = LEASE_MS / 3;

/** Where in the bucket the lease of a sink is. */
export const leaseKey = (sink: string): string => `lease/${sink}`;

/** The right to serve a sink: of all replicas of analytics one has it. */
export class SinkLease {
  readonly #kv: KvStore;
  readonly #key: string;
  readonly #describe: () => Uint8Array;
  readonly #lost = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #revision: number;
  #renewedAtMs = performance.now();

  /**
   * @param describe what others are told of whoever has it, at every renewal
   * @returns undefined where another replica has it
   * @throws StateUnavailable
   */
  static async acquire(kv: KvStore, sink: string, describe: () => Uint8Array): Promise<SinkLease | undefined> {
    const key = leaseKey(sink);
    const created = await kv.create(key, describe(), { ttlMs: LEASE_MS });
    return created.ok ? new SinkLease(kv, key, describe, created.revision) : undefined;
  }

  private constructor(kv: KvStore, key: string, describe: () => Uint8Array, revision: number) {
    this.#kv = kv;
    this.#key = key;
    this.#describe = describe;
    this.#revision = revision;
    this.#timer = setInterval(() => void this.#renew(), RENEW_MS).unref();
  }

  /** Aborts when another replica may have it. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Gives it back, so that another replica need not wait. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    if (!this.#lost.signal.aborted) await this.#kv.delete(this.#key, this.#revision).catch(ignoreUnavailable);
    this.#lost.abort();
  }

  async #renew(): Promise<void> {
    const atMs = performance.now();
    try {
      const renewed = await this.#kv.update(this.#key, this.#describe(), this.#revision, { ttlMs: LEASE_MS });
      if (!renewed.ok) return this.#lose();
      this.#revision = renewed.revision;
      this.#renewedAtMs = atMs;
    } catch (error) {
      ignoreUnavailable(error);
      if (performance.now() - this.#renewedAtMs > LEASE_MS - RENEW_MS) this.#lose();
    }
  }

  #lose(): void {
    clearInterval(this.#timer);
    this.#lost.abort();
  }
}

/** The lease ends by itself. */
function ignoreUnavailable(error: unknown): void {
  if (!(error instanceof StateUnavailable)) throw error;
}
