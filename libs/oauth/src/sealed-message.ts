import { createPrivateKey, createPublicKey } from 'node:crypto';
import { CompactEncrypt, compactDecrypt, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';

const KEY_AGREEMENT = 'ECDH-ES';
const CONTENT_ENCRYPTION = 'A256GCM';
/** What stands before the 32 bytes of an X25519 private key in PKCS #8 (RFC 8410 §7). */
const X25519_PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** A key pair that others can seal messages to. */
export interface SealingKey {
  /** X25519 public key as a JWK in JSON text (RFC 8037 §2): give it to whoever seals. */
  readonly publicJwk: string;
  /** Never leaves the process. */
  readonly privateKey: CryptoKey;
}

/** Makes a key pair for one process; it lives as long as the process. */
export async function generateSealingKey(): Promise<SealingKey> {
  const pair = await generateKeyPair(KEY_AGREEMENT, { crv: 'X25519' });
  const { kty, crv, x } = await exportJWK(pair.publicKey);
  return { publicJwk: JSON.stringify({ kty, crv, x }), privateKey: pair.privateKey };
}

/**
 * The key pair that a secret makes: the same at every process that has the secret.
 * @param secret 32 bytes that nobody can guess; any are a private key (RFC 7748 §5)
 */
export async function sealingKeyFrom(secret: Uint8Array): Promise<SealingKey> {
  const key = createPrivateKey({ key: Buffer.concat([X25519_PKCS8, secret]), format: 'der', type: 'pkcs8' });
  const { kty, crv, x } = createPublicKey(key).export({ format: 'jwk' });
  const jwk = key.export({ format: 'jwk' }) as JWK;
  return { publicJwk: JSON.stringify({ kty, crv, x }), privateKey: (await importJWK(jwk, KEY_AGREEMENT)) as CryptoKey };
}

/**
 * Seals a message so that only the holder of the private key can read it: JWE compact, ECDH-ES and A256GCM (RFC 7516, RFC 8037 §3.2).
 * @param publicJwk the recipient's `SealingKey.publicJwk`
 * @throws Error when that is not an X25519 public key
 */
export async function sealTo(publicJwk: string, plaintext: Uint8Array): Promise<string> {
  const recipient = (await importJWK(parseX25519(publicJwk), KEY_AGREEMENT)) as CryptoKey;
  return new CompactEncrypt(plaintext).setProtectedHeader({ alg: KEY_AGREEMENT, enc: CONTENT_ENCRYPTION }).encrypt(recipient);
}

/**
 * Opens a message that was sealed to this key.
 * @throws JOSEError when it was sealed to another key or altered
 */
export async function openSealed(privateKey: CryptoKey, jwe: string): Promise<Uint8Array> {
  const { plaintext } = await compactDecrypt(jwe, privateKey, {
    keyManagementAlgorithms: [KEY_AGREEMENT],
    contentEncryptionAlgorithms: [CONTENT_ENCRYPTION],
  });
  return plaintext;
}

function parseX25519(publicJwk: string): JWK {
  const { kty, crv, x } = JSON.parse(publicJwk) as JWK;
  if (kty !== 'OKP' || crv !== 'X25519' || typeof x !== 'string') throw new Error('not an X25519 public key');
  return { kty, crv, x };
}
