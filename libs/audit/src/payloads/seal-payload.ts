import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/** What a captured payload is and whose. It opens only under exactly this. */
export interface PayloadBinding {
  readonly tenant: string;
  /** Its own id, which the event says. */
  readonly payloadId: string;
  /** Key that it is encrypted with. */
  readonly keyId: string;
}

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/** Every part with its length before it, so that no two bindings have the same bytes. */
function additionalData({ tenant, payloadId, keyId }: PayloadBinding): Buffer {
  return Buffer.concat(
    ['switchyard payload 1', tenant, payloadId, keyId].flatMap((text) => {
      const bytes = Buffer.from(text, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

/**
 * Encrypts what was captured of a call: AES-256-GCM with a random nonce (NIST SP 800-38D §8.2.2).
 * @param key 256 bits, of which no more than 2^32 payloads are made
 * @returns nonce, ciphertext and tag
 */
export function sealPayload(key: Uint8Array, binding: PayloadBinding, payload: Uint8Array): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes }).setAAD(additionalData(binding));
  return Buffer.concat([nonce, cipher.update(payload), cipher.final(), cipher.getAuthTag()]);
}

/** Decrypts it; undefined where anything was altered, or is another payload's or another key's. */
export function openPayload(key: Uint8Array, binding: PayloadBinding, sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < nonceBytes + tagBytes) return undefined;
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
    .setAAD(additionalData(binding))
    .setAuthTag(bytes.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]);
  } catch {
    // The cipher has one error for everything, on purpose; there is nothing in it to pass on.
    return undefined;
  }
}

/** What an event says of a payload, so that the chain vouches for it: SHA-256 of its ciphertext, hexadecimal. */
export function payloadDigest(sealed: Uint8Array): string {
  return createHash('sha256').update(sealed).digest('hex');
}
