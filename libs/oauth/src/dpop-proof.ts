import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, EmbeddedJWK, errors, jwtVerify, type JWTPayload } from 'jose';
import type { DpopNonces } from './dpop-nonces.js';

/** Signatures that proofs may have. None is symmetric. */
export const DPOP_ALGORITHMS = ['ES256', 'Ed25519', 'EdDSA', 'PS256'] as const;

/** Longest that a proof is taken before and after it was made. */
export const DPOP_WINDOW_SECONDS = 300;

const LIMIT_CHARACTERS = 8_192;
const JTI_LIMIT_CHARACTERS = 256;

/** What a proof has to be for. */
export interface ProofWanted {
  readonly method: string;
  /** Without query and fragment, as clients reach it. */
  readonly url: string;
  /** The access token that it comes with; absent where tokens are asked for. */
  readonly token?: string;
  readonly nonceRequired: boolean;
}

/** A proof that holds. Whether it was used before, the caller has to find out. */
export interface VerifiedProof {
  readonly ok: true;
  /** SHA-256 thumbprint of its key (RFC 7638): the `cnf.jkt` of tokens that are bound to it. */
  readonly thumbprint: string;
  /** One for every proof; what may be used once. */
  readonly id: string;
  /** Until when it could be taken again. */
  readonly untilMs: number;
  /** Whether the client uses nonces, and should be told the next one. */
  readonly isNonceOld: boolean;
}

/** Why a proof does not hold. */
export interface ProofRefusal {
  readonly ok: false;
  readonly error: 'invalid_dpop_proof' | 'use_dpop_nonce';
  /** One sentence, safe to show. */
  readonly message: string;
}

const refuse = (because: string, error: ProofRefusal['error'] = 'invalid_dpop_proof'): ProofRefusal => ({
  ok: false,
  error,
  message: `The DPoP proof is not valid here: ${because}.`,
});

/** Thumbprint of the key that a proof names. Nothing is verified. @returns undefined where it names none */
export async function claimedThumbprint(proof: string): Promise<string | undefined> {
  try {
    const { jwk } = decodeProtectedHeader(proof);
    return jwk === undefined ? undefined : await calculateJwkThumbprint(jwk);
  } catch {
    // It fails for proofs that are none, and in no other way.
    return undefined;
  }
}

/** `jti` that a proof names. Nothing is verified. @returns undefined where it names none */
export function claimedJti(proof: string): string | undefined {
  try {
    return decodeJwt(proof).jti;
  } catch {
    // As above.
    return undefined;
  }
}

/** Verifies proofs of possession (RFC 9449 §4.3). */
export class DpopProofs {
  readonly #nonces: DpopNonces;
  readonly #clock: { now(): number };

  constructor(nonces: DpopNonces, clock: { now(): number }) {
    this.#nonces = nonces;
    this.#clock = clock;
  }

  nextNonce(): string {
    return this.#nonces.next();
  }

  /** Never throws for a bad proof. */
  async verify(proof: string, wanted: ProofWanted): Promise<VerifiedProof | ProofRefusal> {
    if (proof.length > LIMIT_CHARACTERS) return refuse('it is too long');
    try {
      // What is in the proof about time says nothing that we check: `iat` is judged below, in its own window.
      const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
        algorithms: [...DPOP_ALGORITHMS],
        typ: 'dpop+jwt',
        currentDate: new Date(this.#clock.now()),
      });
      const problem = this.#problemOf(payload, wanted);
      if (problem !== undefined) return problem;
      const thumbprint = await calculateJwkThumbprint(protectedHeader.jwk ?? {});
      return this.#verified(payload, thumbprint);
    } catch (error) {
      // A key that cannot be imported is a TypeError or DOMException of the runtime.
      if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException)
        return refuse('it is malformed, or its signature does not hold');
      throw error;
    }
  }

  #problemOf({ jti, iat, htm, htu, ath, nonce }: JWTPayload, wanted: ProofWanted): ProofRefusal | undefined {
    if (typeof jti !== 'string' || jti === '' || jti.length > JTI_LIMIT_CHARACTERS) return refuse('jti must be a short text');
    if (typeof iat !== 'number') return refuse('iat is missing');
    if (htm !== wanted.method) return refuse('htm is not the method of the request');
    if (typeof htu !== 'string' || withoutQuery(htu) !== withoutQuery(wanted.url))
      return refuse('htu is not the address of the request');
    if (wanted.token !== undefined && ath !== hashOf(wanted.token)) return refuse('ath is not the hash of the access token');
    if (nonce !== undefined && (typeof nonce !== 'string' || !this.#nonces.has(nonce)))
      return refuse('its nonce is not one of ours, or is too old', 'use_dpop_nonce');
    if (nonce === undefined && wanted.nonceRequired) return refuse('it has to have a nonce', 'use_dpop_nonce');
    if (Math.abs(this.#clock.now() / 1000 - iat) <= DPOP_WINDOW_SECONDS) return undefined;
    // A clock that is wrong is no reason to fail for good: the nonce tells when the proof was made (RFC 9449 §8).
    return nonce === undefined ? refuse('iat is too far from now', 'use_dpop_nonce') : undefined;
  }

  #verified({ jti, iat = 0, nonce }: JWTPayload, thumbprint: string): VerifiedProof {
    const nowSeconds = this.#clock.now() / 1000;
    // With a nonce it may be taken as long as the nonce, whatever it says of itself.
    const until = nonce === undefined ? iat + DPOP_WINDOW_SECONDS : nowSeconds + DPOP_WINDOW_SECONDS;
    return {
      ok: true,
      thumbprint,
      id: createHash('sha256').update(`${thumbprint}\0${jti}`).digest('base64url'),
      untilMs: (Math.max(until, nowSeconds) + 1) * 1000,
      isNonceOld: nonce !== undefined && nonce !== this.#nonces.next(),
    };
  }
}

const hashOf = (token: string) => createHash('sha256').update(token).digest('base64url');

/** RFC 9449 §4.3 (9): compared as URLs are (RFC 3986 §6.2), query and fragment left out. */
function withoutQuery(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null) return undefined;
  url.search = '';
  url.hash = '';
  return url.href;
}
