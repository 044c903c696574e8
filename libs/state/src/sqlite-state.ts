import type { BucketName } from '@switchyard/contracts';
import { ChangeFeed } from './change-feed.js';
import { ExpirySweeper } from './expiry-sweeper.js';
import { keyToken } from './key-token.js';
import { StateUnavailable, type KvStore, type State } from './kv.js';
import { SqliteFile } from './sqlite-file.js';
import { SqliteKv } from './sqlite-kv.js';

/** How a SqliteState tells the time. */
export interface SqliteStateOptions {
  /** Milliseconds since 1970; the system's clock unless told. */
  readonly now?: () => number;
}

/** Buckets in one SQLite file, for the embedded profile: the file belongs to one process at a time. */
export class SqliteState implements State {
  readonly #file: SqliteFile;
  readonly #now: () => number;
  readonly #sweeper: ExpirySweeper;
  readonly #feeds = new Map<string, ChangeFeed>();
  #closed = false;

  /**
   * @param file is created where it is missing; its folder must exist
   * @throws StateUnavailable when it cannot be opened, or another process is using it
   */
  static open(file: string, options: SqliteStateOptions = {}): SqliteState {
    return new SqliteState(new SqliteFile(file), options.now ?? Date.now);
  }

  private constructor(file: SqliteFile, now: () => number) {
    this.#file = file;
    this.#now = now;
    this.#sweeper = new ExpirySweeper(file, now, ({ bucket, tenant, key }) =>
      this.#feed(bucket, tenant).tell({ kind: 'delete', key }),
    );
  }

  bucket(name: BucketName, tenant: string): Promise<KvStore> {
    if (this.#closed) return Promise.reject(new StateUnavailable('the state is closed'));
    const parts = { file: this.#file, sweeper: this.#sweeper, now: this.#now };
    return Promise.resolve(new SqliteKv({ ...parts, scope: { bucket: name, tenant }, feed: this.#feed(name, tenant) }));
  }

  ready(): Promise<boolean> {
    return Promise.resolve(!this.#closed);
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#sweeper.close();
    this.#feeds.forEach((feed) => feed.close());
    this.#file.close();
    return Promise.resolve();
  }

  #feed(bucket: string, tenant: string): ChangeFeed {
    const name = `${bucket}/${keyToken(tenant)}`;
    const known = this.#feeds.get(name);
    if (known) return known;
    const feed = new ChangeFeed();
    this.#feeds.set(name, feed);
    return feed;
  }
}
