import { createRemoteJWKSet, customFetch, decodeJwt, errors, jwtVerify, type JWTPayload } from 'jose';

/** What an identity provider asserts of somebody: an ID-JAG for this gateway alone, or an ID token. */
export type AssertionKind = 'id-jag' | 'id-token';

/** An assertion that holds. */
export interface VerifiedAssertion {
  readonly ok: true;
  readonly claims: JWTPayload & { readonly iss: string; readonly sub: string; readonly iat: number; readonly exp: number };
}

/** Why an assertion does not hold. */
export interface AssertionRefusal {
  readonly ok: false;
  /** Safe to show. */
  readonly because: string;
}

interface Rules {
  readonly typ: RegExp;
  readonly required: readonly string[];
  /** Longest time from `iat` to `exp`. */
  readonly longestSeconds: number;
  /** Claims that only tokens of other kinds have. */
  readonly foreign: readonly string[];
}

const RULES: Readonly<Record<AssertionKind, Rules>> = {
  // draft-ietf-oauth-identity-assertion-authz-grant-04 §3.1; MCP, "Enterprise-Managed Authorization": `resource` is required.
  'id-jag': {
    typ: /^(application\/)?oauth-id-jag\+jwt$/i,
    required: ['sub', 'client_id', 'resource', 'jti', 'iat', 'exp'],
    longestSeconds: 300,
    foreign: ['events'],
  },
  // OpenID Connect Core §2. Logout tokens have `events`; access tokens of some providers have no `typ` of their own.
  'id-token': {
    typ: /^(application\/)?jwt$/i,
    required: ['sub', 'iat', 'exp'],
    longestSeconds: 86_400,
    foreign: ['events', 'scp', 'scope'],
  },
};

const CLOCK_SKEW_SECONDS = 60;
const LIMIT_CHARACTERS = 16_384;
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];

const refuse = (because: string): AssertionRefusal => ({ ok: false, because });

/** Issuer that a token names. Nothing is verified yet. @returns undefined where it is no JWT */
export function claimedIssuer(token: string): string | undefined {
  if (token.length > LIMIT_CHARACTERS) return undefined;
  try {
    return decodeJwt(token).iss;
  } catch {
    // The one way in which it fails: this is no JWT.
    return undefined;
  }
}

/** Audience that a token names, where it names one. Nothing is verified yet. */
export function claimedAudience(token: string): string | undefined {
  if (token.length > LIMIT_CHARACTERS) return undefined;
  try {
    const { aud } = decodeJwt(token);
    return typeof aud === 'string' ? aud : undefined;
  } catch {
    // As above.
    return undefined;
  }
}

/** Verifies what one identity provider asserts, with the keys that it publishes (RFC 7523 §3). */
export class AssertionVerifier {
  readonly #issuer: string;
  readonly #clock: { now(): number };
  readonly #keys: ReturnType<typeof createRemoteJWKSet>;

  constructor(o: {
    readonly issuer: string;
    readonly jwksUrl: string;
    readonly fetch: typeof globalThis.fetch;
    readonly clock: { now(): number };
  }) {
    this.#issuer = o.issuer;
    this.#clock = o.clock;
    this.#keys = createRemoteJWKSet(new URL(o.jwksUrl), { [customFetch]: (url, init) => o.fetch(url, init) });
  }

  /**
   * Never throws for a bad assertion.
   * @param audiences of which `aud` must be one, and the only one
   * @throws where the provider's keys cannot be had
   */
  async verify(token: string, kind: AssertionKind, audiences: readonly string[]): Promise<VerifiedAssertion | AssertionRefusal> {
    const rules = RULES[kind];
    const nowSeconds = this.#clock.now() / 1000;
    try {
      const { payload, protectedHeader } = await jwtVerify(token, this.#keys, {
        issuer: this.#issuer,
        audience: [...audiences],
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_SKEW_SECONDS,
        currentDate: new Date(nowSeconds * 1000),
        requiredClaims: [...rules.required],
      });
      if (!rules.typ.test(protectedHeader.typ ?? (kind === 'id-token' ? 'JWT' : '')))
        return refuse('it is a token of another type');
      if (rules.foreign.some((claim) => claim in payload)) return refuse('it is a token of another type');
      return judgeClaims(payload, rules, nowSeconds);
    } catch (error) {
      if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError) || error.code === 'ERR_JOSE_GENERIC')
        throw error;
      return refuse(reasonOf(error));
    }
  }
}

function judgeClaims(payload: JWTPayload, rules: Rules, nowSeconds: number): VerifiedAssertion | AssertionRefusal {
  const { iss, sub, aud, iat, exp } = payload;
  if (typeof iss !== 'string' || typeof sub !== 'string' || sub === '') return refuse('it does not say who');
  if (typeof iat !== 'number' || typeof exp !== 'number') return refuse('it does not say how long it is good for');
  if (Array.isArray(aud) && aud.length !== 1) return refuse('it is for more than one audience');
  if (iat > nowSeconds + CLOCK_SKEW_SECONDS) return refuse('it was issued in the future');
  if (exp - iat > rules.longestSeconds) return refuse('it is good for longer than is allowed');
  return { ok: true, claims: { ...payload, iss, sub, iat, exp } };
}

const REASONS: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: 'it has expired',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'its signature does not hold',
  ERR_JWKS_NO_MATCHING_KEY: 'it is signed with a key that the provider does not publish',
  ERR_JOSE_ALG_NOT_ALLOWED: 'its algorithm is not allowed',
};

function reasonOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTClaimValidationFailed)
    return error.claim === 'aud' ? 'it is for another audience' : `its claim ${error.claim} is missing or does not hold`;
  return REASONS[error.code] ?? 'it is malformed';
}
