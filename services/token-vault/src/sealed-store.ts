import { StateUnavailable, type KvEntry, type KvStore } from '@switchyard/state';
import { setTimeout as pause } from 'node:timers/promises';
import { open, seal } from './envelope.js';
import type { KeyEncryptionKey } from './key-encryption-key.js';
import type { RecordBinding } from './record-binding.js';
import { decodeRecord, encodeRecord, type SealedRecord } from './sealed-record.js';

/** Why a stored record cannot be used. */
export type Damage = 'malformed' | 'unknown_key' | 'altered' | 'rolled_back';

/** A stored record as it was read. */
export type StoredContent =
  | { readonly state: 'absent' }
  | { readonly state: 'damaged'; readonly damage: Damage; readonly kvRevision: number }
  | { readonly state: 'intact'; readonly content: Buffer; readonly version: string; readonly kvRevision: number };

/** Whose records a store holds. */
export interface SealedStoreOptions {
  readonly kv: KvStore;
  readonly kek: KeyEncryptionKey;
  readonly tenant: string;
  readonly kind: RecordBinding['kind'];
  readonly clock: { now(): number };
}

const staleReadLimit = 100;
const staleReadPauseMs = 10;

/**
 * One tenant's encrypted records of one kind. A record opens only under the tenant, kind and name that it was stored under,
 * so one that was moved or altered in the store is found out, never used.
 */
export class SealedStore {
  readonly #o: SealedStoreOptions;
  /** Newest record seen, by name: an older one that comes back is a rollback. Lives as long as the process. */
  readonly #newest = new Map<string, { readonly revision: number; readonly kvRevision: number }>();

  constructor(options: SealedStoreOptions) {
    this.#o = options;
  }

  /**
   * Reads and decrypts a record. Damage is a result, not an exception.
   * @throws StateUnavailable also where the store keeps answering with less than it has shown before
   */
  async read(name: string): Promise<StoredContent> {
    for (let attempt = 0; attempt < staleReadLimit; attempt++) {
      const entry = await this.#o.kv.get(name);
      // From here on without waiting: what was seen meanwhile, by a write or another read, must not make this answer look old.
      if (entry === undefined) return { state: 'absent' };
      if (entry.revision >= (this.#newest.get(name)?.kvRevision ?? 0)) return this.#judge(name, entry);
      await pause(staleReadPauseMs);
    }
    throw new StateUnavailable('the store keeps answering with an older revision than it has shown before');
  }

  /**
   * Encrypts and stores a content in the place of what was read.
   * @param place where the record stood when it was read, undefined: nowhere; nothing is written where it moved since
   * @returns whether it was written
   * @throws StateUnavailable
   */
  async replace(name: string, place: number | undefined, content: Uint8Array, version: string): Promise<boolean> {
    const { kek, kv, clock } = this.#o;
    // By the clock, so that a record made anew after a deletion is not taken for an old one by another vault.
    const revision = Math.max((this.#newest.get(name)?.revision ?? 0) + 1, clock.now());
    const envelope = seal(kek, this.#binding(name, { keyId: kek.id, revision, version }), content);
    const stored = encodeRecord({ keyId: kek.id, revision, version, envelope });
    const result = place === undefined ? await kv.create(name, stored) : await kv.update(name, stored, place);
    if (result.ok) this.#saw(name, revision, result.revision);
    return result.ok;
  }

  /** @throws StateUnavailable */
  async delete(name: string): Promise<void> {
    await this.#o.kv.delete(name);
  }

  /** Names of all records. @throws StateUnavailable */
  async names(): Promise<string[]> {
    return (await this.#o.kv.keys()).sort();
  }

  #judge(name: string, { value, revision: kvRevision }: KvEntry): StoredContent {
    const record = decodeRecord(value);
    if (record === undefined) return { state: 'damaged', damage: 'malformed', kvRevision };
    const opened = this.#open(name, record);
    if (typeof opened === 'string') return { state: 'damaged', damage: opened, kvRevision };
    this.#saw(name, record.revision, kvRevision);
    return { state: 'intact', content: opened, version: record.version, kvRevision };
  }

  // Answers may come in another order than the writes that they tell of.
  #saw(name: string, revision: number, kvRevision: number): void {
    if (kvRevision > (this.#newest.get(name)?.kvRevision ?? 0)) this.#newest.set(name, { revision, kvRevision });
  }

  #open(name: string, record: SealedRecord): Buffer | Damage {
    if (record.keyId !== this.#o.kek.id) return 'unknown_key';
    let content: Buffer;
    try {
      content = open(this.#o.kek, this.#binding(name, record), record.envelope);
    } catch {
      // The cipher has one error for everything, on purpose; there is nothing in it to pass on.
      return 'altered';
    }
    return record.revision < (this.#newest.get(name)?.revision ?? 0) ? 'rolled_back' : content;
  }

  #binding(name: string, record: Pick<RecordBinding, 'keyId' | 'revision' | 'version'>): RecordBinding {
    const { tenant, kind } = this.#o;
    // Organisation-wide: no principal. Connections of single people will be bound to theirs.
    return {
      tenant,
      kind,
      name,
      principalIssuer: '',
      principalSubject: '',
      keyId: record.keyId,
      revision: record.revision,
      version: record.version,
    };
  }
}
