import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { KEY_BYTES, type KeyEncryptionKey } from './key-encryption-key.js';
import { additionalData, FIRST_FORMAT, type RecordBinding } from './record-binding.js';

/** One AES-256-GCM ciphertext. */
export interface Ciphertext {
  /** 96 random bits (NIST SP 800-38D §8.2.2). */
  readonly nonce: Buffer;
  /** 128 bits. */
  readonly tag: Buffer;
  readonly bytes: Buffer;
}

/** Format 1: an encrypted content with a key of its own, itself encrypted. */
export interface FirstEnvelope {
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

/** Runs with the data key's own key for one kind of record (RFC 5869), and overwrites that afterwards. */
function withKindKey<T>(dataKey: Uint8Array, { kind }: RecordBinding, use: (key: Buffer) => T): T {
  const key = Buffer.from(hkdfSync('sha256', dataKey, new Uint8Array(), `switchyard record ${kind}`, KEY_BYTES));
  try {
    return use(key);
  } finally {
    key.fill(0);
  }
}

/** Encrypts a content under a data key, bound to what and whose it is. */
export function seal(dataKey: Uint8Array, binding: RecordBinding, content: Uint8Array): Ciphertext {
  return withKindKey(dataKey, binding, (key) => encrypt(key, additionalData(binding, 'data'), content));
}

/**
 * Decrypts a content.
 * @throws Error where anything was altered, or belongs to another binding or another key: the tags do not match
 */
export function open(dataKey: Uint8Array, binding: RecordBinding, ciphertext: Ciphertext): Buffer {
  return withKindKey(dataKey, binding, (key) => decrypt(key, additionalData(binding, 'data'), ciphertext));
}

/** Decrypts a content of format 1. @throws Error as `open` */
export function openFirst(kek: KeyEncryptionKey, binding: RecordBinding, envelope: FirstEnvelope): Buffer {
  const dataKey = decrypt(kek.wrappingKey, additionalData(binding, 'key', FIRST_FORMAT), envelope.key);
  try {
    return decrypt(dataKey, additionalData(binding, 'data', FIRST_FORMAT), envelope.data);
  } finally {
    dataKey.fill(0);
  }
}
