import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';

type Json = Readonly<Record<string, unknown>>;

/** The key of a client, and the proofs that it makes with it (RFC 9449 §4.2). */
export interface DpopKey {
  /** Its thumbprint (RFC 7638). */
  readonly thumbprint: string;
  /** A proof for a request with a token. @param claims to replace, or to leave out @param header likewise */
  proof(
    request: { readonly method: string; readonly url: string; readonly token?: string },
    claims?: Json,
    header?: Json,
  ): string;
}

/** SHA-256 in base64url: thumbprints, and what a proof says of its token. */
export const digest = (text: string) => createHash('sha256').update(text).digest('base64url');

/** Makes one. */
export function newDpopKey(): DpopKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' });
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return {
    thumbprint: digest(JSON.stringify({ crv, kty, x, y })),
    proof: ({ method, url, token }, claims = {}, header = {}) => {
      const iat = Math.floor(Date.now() / 1000);
      const payload = {
        jti: randomUUID(),
        htm: method,
        htu: url,
        iat,
        ...(token === undefined ? {} : { ath: digest(token) }),
        ...claims,
      };
      const input = `${part({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y }, ...header })}.${part(payload)}`;
      return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
    },
  };
}
