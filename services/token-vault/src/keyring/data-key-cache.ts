interface Held {
  readonly key: Buffer;
  readonly untilMs: number;
}

/** Decrypted data keys, each for a bounded time; overwritten with zeros when they go. */
export class DataKeyCache {
  readonly #held = new Map<string, Held>();
  readonly #asked = new Map<string, Promise<Buffer>>();
  readonly #clock: { now(): number };
  readonly #lifetimeMs: number;
  /** Grows with every clearing, so that what was asked for before is not kept after it. */
  #generation = 0;

  constructor(clock: { now(): number }, lifetimeMs: number) {
    this.#clock = clock;
    this.#lifetimeMs = lifetimeMs;
  }

  /**
   * A copy of the key, from memory or from `load`; those who ask for it at the same time share one load. A copy, because what is
   * held may be overwritten at any time, and nothing may be encrypted with zeros. Overwrite it after use.
   * @throws whatever `load` throws
   */
  async get(id: string, load: () => Promise<Buffer>): Promise<Buffer> {
    const held = this.#held.get(id);
    if (held !== undefined && held.untilMs > this.#clock.now()) return Buffer.from(held.key);
    const asked = this.#asked.get(id) ?? this.#load(id, load);
    this.#asked.set(id, asked);
    return Buffer.from(await asked);
  }

  /** Overwrites the keys whose time is over. */
  expire(): void {
    const nowMs = this.#clock.now();
    for (const [id, { untilMs }] of this.#held) if (untilMs <= nowMs) this.#drop(id);
  }

  /** Overwrites all keys. */
  clear(): void {
    this.#generation++;
    for (const id of this.#held.keys()) this.#drop(id);
  }

  async #load(id: string, load: () => Promise<Buffer>): Promise<Buffer> {
    const generation = this.#generation;
    // From before the answer: the key service spoke at some time after this.
    const untilMs = this.#clock.now() + this.#lifetimeMs;
    try {
      const key = await load();
      this.#drop(id);
      if (generation === this.#generation) this.#held.set(id, { key, untilMs });
      return key;
    } finally {
      this.#asked.delete(id);
    }
  }

  #drop(id: string): void {
    this.#held.get(id)?.key.fill(0);
    this.#held.delete(id);
  }
}
