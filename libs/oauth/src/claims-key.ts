import { createECDH, createHash, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, importJWK, SignJWT, type JWK, type JWTPayload } from 'jose';

const ALGORITHM = 'ES256';

/** A key that statements about callers are signed with. */
export interface ClaimsKey {
  /** Public key for verifiers (RFC 7517), with its id, the thumbprint (RFC 7638). */
  readonly publicJwk: JWK & { readonly kid: string };
  readonly privateKey: CryptoKey;
}

/**
 * The P-256 key pair that a secret makes: the same at every process that has the secret.
 * @param secret 32 bytes that nobody can guess
 */
export async function claimsKeyFrom(secret: Uint8Array): Promise<ClaimsKey> {
  const d = privateScalar(secret);
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(d);
  // 0x04, then both coordinates (SEC 1 section 2.3.3).
  const point = ecdh.getPublicKey();
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
  const own = { kty: 'EC', crv: 'P-256', x: text(point.subarray(1, 33)), y: text(point.subarray(33)) };
  const privateKey = (await importJWK({ ...own, d: text(d) }, ALGORITHM)) as CryptoKey;
  return { privateKey, publicJwk: { ...own, kid: await calculateJwkThumbprint(own), use: 'sig', alg: ALGORITHM } };
}

/** One of 2³² secrets is no private key of the curve; the digest of it takes its place. */
function privateScalar(secret: Uint8Array): Buffer {
  for (let candidate = Buffer.from(secret); ; candidate = createHash('sha256').update(candidate).digest()) {
    try {
      createECDH('prime256v1').setPrivateKey(candidate);
      return candidate;
    } catch {
      // The next one.
    }
  }
}

/**
 * Signs a statement, as a JWT with an id of its own.
 * @param o.typ what it is: a verifier of anything else must refuse it (RFC 8725 section 3.11)
 */
export function signClaims(
  { privateKey, publicJwk }: ClaimsKey,
  o: { readonly typ: string; readonly claims: JWTPayload; readonly nowMs: number; readonly lifetimeSeconds: number },
): Promise<string> {
  const issuedAt = Math.floor(o.nowMs / 1000);
  return new SignJWT({ ...o.claims, jti: randomUUID(), iat: issuedAt, exp: issuedAt + o.lifetimeSeconds })
    .setProtectedHeader({ alg: ALGORITHM, typ: o.typ, kid: publicJwk.kid })
    .sign(privateKey);
}
