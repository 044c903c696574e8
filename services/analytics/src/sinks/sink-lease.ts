import { StateUnavailable, type KvStore } from '@switchyard/state';

/** How long a replica that died keeps others waiting. */
const LEASE_MS = 15_000;
const RENEW_MS = LEASE_MS / 3;

/** The right to serve a sink: of all replicas of analytics one has it. */
export class SinkLease {
  readonly #kv: KvStore;
  readonly #key: string;
  readonly #holder: Uint8Array;
  readonly #lost = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #revision: number;
  #renewedAtMs = performance.now();

  /** @returns undefined where another replica has it @throws StateUnavailable */
  static async acquire(kv: KvStore, sink: string, holder: string): Promise<SinkLease | undefined> {
    const value = Buffer.from(holder);
    const key = `lease/${sink}`;
    const created = await kv.create(key, value, { ttlMs: LEASE_MS });
    return created.ok ? new SinkLease(kv, key, value, created.revision) : undefined;
  }

  private constructor(kv: KvStore, key: string, holder: Uint8Array, revision: number) {
    this.#kv = kv;
    this.#key = key;
    this.#holder = holder;
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
      const renewed = await this.#kv.update(this.#key, this.#holder, this.#revision, { ttlMs: LEASE_MS });
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
