import { importPKCS8, SignJWT, type JWTPayload } from 'jose';

/**
 * Signs an assertion as a service account does that asks for a token (RFC 7523 §3): RS256.
 * @param o.privateKeyPem RSA private key, PKCS #8 in PEM
 * @param o.claims all of them; none is added
 * @throws Error where that is no such key
 */
export async function signJwtAssertion(o: {
  readonly privateKeyPem: string;
  readonly keyId: string;
  readonly claims: JWTPayload;
}): Promise<string> {
  const key = await importPKCS8(o.privateKeyPem, 'RS256');
  return new SignJWT(o.claims).setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: o.keyId }).sign(key);
}
