import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { KEY_BYTES, type KeyEncryptionKey } from './key-encryption-key.js';
import { additionalData, type RecordBinding } from './record-binding.js';

/** One AES-256-GCM ciphertext. */
export interface Ciphertext {
  /** 96 random bits (NIST SP 800-38D §8.2.2). */
  readonly nonce: Buffer;
  /** 128 bits. */
  readonly tag: Buffer;
  readonly bytes: Buffer;
}

/** An encrypted content with the key that it was encrypted with, itself encrypted. */
export interface Envelope {
  /** Data key, encrypted with the key-encryption key. */
  readonly key: Ciphertext;
  /** Content, encrypted with the data key. */
  readonly data: Ciphertext;
}

export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;
const algorithm = 'aes-256-gcm';

function encrypt(key: Buffer, aad: Buffer, plaintext: Uint8Array): Ciphertext {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: TAG_BYTES }).setAAD(aad);
  const bytes = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return { nonce, tag: cipher.getAuthTag(), bytes };
}

function decrypt(key: Buffer, aad: Buffer, { nonce, tag, bytes }: Ciphertext): Buffer {
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: TAG_BYTES }).setAAD(aad).setAuthTag(tag);
  return Buffer.concat([decipher.update(bytes), decipher.final()]);
}

/** Encrypts a content under a data key of its own, bound to what and whose it is. */
export function seal(kek: KeyEncryptionKey, binding: RecordBinding, content: Uint8Array): Envelope {
  const dataKey = randomBytes(KEY_BYTES);
  try {
    return {
      key: encrypt(kek.wrappingKey, additionalData(binding, 'key'), dataKey),
      data: encrypt(dataKey, additionalData(binding, 'data'), content),
    };
  } finally {
    dataKey.fill(0);
  }
}

/**
 * Decrypts a content.
 * @throws Error where anything was altered, or belongs to another binding or another key: the tags do not match
 */
export function open(kek: KeyEncryptionKey, binding: RecordBinding, envelope: Envelope): Buffer {
  const dataKey = decrypt(kek.wrappingKey, additionalData(binding, 'key'), envelope.key);
  try {
    return decrypt(dataKey, additionalData(binding, 'data'), envelope.data);
  } finally {
    dataKey.fill(0);
  }
}
