import { BUCKETS } from '@switchyard/contracts';
import type { State } from '@switchyard/state';
import type { KeyEncryptionKey } from './key-encryption-key.js';
import { SealedStore, type Damage } from './sealed-store.js';

/** A named secret as it was read. */
export type StoredSecret =
  | { readonly state: 'absent' }
  | { readonly state: 'damaged'; readonly damage: Damage }
  | { readonly state: 'intact'; readonly value: string; readonly version: string };

/** One tenant's named secrets: what `${secret:NAME}` stands for. Write-only to everybody but the vault. */
export class SecretStore {
  readonly #store: SealedStore;
  readonly #kek: KeyEncryptionKey;

  private constructor(store: SealedStore, kek: KeyEncryptionKey) {
    this.#store = store;
    this.#kek = kek;
  }

  /** @throws StateUnavailable */
  static async open(state: State, tenant: string, kek: KeyEncryptionKey, clock: { now(): number }): Promise<SecretStore> {
    const kv = await state.bucket(BUCKETS.secrets, tenant);
    return new SecretStore(new SealedStore({ kv, kek, tenant, kind: 'secret', clock }), kek);
  }

  /** @throws StateUnavailable */
  async get(name: string): Promise<StoredSecret> {
    const read = await this.#store.read(name);
    if (read.state !== 'intact') return read;
    return { state: 'intact', value: read.content.toString('utf8'), version: read.version };
  }

  /** Stores a value; of two that are stored at once, one stands in the end. @throws StateUnavailable */
  async put(name: string, value: string): Promise<void> {
    const version = this.#kek.versionOf(['secret', name, value]);
    for (;;) {
      const read = await this.#store.read(name);
      if (read.state === 'intact' && read.version === version) return;
      const place = read.state === 'absent' ? undefined : read.kvRevision;
      if (await this.#store.replace(name, place, Buffer.from(value, 'utf8'), version)) return;
    }
  }

  /** @returns whether there was one @throws StateUnavailable */
  async delete(name: string): Promise<boolean> {
    const read = await this.#store.read(name);
    await this.#store.delete(name);
    return read.state !== 'absent';
  }

  /** @throws StateUnavailable */
  names(): Promise<string[]> {
    return this.#store.names();
  }
}
