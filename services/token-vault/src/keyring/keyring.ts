import type { KvEntry, KvStore } from '@switchyard/state';
import { createHmac, hkdfSync } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { KEY_BYTES } from '../key-encryption-key.js';
import { KmsRejected, KmsUnavailable, type Kms } from '../kms/kms.js';
import type { KmsHealth } from '../kms/kms-health.js';
import { DataKeyCache } from './data-key-cache.js';
import { DataKeys } from './data-keys.js';
import { decodeKeyring, encodeKeyring, type KeyringRecord, type LivingKeyring, type WrappedDataKey } from './keyring-record.js';

/** The tenant's keys were destroyed, for good: nothing of it can be read, and nothing stored. */
export class TenantKeyDestroyed extends Error {
  override readonly name = 'TenantKeyDestroyed';
}

/** A data key to encrypt with. Overwrite it after use. */
export interface SealingKey {
  readonly id: string;
  readonly key: Buffer;
}

/** A data key to decrypt with, or why there is none. Overwrite it after use. */
export type OpeningKey =
  { readonly ok: true; readonly key: Buffer } | { readonly ok: false; readonly why: 'unknown_key' | 'key_destroyed' };

/** What a keyring stands on. */
export interface KeyringOptions {
  readonly kv: KvStore;
  readonly kms: Kms;
  readonly health: KmsHealth;
  readonly tenant: string;
  readonly clock: { now(): number };
  /** Longest life of a decrypted key in memory. */
  readonly cacheMs: number;
}

interface Stored {
  readonly record: KeyringRecord;
  readonly revision: number;
}

const PLACE = 'keyring';
const staleReadLimit = 25;
const staleReadPauseMs = 20;

/**
 * One tenant's data keys, wrapped by the key service and stored in one record: making, replacing and destroying them is one
 * write each. It is read again for every use, so that what one vault did holds for all of them at once.
 */
export class Keyring {
  readonly #o: KeyringOptions;
  readonly #dataKeys: DataKeys;
  readonly #cache: DataKeyCache;
  #destroyed = false;

  constructor(options: KeyringOptions) {
    this.#o = options;
    this.#dataKeys = new DataKeys(options);
    this.#cache = new DataKeyCache(options.clock, options.cacheMs);
  }

