import { createHash, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, SignJWT, type JWK } from 'jose';

const ALGORITHM = 'ES256';

/** Members of a public P-256 key (RFC 7518 §6.2.1). */
type PublicJwk = Required<Pick<JWK, 'kty' | 'crv' | 'x' | 'y'>>;

/** What a request shows, beside its proof. */
export interface ProvenRequest {
  readonly method: string;
  readonly url: URL;
  /** The access token that goes with it; absent where tokens are asked for. */
  readonly token?: string | undefined;
  /** What the server gave to be repeated. */
  readonly nonce?: string | undefined;
}

/** Makes a key pair that tokens can be bound to: the private key as JSON (RFC 7517), which is a secret. */
export async function generateDpopKey(): Promise<string> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  return JSON.stringify(await exportJWK(privateKey));
}

/** A key pair that tokens are bound to, and that proves it (RFC 9449). */
export class DpopKey {
  /** SHA-256 thumbprint of the public key (RFC 7638): the `jkt` of what is bound to it. */
  readonly thumbprint: string;
  readonly #publicJwk: PublicJwk;
  readonly #privateKey: CryptoKey;
  /** The latest token and its digest: a key has one at a time. */
  #hashed = { token: '', ath: '' };

  private constructor(thumbprint: string, publicJwk: PublicJwk, privateKey: CryptoKey) {
    this.thumbprint = thumbprint;
    this.#publicJwk = publicJwk;
    this.#privateKey = privateKey;
  }

  /** @param text what `generateDpopKey` made @throws Error without a cause, where it is none: what a parser says of it quotes it */
  static async from(text: string): Promise<DpopKey> {
    try {
      const { x, y, d } = JSON.parse(text) as Required<JWK>;
      const own = { kty: 'EC', crv: 'P-256', x, y };
      const key = (await importJWK({ ...own, d }, ALGORITHM)) as CryptoKey;
      return new DpopKey(await calculateJwkThumbprint(own), own, key);
    } catch {
      throw new Error('this is no private key for proofs of possession');
    }
  }

  /** Makes the proof for one request (RFC 9449 §4.2): each has an id of its own. @param nowMs milliseconds since 1970 */
  prove({ method, url, token, nonce }: ProvenRequest, nowMs: number): Promise<string> {
    const claims = {
      jti: randomUUID(),
      htm: method,
      htu: `${url.origin}${url.pathname}`,
      iat: Math.floor(nowMs / 1000),
      ...(token !== undefined && { ath: this.#hashOf(token) }),
      ...(nonce !== undefined && { nonce }),
    };
    const header = { alg: ALGORITHM, typ: 'dpop+jwt', jwk: this.#publicJwk };
    return new SignJWT(claims).setProtectedHeader(header).sign(this.#privateKey);
  }

  #hashOf(token: string): string {
    if (this.#hashed.token !== token) this.#hashed = { token, ath: createHash('sha256').update(token).digest('base64url') };
    return this.#hashed.ath;
  }
}
