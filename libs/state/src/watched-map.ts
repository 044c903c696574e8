import type { KvEntry, KvStore, KvWatch } from './kv.js';

/** How a WatchedMap reads values and whom it tells. */
export interface WatchedMapOptions<T> {
  /** @throws anything, where the value is not what it should be */
  readonly decode: (entry: KvEntry) => T;
  /** Told of every value that could not be decoded; what the key held before stays. */
  readonly onError: (key: string, error: unknown) => void;
}

/** A bucket held in memory and kept up to date: reads are synchronous. */
export class WatchedMap<T> {
  readonly #options: WatchedMapOptions<T>;
  readonly #values = new Map<string, T>();
  readonly #listeners = new Set<(key: string, value: T | undefined) => void>();
  #watch: KvWatch | undefined;

  /**
   * Opens it, and resolves when it holds everything that stands in the store now.
   * @throws StateUnavailable when the store cannot be read
   */
  static async open<T>(kv: KvStore, options: WatchedMapOptions<T>): Promise<WatchedMap<T>> {
    const map = new WatchedMap<T>(options);
    map.#watch = await kv.watch((change) => {
      if (change.kind === 'put') map.#put(change.entry);
      else map.#delete(change.key);
    });
    await map.#watch.ready;
    return map;
  }

  private constructor(options: WatchedMapOptions<T>) {
    this.#options = options;
  }

  get(key: string): T | undefined {
    return this.#values.get(key);
  }

  /** What it holds now, in no order. */
  values(): T[] {
    return [...this.#values.values()];
  }

  get size(): number {
    return this.#values.size;
  }

  /**
   * Resolves when it holds everything that was written before the call.
   * @throws StateUnavailable where that cannot be known now
   */
  async confirm(): Promise<void> {
    await this.#watch?.confirm();
  }

  /** Calls back after every change from now on, with `undefined` for a key that is gone. @returns stops that */
  onChange(listener: (key: string, value: T | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Keeps what it holds, and follows no further. Idempotent. */
  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#watch?.close();
  }

  #put(entry: KvEntry): void {
    const decoded = this.#decode(entry);
    if (!decoded.ok) return;
    this.#values.set(entry.key, decoded.value);
    this.#tell(entry.key, decoded.value);
  }

  #decode(entry: KvEntry): { readonly ok: true; readonly value: T } | { readonly ok: false } {
    try {
      return { ok: true, value: this.#options.decode(entry) };
    } catch (error) {
      this.#options.onError(entry.key, error);
      return { ok: false };
    }
  }

  #delete(key: string): void {
    this.#values.delete(key);
    this.#tell(key, undefined);
  }

  #tell(key: string, value: T | undefined): void {
    this.#listeners.forEach((listener) => listener(key, value));
  }
}
