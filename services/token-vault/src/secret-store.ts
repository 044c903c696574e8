import { BUCKETS } from '@switchyard/contracts';
import type { State } from '@switchyard/state';
import type { Keyring } from './keyring/keyring.js';
import { SealedStore, type Damage, type TenantRecords } from './sealed-store.js';

/** A named secret as it was read. */
export type StoredSecret =
  | { readonly state: 'absent' }
  | { readonly state: 'damaged'; readonly damage: Damage }
  | { readonly state: 'intact'; readonly value: string; readonly version: string };

/** One tenant's named secrets: what `${secret:NAME}` stands for. Write-only to everybody but the vault. */
export class SecretStore {
  /** What is under it, for who encrypts it anew. */
  readonly sealed: SealedStore;
  readonly #keyring: Keyring;

  private constructor(sealed: SealedStore, keyring: Keyring) {
    this.sealed = sealed;
    this.#keyring = keyring;
  }

  /** @throws StateUnavailable */
  static async open(state: State, o: TenantRecords): Promise<SecretStore> {
    const kv = await state.bucket(BUCKETS.secrets, o.tenant);
    return new SecretStore(new SealedStore({ ...o, kv, kind: 'secret' }), o.keyring);
  }

  /** @throws StateUnavailable */
  async get(name: string): Promise<StoredSecret> {
    const read = await this.sealed.read(name);
    if (read.state !== 'intact') return read;
    return { state: 'intact', value: read.content.toString('utf8'), version: read.version };
  }

  /** Stores a value; of two that are stored at once, one stands in the end. @throws StateUnavailable */
  async put(name: string, value: string): Promise<void> {
    const version = await this.#keyring.versionOf(['secret', name, value]);
    for (;;) {
      const read = await this.sealed.read(name);
      if (read.state === 'intact' && read.version === version) return;
      const place = read.state === 'absent' ? undefined : read.kvRevision;
      if (await this.sealed.replace(name, place, Buffer.from(value, 'utf8'), version)) return;
    }
  }

  /** @returns whether there was one @throws StateUnavailable */
  async delete(name: string): Promise<boolean> {
    const read = await this.sealed.read(name);
    await this.sealed.delete(name);
    return read.state !== 'absent';
  }

  /** @throws StateUnavailable */
  names(): Promise<string[]> {
    return this.sealed.names();
  }
}
