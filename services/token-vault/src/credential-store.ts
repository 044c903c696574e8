import { BUCKETS } from '@switchyard/contracts';
import type { State } from '@switchyard/state';
import { credentialVersion, decodeCredential, encodeCredential, sameTemplate, type Credential } from './credential.js';
import type { KeyEncryptionKey } from './key-encryption-key.js';
import { SealedStore, type StoredContent } from './sealed-store.js';

/** A stored credential as it was read. */
export type StoredCredential =
  | Exclude<StoredContent, { state: 'intact' }>
  | { readonly state: 'intact'; readonly credential: Credential; readonly version: string; readonly kvRevision: number };

/** What became of a write. */
export type Written = { readonly outcome: 'unchanged' | 'written'; readonly version: string } | { readonly outcome: 'overtaken' };

/** One tenant's organisation-wide credentials, one per upstream. */
export class CredentialStore {
  readonly #store: SealedStore;
  readonly #kek: KeyEncryptionKey;

  private constructor(store: SealedStore, kek: KeyEncryptionKey) {
    this.#store = store;
    this.#kek = kek;
  }

  /** @throws StateUnavailable */
  static async open(state: State, tenant: string, kek: KeyEncryptionKey, clock: { now(): number }): Promise<CredentialStore> {
    const kv = await state.bucket(BUCKETS.credentials, tenant);
    return new CredentialStore(new SealedStore({ kv, kek, tenant, kind: 'credential', clock }), kek);
  }

  /** @throws StateUnavailable */
  async get(upstream: string): Promise<StoredCredential> {
    const read = await this.#store.read(upstream);
    if (read.state !== 'intact') return read;
    return { state: 'intact', credential: decodeCredential(read.content), version: read.version, kvRevision: read.kvRevision };
  }

  /**
   * Stores a credential in the place of what was read; leaves it alone where it is the same already.
   * @returns `overtaken` where somebody else wrote since then
   * @throws StateUnavailable
   */
  async replace(upstream: string, read: StoredCredential, credential: Credential): Promise<Written> {
    const version = credentialVersion(this.#kek, upstream, credential);
    const same =
      read.state === 'intact' && read.version === version && sameTemplate(read.credential.template, credential.template);
    if (same) return { outcome: 'unchanged', version };
    const place = read.state === 'absent' ? undefined : read.kvRevision;
    const written = await this.#store.replace(upstream, place, encodeCredential(credential), version);
    return written ? { outcome: 'written', version } : { outcome: 'overtaken' };
  }

  /** @throws StateUnavailable */
  delete(upstream: string): Promise<void> {
    return this.#store.delete(upstream);
  }

  /** Upstreams that have one. @throws StateUnavailable */
  upstreams(): Promise<string[]> {
    return this.#store.names();
  }
}
