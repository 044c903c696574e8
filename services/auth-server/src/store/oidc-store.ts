import type { KvStore } from '@switchyard/state';
import { openRecord, recordKey, sealRecord, type StoredRecord } from './sealed-record.js';

/** A record and the revision that it stood at. */
export interface FoundRecord {
  readonly record: StoredRecord;
  readonly revision: number;
}

/** The authorization server's records, each sealed under its id. Every method may throw StateUnavailable. */
export class OidcStore {
  readonly #kv: KvStore;

  constructor(kv: KvStore) {
    this.#kv = kv;
  }

  async find(kind: string, id: string): Promise<FoundRecord | undefined> {
    const entry = await this.#kv.get(recordKey(kind, id));
    return entry && { record: openRecord(kind, id, entry.value), revision: entry.revision };
  }

  /** Writes whatever stood before. @param ttlMs absent: it stays until it is removed */
  async write(kind: string, id: string, record: StoredRecord, ttlMs?: number): Promise<void> {
    await this.#kv.put(recordKey(kind, id), sealRecord(kind, id, record), lifetime(ttlMs));
  }

  /** Writes only where there is none. @returns whether it was written */
  async create(kind: string, id: string, record: StoredRecord, ttlMs?: number): Promise<boolean> {
    return (await this.#kv.create(recordKey(kind, id), sealRecord(kind, id, record), lifetime(ttlMs))).ok;
  }

  /** Writes only where the record still stands at `revision`. @returns whether it was written */
  async replace(kind: string, id: string, record: StoredRecord, revision: number, ttlMs?: number): Promise<boolean> {
    return (await this.#kv.update(recordKey(kind, id), sealRecord(kind, id, record), revision, lifetime(ttlMs))).ok;
  }

  /** Removes only where the record still stands at `revision`. @returns whether it was removed */
  async removeAt(kind: string, id: string, revision: number): Promise<boolean> {
    return (await this.#kv.delete(recordKey(kind, id), revision)).ok;
  }

  async remove(kind: string, id: string): Promise<void> {
    await this.#kv.delete(recordKey(kind, id));
  }
}

const lifetime = (ttlMs: number | undefined) => (ttlMs === undefined ? {} : { ttlMs });