  /**
   * The key to encrypt with; a tenant's first keys are made here.
   * @throws KmsUnavailable also where the key is in memory, but the key service is known to be away; TenantKeyDestroyed; StateUnavailable
   */
  async sealing(): Promise<SealingKey> {
    await this.#o.health.require();
    const { record } = await this.#living();
    return { id: record.current, key: await this.#needed(find(record, record.current)) };
  }

  /** The key with which a record was encrypted. @throws KmsUnavailable; StateUnavailable */
  async opening(id: string): Promise<OpeningKey> {
    for (let attempt = 0; attempt < staleReadLimit; attempt++) {
      const stored = await this.#read();
      if (stored?.record.state === 'destroyed') return { ok: false, why: 'key_destroyed' };
      const wrapped = stored?.record.keys.find((key) => key.id === id);
      if (wrapped !== undefined) return this.#open(wrapped);
      // The store may answer with a keyring of before the rotation that made this key.
      if (stored === undefined || !/^[0-9a-f]{16}$/.test(id)) break;
      await pause(staleReadPauseMs);
    }
    return { ok: false, why: 'unknown_key' };
  }

  /**
   * A version for a content: equal contents have equal versions, and without the key it tells nothing about them.
   * @param parts what the content is; where one part ends and the next begins counts
   * @throws as `sealing`
   */
  async versionOf(parts: readonly string[]): Promise<string> {
    const key = await this.#versionsKey();
    const version = createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64url').slice(0, 22);
    key.fill(0);
    return version;
  }

  /**
   * 32 secret bytes for one purpose, the same at every vault of the tenant and after every rotation. Overwrite them after use.
   * @param purpose other purposes have other bytes
   * @throws as `sealing`
   */
  async derived(purpose: string): Promise<Buffer> {
    const key = await this.#versionsKey();
    const derived = Buffer.from(hkdfSync('sha256', key, new Uint8Array(), `switchyard ${purpose}`, KEY_BYTES));
    key.fill(0);
    return derived;
  }

  /** What is stored; undefined where the tenant has no keys yet. Nothing in it is secret. @throws StateUnavailable */
  async status(): Promise<KeyringRecord | undefined> {
    return (await this.#read())?.record;
  }

  /**
   * Makes a new key to encrypt with, and wraps all others with the newest version of the key-encryption key.
   * @param o.ifOlderThanMs does nothing while the current key is younger
   * @returns the new key's id; undefined where nothing was done
   * @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable
   */
  async rotate(o: { readonly ifOlderThanMs: number }): Promise<string | undefined> {
    for (;;) {
      const { record, revision } = await this.#living();
      const ageMs = this.#o.clock.now() - find(record, record.current).createdAtMs;
      if (ageMs < o.ifOlderThanMs) return undefined;
      const fresh = await this.#dataKeys.make('records');
      const keys = [...(await Promise.all(record.keys.map((key) => this.#rewrapped(key)))), fresh];
      if (await this.#write({ ...record, current: fresh.id, keys }, revision)) return fresh.id;
    }
  }

  /** Takes down that every record is encrypted with this key. @throws StateUnavailable */
  async settle(current: string): Promise<void> {
    const stored = await this.#read();
    if (stored?.record.state !== 'living' || stored.record.current !== current) return;
    // Where somebody else wrote meanwhile, the next round looks again.
    await this.#write({ ...stored.record, settled: current }, stored.revision);
  }

  /**
   * Destroys all keys of the tenant. There is no way back.
   * @returns how many there were; 0 where they were destroyed before
   * @throws StateUnavailable
   */
  async destroy(): Promise<number> {
    for (;;) {
      const stored = await this.#read();
      if (stored?.record.state === 'destroyed') return 0;
      const count = stored?.record.keys.length ?? 0;
      const tombstone: KeyringRecord = { format: 1, state: 'destroyed', destroyedAtMs: this.#o.clock.now(), count };
      if (await this.#write(tombstone, stored?.revision)) {
        this.#forget();
        return count;
      }
    }
  }

  /** Overwrites decrypted keys whose time is over. */
  expire(): void {
    this.#cache.expire();
  }

  /** Overwrites all decrypted keys. */
  close(): void {
    this.#cache.clear();
  }

  async #open(wrapped: WrappedDataKey): Promise<OpeningKey> {
    try {
      return { ok: true, key: await this.#unwrapped(wrapped) };
    } catch (error) {
      if (error instanceof KmsRejected) return { ok: false, why: 'unknown_key' };
      throw error;
    }
  }

  /** The one key that is never replaced while the tenant has keys. */
  async #versionsKey(): Promise<Buffer> {
    const { record } = await this.#living();
    return this.#needed(find(record, record.keys.find(({ purpose }) => purpose === 'versions')?.id));
  }

  /** A key without which nothing can be stored. */
  async #needed(wrapped: WrappedDataKey): Promise<Buffer> {
    const opened = await this.#open(wrapped);
    if (opened.ok) return opened.key;
    throw new KmsUnavailable(`the key service does not open the tenant's data keys, which ${wrapped.kek} wrapped`);
  }

  #unwrapped(wrapped: WrappedDataKey): Promise<Buffer> {
    return this.#cache.get(wrapped.id, () => this.#dataKeys.unwrap(wrapped));
  }

  // A key that the key service does not open any more is kept as it is: it may be opened again once its version is enabled.
  async #rewrapped(key: WrappedDataKey): Promise<WrappedDataKey> {
    try {
      return await this.#dataKeys.rewrap(key);
    } catch (error) {
      if (error instanceof KmsRejected) return key;
      throw error;
    }
  }

  async #living(): Promise<{ readonly record: LivingKeyring; readonly revision: number }> {
    for (;;) {
      const stored = await this.#read();
      if (stored?.record.state === 'destroyed') throw new TenantKeyDestroyed('the keys of this tenant were destroyed');
      if (stored !== undefined) return { record: stored.record, revision: stored.revision };
      const [records, versions] = await Promise.all([this.#dataKeys.make('records'), this.#dataKeys.make('versions')]);
      // Not settled: there may be records of before there were keyrings.
      const first: LivingKeyring = { format: 1, state: 'living', current: records.id, settled: '', keys: [records, versions] };
      await this.#write(first, undefined);
    }
  }

  async #read(): Promise<Stored | undefined> {
    const entry: KvEntry | undefined = await this.#o.kv.get(PLACE);
    const record: KeyringRecord | undefined = entry && decodeKeyring(entry.value);
    if (record?.state === 'destroyed') this.#forget();
    // What comes back after it was seen to be destroyed is an old copy, or an attack.
    if (this.#destroyed) return { record: tombstoneOf(record), revision: entry?.revision ?? 0 };
    return entry && record && { record, revision: entry.revision };
  }

  async #write(record: KeyringRecord, revision: number | undefined): Promise<boolean> {
    const { kv } = this.#o;
    const value = encodeKeyring(record);
    const { ok } = revision === undefined ? await kv.create(PLACE, value) : await kv.update(PLACE, value, revision);
    return ok;
  }

  #forget(): void {
    this.#destroyed = true;
    this.#cache.clear();
  }
}

const tombstoneOf = (record: KeyringRecord | undefined): KeyringRecord =>
  record?.state === 'destroyed' ? record : { format: 1, state: 'destroyed', destroyedAtMs: 0, count: 0 };

function find({ keys }: LivingKeyring, id: string | undefined): WrappedDataKey {
  const found = keys.find((key) => key.id === id);
  if (found === undefined) throw new Error('the stored keyring lacks one of its keys; restore it from a backup');
  return found;
}
