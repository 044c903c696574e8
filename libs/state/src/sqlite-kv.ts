import type { ChangeFeed } from './change-feed.js';
import type { ExpirySweeper } from './expiry-sweeper.js';
import { checkKey } from './key-token.js';
import { StateUnavailable, type CasResult, type KvChange, type KvEntry, type KvStore, type KvWatch } from './kv.js';
import type { Scope, SqliteFile } from './sqlite-file.js';
import { ttlSeconds, type WriteOptions } from './ttl.js';

/** What a SqliteKv stands on. */
export interface SqliteKvParts {
  readonly file: SqliteFile;
  readonly scope: Scope;
  readonly sweeper: ExpirySweeper;
  readonly feed: ChangeFeed;
  readonly now: () => number;
}

/** One tenant's part of a bucket in a SQLite file. Every operation happens at once, in the turn that calls it. */
export class SqliteKv implements KvStore {
  readonly #parts: SqliteKvParts;

  constructor(parts: SqliteKvParts) {
    this.#parts = parts;
  }

  get(key: string): Promise<KvEntry | undefined> {
    return this.#act(() => this.#get(key));
  }

  put(key: string, value: Uint8Array, options: WriteOptions = {}): Promise<number> {
    return this.#act(() => this.#write(key, value, options));
  }

  create(key: string, value: Uint8Array, options: WriteOptions = {}): Promise<CasResult> {
    return this.#act(() => (this.#get(key) ? { ok: false } : { ok: true, revision: this.#write(key, value, options) }));
  }

  update(key: string, value: Uint8Array, revision: number, options: WriteOptions = {}): Promise<CasResult> {
    return this.#act(() => {
      if (this.#get(key)?.revision !== revision) return { ok: false };
      return { ok: true, revision: this.#write(key, value, options) };
    });
  }

  delete(key: string, revision?: number): Promise<CasResult> {
    return this.#act(() => {
      const entry = this.#get(key);
      if (revision !== undefined && entry?.revision !== revision) return { ok: false };
      if (!entry) return { ok: true, revision: 0 };
      this.#parts.file.delete(this.#parts.scope, key);
      this.#parts.feed.tell({ kind: 'delete', key });
      return { ok: true, revision: entry.revision };
    });
  }

  keys(prefix = ''): Promise<string[]> {
    return this.#act(() => this.#parts.file.keys(this.#parts.scope).filter((key) => key.startsWith(prefix)));
  }

  watch(onChange: (change: KvChange) => void): Promise<KvWatch> {
    return this.#act(() => {
      const present = this.#parts.file.list(this.#parts.scope).map((entry): KvChange => ({ kind: 'put', entry }));
      return this.#parts.feed.watch(present, onChange);
    });
  }

  #get(key: string): KvEntry | undefined {
    return this.#parts.file.get(this.#parts.scope, checkKey(key));
  }

  #write(key: string, value: Uint8Array, options: WriteOptions): number {
    const seconds = ttlSeconds(options);
    const endMs = seconds === undefined ? undefined : this.#parts.now() + seconds * 1000;
    const revision = this.#parts.file.write(this.#parts.scope, checkKey(key), value, endMs);
    if (endMs !== undefined) this.#parts.sweeper.expect(endMs);
    this.#parts.feed.tell({ kind: 'put', entry: { key, value: Uint8Array.from(value), revision } });
    return revision;
  }

  async #act<T>(operation: () => T): Promise<T> {
    try {
      this.#parts.sweeper.sweep();
      return operation();
    } catch (cause) {
      if (cause instanceof RangeError || cause instanceof TypeError) throw cause;
      throw new StateUnavailable('the state file cannot be read or written', { cause });
    }
  }
}
