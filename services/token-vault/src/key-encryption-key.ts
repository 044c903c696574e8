import { createHash, createHmac, hkdfSync } from 'node:crypto';

/** Bytes of a key-encryption key, and of every key made from it. */
export const KEY_BYTES = 32;

const subkey = (key: Uint8Array, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', key, new Uint8Array(), `switchyard token-vault ${purpose}`, KEY_BYTES));

/** The key that wraps the data key of every record. Uses of it that must not mix have sub-keys of their own (RFC 5869). */
export class KeyEncryptionKey {
  /** Names the key in records; says nothing about it. */
  readonly id: string;
  /** AES-256-GCM key that data keys are wrapped with. */
  readonly wrappingKey: Buffer;
  readonly #versionKey: Buffer;

  /** @throws RangeError unless the key has 32 bytes */
  constructor(key: Uint8Array) {
    if (key.length !== KEY_BYTES) throw new RangeError(`a key-encryption key has ${KEY_BYTES} bytes, not ${key.length}`);
    this.wrappingKey = subkey(key, 'wrap');
    this.#versionKey = subkey(key, 'version');
    this.id = createHash('sha256').update(subkey(key, 'id')).digest('hex').slice(0, 16);
  }

  /**
   * A version for a content: equal contents have equal versions, and without the key it tells nothing about them.
   * @param parts what the content is; where one part ends and the next begins counts
   */
  versionOf(parts: readonly string[]): string {
    return createHmac('sha256', this.#versionKey).update(JSON.stringify(parts)).digest('base64url').slice(0, 22);
  }
}
