import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

/** A record of the authorization server. */
export type StoredRecord = Record<string, unknown>;

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Key of a record: its kind and the hash of its id. The ids of codes, tokens and sessions are the secrets themselves, so they
 * are not stored: whoever reads the store can neither use nor open a record.
 */
export function recordKey(kind: string, id: string): string {
  return `${kind}/${createHash('sha256').update(`${kind}\0${id}`).digest('base64url')}`;
}

/** Encrypts a record under a key that is derived from its id: AES-256-GCM, HKDF (RFC 5869). */
export function sealRecord(kind: string, id: string, record: StoredRecord): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyFor(kind, id), nonce).setAAD(Buffer.from(recordKey(kind, id)));
  const text = Buffer.concat([cipher.update(JSON.stringify(record), 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]);
}

/** @throws Error when the record was stored under another id, or altered */
export function openRecord(kind: string, id: string, sealed: Uint8Array): StoredRecord {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  const decipher = createDecipheriv('aes-256-gcm', keyFor(kind, id), bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(recordKey(kind, id)))
    .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
  return JSON.parse(text.toString('utf8')) as StoredRecord;
}

function keyFor(kind: string, id: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', id, '', `switchyard oidc record ${kind}`, 32));
}
