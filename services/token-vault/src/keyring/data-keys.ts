import { randomBytes, timingSafeEqual } from 'node:crypto';
import { KEY_BYTES } from '../key-encryption-key.js';
import { KmsRejected, KmsUnavailable, type Kms, type KmsContext } from '../kms/kms.js';
import type { KmsHealth } from '../kms/kms-health.js';
import type { WrappedDataKey } from './keyring-record.js';

/** Makes, wraps and unwraps the data keys of one tenant. */
export class DataKeys {
  readonly #kms: Kms;
  readonly #health: KmsHealth;
  readonly #tenant: string;
  readonly #clock: { now(): number };

  constructor(o: { readonly kms: Kms; readonly health: KmsHealth; readonly tenant: string; readonly clock: { now(): number } }) {
    this.#kms = o.kms;
    this.#health = o.health;
    this.#tenant = o.tenant;
    this.#clock = o.clock;
  }

  /** A new random key. @throws KmsUnavailable */
  async make(purpose: WrappedDataKey['purpose']): Promise<WrappedDataKey> {
    const key = randomBytes(KEY_BYTES);
    try {
      return await this.#wrap({ id: randomBytes(8).toString('hex'), purpose, createdAtMs: this.#clock.now() }, key);
    } finally {
      key.fill(0);
    }
  }

  /** The same key, wrapped with the newest version of the key-encryption key. @throws KmsRejected; KmsUnavailable */
  async rewrap({ id, purpose, createdAtMs, ciphertext }: WrappedDataKey): Promise<WrappedDataKey> {
    const key = await this.#ask(() => this.#kms.unwrap(ciphertext, this.#context({ id, purpose })));
    try {
      return await this.#wrap({ id, purpose, createdAtMs }, key);
    } finally {
      key.fill(0);
    }
  }

  /** @throws KmsRejected; KmsUnavailable */
  async unwrap(wrapped: WrappedDataKey): Promise<Buffer> {
    const key = await this.#ask(() => this.#kms.unwrap(wrapped.ciphertext, this.#context(wrapped)));
    if (key.length !== KEY_BYTES) throw new KmsRejected(`the key service unwrapped ${key.length} bytes`);
    return key;
  }

  async #wrap(about: Pick<WrappedDataKey, 'id' | 'purpose' | 'createdAtMs'>, key: Buffer): Promise<WrappedDataKey> {
    const context = this.#context(about);
    const { ciphertext, keyVersion } = await this.#ask(() => this.#kms.wrap(key, context));
    // A key that does not unwrap would take everything with it that it encrypts; found out here, it costs nothing.
    const again = await this.#ask(() => this.#kms.unwrap(ciphertext, context));
    if (again.length !== key.length || !timingSafeEqual(again, key)) {
      throw new KmsUnavailable('the key service does not unwrap what it has wrapped');
    }
    again.fill(0);
    return { ...about, kek: this.#kms.id, kekVersion: keyVersion, ciphertext };
  }

  async #ask<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      if (error instanceof KmsUnavailable) this.#health.failed(error);
      throw error;
    }
  }

  #context({ id, purpose }: Pick<WrappedDataKey, 'id' | 'purpose'>): KmsContext {
    return { app: 'switchyard', tenant: this.#tenant, purpose, keyId: id };
  }
}
