import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTPayload } from 'jose';

/** Who is to be signed out. At least one of the two is there. */
export interface LogoutOrder {
  readonly ok: true;
  readonly id: string;
  readonly subject?: string;
  /** Session at the provider. */
  readonly sessionId?: string;
}

/** Why a logout token is none. */
export interface LogoutTokenRefusal {
  readonly ok: false;
  /** Safe to show. */
  readonly message: string;
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const CLOCK_SKEW_SECONDS = 60;
// Asymmetric ones only: the client secret is no key that two should share (OpenID Connect Back-Channel Logout §2.6).
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];

/** How long a logout token is taken after it was made; its id has to be remembered as long. */
export const LOGOUT_TOKEN_MAX_AGE_MS = 600_000;

const refuse = (message: string): LogoutTokenRefusal => ({ ok: false, message });

/** Verifies the logout tokens of one OpenID provider (OpenID Connect Back-Channel Logout 1.0 §2.6). */
export class LogoutTokenVerifier {
  readonly #o: { readonly issuer: string; readonly audience: string; readonly clock: { now(): number } };
  readonly #keys: ReturnType<typeof createRemoteJWKSet>;

  /** @param o.audience client id at the provider */
  constructor(o: {
    readonly issuer: string;
    readonly audience: string;
    readonly jwksUrl: string;
    readonly fetch: typeof globalThis.fetch;
    readonly clock: { now(): number };
  }) {
    this.#o = o;
    this.#keys = createRemoteJWKSet(new URL(o.jwksUrl), { [customFetch]: (url, init) => o.fetch(url, init) });
  }

  /** Never throws for a bad token. @throws where the provider's keys cannot be had */
  async verify(token: string): Promise<LogoutOrder | LogoutTokenRefusal> {
    const { issuer, audience, clock } = this.#o;
    try {
      const { payload, protectedHeader } = await jwtVerify(token, this.#keys, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_SKEW_SECONDS,
        maxTokenAge: LOGOUT_TOKEN_MAX_AGE_MS / 1000,
        currentDate: new Date(clock.now()),
        requiredClaims: ['iat', 'jti', 'events'],
      });
      return protectedHeader.typ === undefined || /^(application\/)?(logout\+jwt|jwt)$/i.test(protectedHeader.typ)
        ? orderOf(payload)
        : refuse('the token is of another type');
    } catch (error) {
      if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError) || error.code === 'ERR_JOSE_GENERIC')
        throw error;
      return refuse(MESSAGES[error.code] ?? 'the token is malformed');
    }
  }
}

const MESSAGES: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: 'the token is too old',
  ERR_JWT_CLAIM_VALIDATION_FAILED: 'a claim of the token does not hold',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'the signature of the token does not hold',
  ERR_JWKS_NO_MATCHING_KEY: 'the token is signed with a key that the provider does not publish',
  ERR_JOSE_ALG_NOT_ALLOWED: 'the algorithm of the token is not allowed',
};

function orderOf({ events, nonce, sub, sid, jti }: JWTPayload): LogoutOrder | LogoutTokenRefusal {
  const event = typeof events === 'object' && events !== null ? (events as Record<string, unknown>)[EVENT] : undefined;
  if (typeof event !== 'object' || event === null) return refuse('the token does not tell of a logout');
  // An ID token must not pass for one.
  if (nonce !== undefined) return refuse('the token has a nonce');
  const [subject, sessionId] = [sub, sid].map((value) => (typeof value === 'string' && value !== '' ? value : undefined));
  if (typeof jti !== 'string' || (subject === undefined && sessionId === undefined)) return refuse('the token does not say who');
  return {
    ok: true,
    id: jti,
    ...(subject === undefined ? {} : { subject }),
    ...(sessionId === undefined ? {} : { sessionId }),
  };
}
