import { openPayload } from '@switchyard/audit';
import { BUCKETS, principalHash } from '@switchyard/contracts';
import type { KvStore, State } from '@switchyard/state';
import { hkdfSync, randomBytes } from 'node:crypto';
import { KEY_BYTES } from '../key-encryption-key.js';
import type { Keyring } from '../keyring/keyring.js';
import { type Damage, SealedStore, type TenantRecords } from '../sealed-store.js';
import { decodePayloadKeys, encodePayloadKeys, type PayloadKeyRecord } from './payload-key-record.js';

/** A key for some payloads of one principal. Overwrite both after use. */
export interface LeasedPayloadKey {
  readonly id: string;
  readonly content: Buffer;
  readonly redaction: Buffer;
}

/** Where a payload stands, and what it is. */
export interface SealedPayloadAt {
  readonly payloadId: string;
  readonly keyId: string;
  readonly sealed: Uint8Array;
}

/** What was captured, or why it cannot be read. */
export type OpenedPayload =
  | { readonly state: 'open'; readonly payload: Buffer }
  | { readonly state: 'erased'; readonly cause: 'principal_erased' | 'key_destroyed' }
  | { readonly state: 'damaged'; readonly cause: Damage | 'unknown_key' | 'altered' };

interface Stored {
  readonly keys: PayloadKeyRecord;
  /** Where it stood; undefined: nowhere. */
  readonly place: number | undefined;
}

/** `<digest of the principal>.<generation>.<lease>` */
const KEY_ID = /^([A-Za-z0-9_-]{22})\.([0-9a-f]{16})\.([0-9a-f]{32})$/;
/** Longer than a lease: whoever was away for longer has no key any more. */
const TOLD_MS = 10 * 60_000;
const REDACTION = 'payload redaction';
const NOTHING: Stored = { keys: { erased: [] }, place: undefined };

/** What is stored cannot be used, so that nothing can be captured of that principal either. */
export class PayloadKeysDamaged extends Error {
  override readonly name = 'PayloadKeysDamaged';
  constructor(readonly damage: Damage) {
    super(`the stored keys for captured payloads of a principal are ${damage}`);
  }
}

/**
 * Keys for what is captured of calls. Each principal has a secret of their own, encrypted under the tenant's data keys: destroying the one
 * erases what was captured of them, destroying the others everything. Edges are given keys that are derived from it, a new one for each
 * lease, and never the secret.
 */
export class PayloadKeys {
  readonly sealed: SealedStore;
  readonly #keyring: Keyring;
  readonly #tenant: string;
  readonly #clock: { now(): number };
  readonly #erasures: KvStore;

  private constructor(sealed: SealedStore, erasures: KvStore, { keyring, tenant, clock }: TenantRecords) {
    this.sealed = sealed;
    this.#erasures = erasures;
    this.#keyring = keyring;
    this.#tenant = tenant;
    this.#clock = clock;
  }

  /** @throws StateUnavailable */
  static async open(state: State, records: TenantRecords): Promise<PayloadKeys> {
    const kv = await state.bucket(BUCKETS.payloadKeys, records.tenant);
    const erasures = await state.bucket(BUCKETS.payloadErasures, records.tenant);
    return new PayloadKeys(new SealedStore({ ...records, kv, kind: 'payload' }), erasures, records);
  }

  /**
   * A key for what a principal does from now on.
   * @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable; PayloadKeysDamaged
   */
  async lease(issuer: string, subject: string): Promise<LeasedPayloadKey> {
    const owner = await this.#ownerOf(issuer, subject);
    const { id, key } = await this.#current(owner);
    const lease = randomBytes(16).toString('hex');
    const content = contentKey(key, lease);
    key.fill(0);
    return { id: `${owner}.${id}.${lease}`, content, redaction: await this.#keyring.derived(REDACTION) };
  }

  /** Decrypts a payload. @throws KmsUnavailable; StateUnavailable */
  async read({ payloadId, keyId, sealed }: SealedPayloadAt): Promise<OpenedPayload> {
    const [, owner, generation, lease] = KEY_ID.exec(keyId) ?? [];
    if (owner === undefined || lease === undefined) return { state: 'damaged', cause: 'unknown_key' };
    const stored = await this.sealed.read(owner);
    if (stored.state === 'damaged')
      return stored.damage === 'key_destroyed'
        ? { state: 'erased', cause: 'key_destroyed' }
        : { state: 'damaged', cause: stored.damage };
    const { current, erased } = stored.state === 'absent' ? NOTHING.keys : decodePayloadKeys(stored.content);
    if (erased.some(({ id }) => id === generation)) return { state: 'erased', cause: 'principal_erased' };
    if (current === undefined || current.id !== generation) return { state: 'damaged', cause: 'unknown_key' };
    const content = contentKey(Buffer.from(current.key, 'base64url'), lease);
    const payload = openPayload(content, { tenant: this.#tenant, payloadId, keyId }, sealed);
    content.fill(0);
    return payload === undefined ? { state: 'damaged', cause: 'altered' } : { state: 'open', payload };
  }

  /**
   * Destroys what everything captured of a principal so far is encrypted under, and has edges let go of the keys that were derived
   * from it. There is no way back.
   * @returns how many secrets were destroyed: 0 where nothing was captured since the last time
   * @throws as `lease`
   */
  async erase(issuer: string, subject: string): Promise<number> {
    const owner = await this.#ownerOf(issuer, subject);
    for (;;) {
      const { keys, place } = await this.#stored(owner);
      const erased = keys.current === undefined ? 0 : 1;
      const gone = { id: keys.current?.id ?? '', atMs: this.#clock.now() };
      if (erased === 1 && !(await this.#write(owner, place, { erased: [...keys.erased, gone] }))) continue;
      // Also where nothing was left to erase: whoever repeats an erasure may do so because edges were not told.
      await this.#erasures.put(principalHash({ issuer, subject }), Buffer.from(''), { ttlMs: TOLD_MS });
      return erased;
    }
  }

  /** Names of records say nothing of whose they are. */
  #ownerOf(issuer: string, subject: string): Promise<string> {
    return this.#keyring.versionOf(['payload owner', issuer, subject]);
  }

  async #current(owner: string): Promise<{ readonly id: string; readonly key: Buffer }> {
    for (;;) {
      const { keys, place } = await this.#stored(owner);
      if (keys.current !== undefined) return { id: keys.current.id, key: Buffer.from(keys.current.key, 'base64url') };
      const [id, key] = [randomBytes(8).toString('hex'), randomBytes(KEY_BYTES)];
      const current = { id, key: key.toString('base64url') };
      if (await this.#write(owner, place, { ...keys, current })) return { id, key };
    }
  }

  async #stored(owner: string): Promise<Stored> {
    const read = await this.sealed.read(owner);
    if (read.state === 'absent') return NOTHING;
    if (read.state === 'damaged') throw new PayloadKeysDamaged(read.damage);
    return { keys: decodePayloadKeys(read.content), place: read.kvRevision };
  }

  async #write(owner: string, place: number | undefined, keys: PayloadKeyRecord): Promise<boolean> {
    const version = keys.current?.id ?? `erased-${keys.erased.length}`;
    return this.sealed.replace(owner, place, encodePayloadKeys(keys), version);
  }
}

/** A key of one lease (RFC 5869): who has it learns nothing of the secret, or of other leases. */
function contentKey(secret: Buffer, lease: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, Buffer.from(lease, 'hex'), 'switchyard payload', KEY_BYTES));
}
