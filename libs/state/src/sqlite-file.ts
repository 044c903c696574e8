import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { StateUnavailable, type KvEntry } from './kv.js';

/** Whose key it is. */
export interface Scope {
  readonly bucket: string;
  readonly tenant: string;
}

/** A key that has come to its end. */
export interface ExpiredKey extends Scope {
  readonly key: string;
}

interface Row {
  readonly key: string;
  readonly value: Uint8Array;
  readonly revision: number;
}

const schema = `
  CREATE TABLE IF NOT EXISTS entries (
    bucket TEXT NOT NULL, tenant TEXT NOT NULL, key TEXT NOT NULL,
    value BLOB NOT NULL, revision INTEGER NOT NULL, expires_at_ms INTEGER,
    PRIMARY KEY (bucket, tenant, key)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS entries_by_end ON entries (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
  CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL) STRICT;
  INSERT OR IGNORE INTO counter VALUES (1, 0);
`;

/** The SQLite file behind SqliteState: statements and transactions, nothing else. All calls are synchronous and short. */
export class SqliteFile {
  readonly #database: DatabaseSync;
  readonly #statements: ReturnType<typeof prepare>;

  /** @throws StateUnavailable when the file cannot be opened, or another process holds it */
  constructor(file: string) {
    this.#database = openDatabase(file);
    this.#statements = prepare(this.#database);
  }

  get({ bucket, tenant }: Scope, key: string): KvEntry | undefined {
    const row = this.#statements.get.get(bucket, tenant, key) as Row | undefined;
    return row && { key: row.key, value: row.value, revision: row.revision };
  }

  list({ bucket, tenant }: Scope): KvEntry[] {
    return (this.#statements.list.all(bucket, tenant) as unknown as Row[]).map(({ key, value, revision }) => ({
      key,
      value,
      revision,
    }));
  }

  keys({ bucket, tenant }: Scope): string[] {
    return (this.#statements.keys.all(bucket, tenant) as unknown as Pick<Row, 'key'>[]).map(({ key }) => key);
  }

  /** @returns the new revision: of all writes to the file, the highest */
  write({ bucket, tenant }: Scope, key: string, value: Uint8Array, expiresAtMs: number | undefined): number {
    return this.#inTransaction(() => {
      const { revision } = this.#statements.nextRevision.get() as unknown as Pick<Row, 'revision'>;
      this.#statements.write.run(bucket, tenant, key, value, revision, expiresAtMs ?? null);
      return revision;
    });
  }

  delete({ bucket, tenant }: Scope, key: string): void {
    this.#statements.delete.run(bucket, tenant, key);
  }

  /** Deletes what has come to its end. */
  expire(nowMs: number): ExpiredKey[] {
    return this.#statements.expire.all(nowMs) as unknown as ExpiredKey[];
  }

  /** When the next key comes to its end. */
  nextEndMs(): number | undefined {
    const row = this.#statements.nextEnd.get() as unknown as { readonly endMs: number | null };
    return row.endMs ?? undefined;
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #inTransaction<T>(act: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = act();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

function openDatabase(file: string): DatabaseSync {
  try {
    const database = new DatabaseSync(file, { timeout: 2_000 });
    // Watches hear of this process's writes only: a second process must not write to the file.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    database.exec(`BEGIN IMMEDIATE; ${schema} COMMIT;`);
    return database;
  } catch (cause) {
    throw new StateUnavailable(`${file} cannot be opened, or another process is using it`, { cause });
  }
}

function prepare(
  database: DatabaseSync,
): Record<'get' | 'list' | 'keys' | 'nextRevision' | 'write' | 'delete' | 'expire' | 'nextEnd', StatementSync> {
  const entry = 'bucket = ? AND tenant = ? AND key = ?';
  return {
    get: database.prepare(`SELECT key, value, revision FROM entries WHERE ${entry}`),
    list: database.prepare('SELECT key, value, revision FROM entries WHERE bucket = ? AND tenant = ? ORDER BY revision'),
    keys: database.prepare('SELECT key FROM entries WHERE bucket = ? AND tenant = ?'),
    nextRevision: database.prepare('UPDATE counter SET revision = revision + 1 RETURNING revision'),
    write: database.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?)'),
    delete: database.prepare(`DELETE FROM entries WHERE ${entry}`),
    expire: database.prepare('DELETE FROM entries WHERE expires_at_ms <= ? RETURNING bucket, tenant, key'),
    nextEnd: database.prepare('SELECT min(expires_at_ms) AS endMs FROM entries'),
  };
}
