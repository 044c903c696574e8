import { calculateJwkThumbprint, CompactSign, compactVerify, errors, importJWK, type JWK } from 'jose';

const ALGORITHM = 'EdDSA';

/**
 * Signs a value as JSON: a JWS in compact serialization (RFC 7515 §3.1), EdDSA.
 * @param type what it is, its `typ`
 * @param key private Ed25519 JWK
 */
export async function signJson(type: string, value: object, key: JWK): Promise<string> {
  const header = { alg: ALGORITHM, typ: type, kid: await calculateJwkThumbprint(key) };
  const payload = Buffer.from(JSON.stringify(value));
  return new CompactSign(payload).setProtectedHeader(header).sign(await importJWK(key, ALGORITHM));
}

/**
 * Reads what was signed with a key as this type.
 * @param key only its public part is used
 * @returns undefined where it was not
 */
export async function readSignedJson(type: string, jws: string, { kty, crv, x }: JWK): Promise<unknown> {
  try {
    const verified = await compactVerify(jws, await importJWK({ kty, crv, x } as JWK, ALGORITHM), { algorithms: [ALGORITHM] });
    return verified.protectedHeader.typ === type ? JSON.parse(Buffer.from(verified.payload).toString()) : undefined;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}
