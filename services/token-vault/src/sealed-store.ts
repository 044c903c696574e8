import type { Severity } from '@switchyard/contracts';
import { StateUnavailable, type KvEntry, type KvStore } from '@switchyard/state';
import { setTimeout as pause } from 'node:timers/promises';
import { open, openFirst, seal } from './envelope.js';
import type { KeyEncryptionKey } from './key-encryption-key.js';
import type { Keyring } from './keyring/keyring.js';
import type { RecordBinding } from './record-binding.js';
import { decodeRecord, encodeRecord, type SealedRecord } from './sealed-record.js';

/** Why a stored record cannot be used. */
export type Damage = 'malformed' | 'unknown_key' | 'key_destroyed' | 'altered' | 'rolled_back' | 'frozen';

/** How urgently somebody should look at it. Only the destruction of a tenant's keys was wanted; what is frozen was told of before. */
export const DAMAGE_SEVERITY: Readonly<Record<Damage, Severity | ''>> = {
  malformed: 'critical',
  unknown_key: 'critical',
  key_destroyed: '',
  altered: 'critical',
  rolled_back: 'critical',
  frozen: 'high',
};

/** A stored record as it was read. */
export type StoredContent =
  | { readonly state: 'absent' }
  | { readonly state: 'damaged'; readonly damage: Damage; readonly kvRevision: number }
  | {
      readonly state: 'intact';
      readonly content: Buffer;
      readonly version: string;
      readonly kvRevision: number;
      /** Key that it is encrypted with. */
      readonly keyId: string;
    };

/** What all stores of one tenant share. */
export interface TenantRecords {
  readonly keyring: Keyring;
  /** Key of the records of format 1, where there can be such. */
  readonly local: KeyEncryptionKey | undefined;
  readonly tenant: string;
  readonly clock: { now(): number };
}

/** Whom a record belongs to. */
export type RecordPrincipal = Pick<RecordBinding, 'principalIssuer' | 'principalSubject'>;

/** Whose records a store holds. */
export interface SealedStoreOptions extends TenantRecords {
  readonly kv: KvStore;
  readonly kind: RecordBinding['kind'];
  /** Whose a record is, by its name; unless told, all are the organisation's. */
  readonly principalOf?: (name: string) => RecordPrincipal;
}

const ORGANISATION: RecordPrincipal = { principalIssuer: '', principalSubject: '' };

