import { BUCKETS } from '@switchyard/contracts';
import type { State } from '@switchyard/state';
import { credentialVersion, decodeCredential, encodeCredential, sameTemplate, type Credential } from './credential.js';
import type { Keyring } from './keyring/keyring.js';
import { SealedStore, type StoredContent, type TenantRecords } from './sealed-store.js';

/** A stored credential as it was read. */
export type StoredCredential =
  | Exclude<StoredContent, { state: 'intact' }>
  | { readonly state: 'intact'; readonly credential: Credential; readonly version: string; readonly kvRevision: number };

/** What became of a write. */
export type Written = { readonly outcome: 'unchanged' | 'written'; readonly version: string } | { readonly outcome: 'overtaken' };

/** One tenant's organisation-wide credentials, one per upstream. */
export class CredentialStore {
  /** What is under it, for who encrypts it anew. */
  readonly sealed: SealedStore;
  readonly #keyring: Keyring;

  private constructor(sealed: SealedStore, keyring: Keyring) {
    this.sealed = sealed;
    this.#keyring = keyring;
  }

  /** @throws StateUnavailable */
  static async open(state: State, o: TenantRecords): Promise<CredentialStore> {
    const kv = await state.bucket(BUCKETS.credentials, o.tenant);
    return new CredentialStore(new SealedStore({ ...o, kv, kind: 'credential' }), o.keyring);
  }

  /** @throws StateUnavailable */
  async get(upstream: string): Promise<StoredCredential> {
    const read = await this.sealed.read(upstream);
    if (read.state !== 'intact') return read;
    return { state: 'intact', credential: decodeCredential(read.content), version: read.version, kvRevision: read.kvRevision };
  }

  /**
   * Stores a credential in the place of what was read; leaves it alone where it is the same already.
   * @returns `overtaken` where somebody else wrote since then
   * @throws StateUnavailable
   */
  async replace(upstream: string, read: StoredCredential, credential: Credential): Promise<Written> {
    const version = await credentialVersion(this.#keyring, upstream, credential);
    const same =
      read.state === 'intact' && read.version === version && sameTemplate(read.credential.template, credential.template);
    if (same) return { outcome: 'unchanged', version };
    const place = read.state === 'absent' ? undefined : read.kvRevision;
    const written = await this.sealed.replace(upstream, place, encodeCredential(credential), version);
    return written ? { outcome: 'written', version } : { outcome: 'overtaken' };
  }

  /** As `SealedStore.freeze`. */
  freeze(upstream: string, place: number): Promise<void> {
    return this.sealed.freeze(upstream, place);
  }

  /** @throws StateUnavailable */
  delete(upstream: string): Promise<void> {
    return this.sealed.delete(upstream);
  }

  /** Upstreams that have one. @throws StateUnavailable */
  upstreams(): Promise<string[]> {
    return this.sealed.names();
  }
}
