import { createHash, hkdfSync } from 'node:crypto';

/** Bytes of a key-encryption key, and of every key made from it. */
export const KEY_BYTES = 32;

const subkey = (key: Uint8Array, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', key, new Uint8Array(), `switchyard token-vault ${purpose}`, KEY_BYTES));

/** A key-encryption key in memory: the key file's. Uses of it that must not mix have sub-keys of their own (RFC 5869). */
export class KeyEncryptionKey {
  /** Names the key in records; says nothing about it. */
  readonly id: string;
  /** AES-256-GCM key that the keys of tenants are wrapped with. */
  readonly keyringKey: Buffer;
  /** AES-256-GCM key that records of format 1 wrapped a key of their own with. */
  readonly wrappingKey: Buffer;

  /** @throws RangeError unless the key has 32 bytes */
  constructor(key: Uint8Array) {
    if (key.length !== KEY_BYTES) throw new RangeError(`a key-encryption key has ${KEY_BYTES} bytes, not ${key.length}`);
    this.keyringKey = subkey(key, 'keyring');
    this.wrappingKey = subkey(key, 'wrap');
    this.id = createHash('sha256').update(subkey(key, 'id')).digest('hex').slice(0, 16);
  }
}