/** Version of what takes the place of a record that was found altered. Of contents, versions are digests. */
const FROZEN = 'frozen';

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
   * @throws KmsUnavailable where the key that it needs is not in memory; StateUnavailable also where the store keeps answering with less than it has shown before
   */
  async read(name: string): Promise<StoredContent> {
    for (let attempt = 0; attempt < staleReadLimit; attempt++) {
      const entry = await this.#o.kv.get(name);
      if (entry === undefined) return { state: 'absent' };
      // What was seen meanwhile, by a write or another read, must not make this answer look old: what was newest when it came counts.
      const newest = this.#newest.get(name);
      if (entry.revision >= (newest?.kvRevision ?? 0)) return this.#judge(name, entry, newest?.revision ?? 0);
      await pause(staleReadPauseMs);
    }
    throw new StateUnavailable('the store keeps answering with an older revision than it has shown before');
  }

  /**
   * Encrypts and stores a content in the place of what was read.
   * @param place where the record stood when it was read, undefined: nowhere; nothing is written where it moved since
   * @returns whether it was written
   * @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable
   */
  async replace(name: string, place: number | undefined, content: Uint8Array, version: string): Promise<boolean> {
    const { keyring, kv, clock } = this.#o;
    const { id: keyId, key } = await keyring.sealing();
    // By the clock, so that a record made anew after a deletion is not taken for an old one by another vault.
    const revision = Math.max((this.#newest.get(name)?.revision ?? 0) + 1, clock.now());
    const data = seal(key, this.#binding(name, { keyId, revision, version }), content);
    key.fill(0);
    const stored = encodeRecord({ keyId, revision, version, data });
    const result = place === undefined ? await kv.create(name, stored) : await kv.update(name, stored, place);
    if (result.ok) this.#saw(name, revision, result.revision);
    return result.ok;
  }

  /**
   * Encrypts a record anew with the tenant's current key, unless it is so already.
   * @param current id of that key
   * @returns `overtaken` where somebody else wrote it meanwhile
   * @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable
   */
  async reseal(name: string, current: string): Promise<'resealed' | 'current' | 'absent' | 'damaged' | 'overtaken'> {
    const read = await this.read(name);
    if (read.state !== 'intact') return read.state;
    if (read.keyId === current) return 'current';
    return (await this.replace(name, read.kvRevision, read.content, read.version)) ? 'resealed' : 'overtaken';
  }

  /**
   * Freezes a record that was found altered: nothing opens there any more, whatever is put back, until it is replaced. What was found
   * is kept inside, for who looks into it. Nothing happens where somebody has written since.
   * @param place where it stood when it was read
   * @throws as `replace`
   */
  async freeze(name: string, place: number): Promise<void> {
    const entry = await this.#o.kv.get(name);
    if (entry?.revision === place) await this.replace(name, place, entry.value, FROZEN);
  }

  /** @throws StateUnavailable */
  async delete(name: string): Promise<void> {
    await this.#o.kv.delete(name);
  }

  /** Names of all records, or of those that begin with a prefix. @throws StateUnavailable */
  async names(prefix?: string): Promise<string[]> {
    return (await this.#o.kv.keys(prefix)).sort();
  }

  async #judge(name: string, { value, revision: kvRevision }: KvEntry, newest: number): Promise<StoredContent> {
    const record = decodeRecord(value);
    if (record === undefined) return { state: 'damaged', damage: 'malformed', kvRevision };
    const opened = await this.#open(name, record);
    if (typeof opened === 'string') return { state: 'damaged', damage: opened, kvRevision };
    if (record.revision < newest) return { state: 'damaged', damage: 'rolled_back', kvRevision };
    this.#saw(name, record.revision, kvRevision);
    if (record.version === FROZEN) return { state: 'damaged', damage: 'frozen', kvRevision };
    return { state: 'intact', content: opened, version: record.version, kvRevision, keyId: record.keyId };
  }

  // Answers may come in another order than the writes that they tell of.
  #saw(name: string, revision: number, kvRevision: number): void {
    if (kvRevision > (this.#newest.get(name)?.kvRevision ?? 0)) this.#newest.set(name, { revision, kvRevision });
  }

  async #open(name: string, record: SealedRecord): Promise<Buffer | Damage> {
    const decrypt = await this.#decryptionOf(record);
    if (typeof decrypt === 'string') return decrypt;
    try {
      return decrypt(this.#binding(name, record));
    } catch {
      // The cipher has one error for everything, on purpose; there is nothing in it to pass on.
      return 'altered';
    }
  }

  async #decryptionOf({ keyId, key: wrapped, data }: SealedRecord): Promise<((binding: RecordBinding) => Buffer) | Damage> {
    if (wrapped === undefined) {
      const opening = await this.#o.keyring.opening(keyId);
      if (!opening.ok) return opening.why;
      return (binding) => {
        try {
          return open(opening.key, binding, data);
        } finally {
          opening.key.fill(0);
        }
      };
    }
    const { local } = this.#o;
    if (local?.id !== keyId) return 'unknown_key';
    // Its key is the local file's, which outlives the destruction of a tenant's keys; the tenant does not.
    if ((await this.#o.keyring.status())?.state === 'destroyed') return 'key_destroyed';
    return (binding) => openFirst(local, binding, { key: wrapped, data });
  }

  #binding(name: string, record: Pick<RecordBinding, 'keyId' | 'revision' | 'version'>): RecordBinding {
    const { tenant, kind, principalOf = () => ORGANISATION } = this.#o;
    return {
      tenant,
      kind,
      name,
      ...principalOf(name),
      keyId: record.keyId,
      revision: record.revision,
      version: record.version,
    };
  }
}
