import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { KeyEncryptionKey } from '../key-encryption-key.js';
import { contextBytes, KmsRejected, type Kms, type KmsContext, type WrappedKey } from './kms.js';

const nonceBytes = 12;
const tagBytes = 16;
const algorithm = 'aes-256-gcm';

/** Wraps with a key from a local file. For development: whoever copies the disk has the key and what it protects. */
export class LocalKey implements Kms {
  readonly id: string;
  readonly #kek: KeyEncryptionKey;

  constructor(kek: KeyEncryptionKey) {
    this.#kek = kek;
    this.id = `file:${kek.id}`;
  }

  wrap(dataKey: Uint8Array, context: KmsContext): Promise<WrappedKey> {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv(algorithm, this.#kek.keyringKey, nonce, { authTagLength: tagBytes });
    const bytes = Buffer.concat([cipher.setAAD(contextBytes(context)).update(dataKey), cipher.final()]);
    const ciphertext = Buffer.concat([nonce, cipher.getAuthTag(), bytes]).toString('base64url');
    return Promise.resolve({ ciphertext, keyVersion: this.#kek.id });
  }

  unwrap(ciphertext: string, context: KmsContext): Promise<Buffer> {
    const all = Buffer.from(ciphertext, 'base64url');
    const [nonce, tag] = [all.subarray(0, nonceBytes), all.subarray(nonceBytes, nonceBytes + tagBytes)];
    try {
      const decipher = createDecipheriv(algorithm, this.#kek.keyringKey, nonce, { authTagLength: tagBytes });
      decipher.setAAD(contextBytes(context)).setAuthTag(tag);
      const dataKey = Buffer.concat([decipher.update(all.subarray(nonceBytes + tagBytes)), decipher.final()]);
      return Promise.resolve(dataKey);
    } catch {
      return Promise.reject(new KmsRejected('the key file did not wrap this'));
    }
  }
}
