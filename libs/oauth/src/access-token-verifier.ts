import type { Principal } from '@switchyard/contracts';
import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyResult,
  type ProtectedHeaderParameters,
} from 'jose';
import { IssuerKeys, type IssuerKeysOptions } from './issuer-keys.js';

/** A token that opens the resource it was checked for. */
export interface VerifiedToken {
  readonly ok: true;
  readonly principal: Principal;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** What the authorization server issued to this client for this principal; revoked as one. */
  readonly grantId: string;
  /** `jti`. */
  readonly tokenId: string;
  /** When what it was issued under was granted: a person who was signed out everywhere meanwhile has lost it. */
  readonly grantedAtMs: number;
  /** Thumbprint of the key that the token is bound to: without a proof of possessing it, it is worth nothing (RFC 9449 §6). */
  readonly boundTo?: string;
  /** Thumbprint of the TLS client certificate that the token is bound to: it opens nothing without that one (RFC 8705 §3). */
  readonly certificate?: string;
  /** Who acts for the principal, where a token of theirs was exchanged (RFC 8693 §4.1): the nearest first, separated by spaces. */
  readonly actor?: string;
  /** The end of the token, without skew. */
  readonly expiresAtMs: number;
}

/** Why a token does not open the resource. Every one of them is HTTP 401, `invalid_token` (RFC 6750 §3.1). */
export interface TokenRefusal {
  readonly ok: false;
  readonly reason: 'token_malformed' | 'token_expired' | 'token_invalid' | 'token_wrong_audience';
  /** One sentence, safe to show. */
  readonly message: string;
  /**
   * `unknown_key`: the token says that this issuer signed it, and that it is good, with a key that the issuer does not publish. Somebody has
   * made it up, or replicas of the issuer are out of step. For the audit trail alone: whoever shows it is told what all are told.
   */
  readonly because?: 'unknown_key';
  /** Of `unknown_key`: the id that it names. */
  readonly keyId?: string;
}

const CLOCK_SKEW_SECONDS = 60;
/** Most actors of a chain that are read. */
const ACTORS_LIMIT = 8;
const TOKEN_LIMIT_CHARACTERS = 8_192;
// Headers that name a key or change how a token is read. Ours have none of them (RFC 8725 §3.10, RFC 7515 §4.1.11).
const FORBIDDEN_HEADERS = ['jku', 'jwk', 'x5u', 'x5c', 'x5t', 'x5t#S256', 'crit', 'b64'] as const;

const refuse = (reason: TokenRefusal['reason'], message: string): TokenRefusal => ({ ok: false, reason, message });
const malformed = () => refuse('token_malformed', 'The access token is malformed.');
const invalid = () => refuse('token_invalid', 'The access token is not valid here: sign in again.');

/** Verifies the access tokens of one authorization server (RFC 9068 §4). Holds its public keys; has no other state. */
export class AccessTokenVerifier {
  readonly #issuer: string;
  readonly #clock: { now(): number };
  readonly #keys: IssuerKeys;

  /**
   * @param o.issuer what `iss` must be
   * @param o.jwksUrl where the issuer's public keys are
   */
  constructor(o: IssuerKeysOptions & { readonly issuer: string }) {
    this.#issuer = o.issuer;
    this.#clock = o.clock;
    this.#keys = new IssuerKeys(o);
  }

  /**
   * Verifies a token for one resource. Never throws for a bad token.
   * @param token what stood after `Bearer `
   * @param resource the resource that it must have been issued for, as `resourceUrl()` spells it
   * @throws KeysUnavailable when the issuer's keys cannot be had
   */
  verify(token: string, resource: string): Promise<VerifiedToken | TokenRefusal> {
    return this.#verify(token, resource);
  }

  /** Verifies a token for whatever it was issued for: to end it, never to let anybody in. */
  verifyForItsEnd(token: string): Promise<VerifiedToken | TokenRefusal> {
    return this.#verify(token, undefined);
  }

  async #verify(token: string, resource: string | undefined): Promise<VerifiedToken | TokenRefusal> {
    const keyId = acceptableKeyId(token);
    if (typeof keyId !== 'string') return keyId;
    const key = await this.#keys.find(keyId);
    if (key === undefined) return this.#ofUnknownKey(token, keyId);
    const verified = await this.#checkSignatureAndClaims(token, key, resource);
    return 'payload' in verified ? this.#toVerifiedToken(verified.payload) : verified;
  }

  #ofUnknownKey(token: string, keyId: string): TokenRefusal {
    try {
      const { iss, exp = 0 } = decodeJwt(token);
      if (iss === this.#issuer && exp * 1000 > this.#clock.now()) return { ...invalid(), because: 'unknown_key', keyId };
    } catch {
      // What it says cannot be read: it says nothing of keys.
    }
    return invalid();
  }

  async #checkSignatureAndClaims(
    token: string,
    key: CryptoKey,
    resource: string | undefined,
  ): Promise<JWTVerifyResult | TokenRefusal> {
    try {
      return await jwtVerify(token, key, {
        algorithms: ['ES256'],
        typ: 'at+jwt',
        issuer: this.#issuer,
        ...(resource === undefined ? {} : { audience: resource }),
        clockTolerance: CLOCK_SKEW_SECONDS,
        currentDate: new Date(this.#clock.now()),
        requiredClaims: ['exp', 'iat', 'sub', 'client_id', 'jti'],
      });
    } catch (error) {
      if (error instanceof errors.JOSEError) return refusalFor(error);
      throw error;
    }
  }

  #toVerifiedToken(claims: JWTPayload): VerifiedToken | TokenRefusal {
    // One audience per token (RFC 8707 §2.2): a list is not ours, even a list that holds this resource.
    if (typeof claims.aud !== 'string') return refuse('token_wrong_audience', 'The access token was issued for another server.');
    if ((claims.iat ?? 0) - CLOCK_SKEW_SECONDS > this.#clock.now() / 1000) return invalid();
    const { sub, exp, jti, client_id: clientId, scope, sy_tenant: tenant, sy_grant: grantId, sy_claims: teams, email } = claims;
    if (!isText(sub) || !isText(clientId) || !isText(tenant) || !isText(grantId) || !isText(jti) || exp === undefined)
      return invalid();
    const bound = boundOf(claims);
    // A token that is bound in a way that is not known here cannot be checked.
    if (bound === undefined) return invalid();
    const { iat = 0, sy_granted_at: grantedAt = iat, sy_kind: kind } = claims;
    if (typeof grantedAt !== 'number') return invalid();
    const principal: Principal = {
      tenant,
      issuer: this.#issuer,
      subject: sub,
      name: isText(email) ? email : sub,
      kind: kind === 'service' ? 'service' : 'user',
      ...(isText(email) ? { email: email.toLowerCase() } : {}),
      claims: Array.isArray(teams) ? teams.filter(isText) : [],
    };
    return {
      ...{ ok: true, principal, clientId, scopes: isText(scope) ? scope.split(' ') : [], grantId, tokenId: jti },
      ...{ grantedAtMs: grantedAt * 1000, expiresAtMs: exp * 1000 },
      ...bound,
      ...actorOf(claims),
    };
  }
}

/** Members of `cnf` (RFC 7800 §3.1) that are known here. */
const BOUND_BY: Readonly<Record<string, 'boundTo' | 'certificate'>> = { jkt: 'boundTo', 'x5t#S256': 'certificate' };

/** What a token is bound to; undefined where that is not known here. */
function boundOf({ cnf }: JWTPayload): Pick<VerifiedToken, 'boundTo' | 'certificate'> | undefined {
  if (cnf === undefined) return {};
  const members = typeof cnf === 'object' && cnf !== null ? Object.entries(cnf) : [];
  const known = members.filter(([name, value]) => name in BOUND_BY && isText(value));
  if (known.length === 0 || known.length !== members.length) return undefined;
  return Object.fromEntries(known.map(([name, value]) => [BOUND_BY[name], value]));
}

function actorOf({ act }: JWTPayload): { readonly actor?: string } {
  if (typeof act !== 'object' || act === null) return {};
  const subjects: string[] = [];
  for (let actor: unknown = act; typeof actor === 'object' && actor !== null && subjects.length < ACTORS_LIMIT;) {
    const { sub, act: before } = actor as { readonly sub?: unknown; readonly act?: unknown };
    if (isText(sub)) subjects.push(sub);
    actor = before;
  }
  return { actor: subjects.join(' ') };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/**
 * What a token says that it is for: nothing is verified by that.
 * @returns undefined where it is no token, or names more or less than one audience
 */
export function audienceOf(token: string): string | undefined {
  if (token.length > TOKEN_LIMIT_CHARACTERS) return undefined;
  try {
    const { aud } = decodeJwt(token);
    return isText(aud) ? aud : undefined;
  } catch {
    // The one way in which it fails: this is no JWT.
    return undefined;
  }
}

/** Key id of a token whose header is one that our authorization server writes. Nothing is trusted yet. */
function acceptableKeyId(token: string): string | TokenRefusal {
  if (token.length > TOKEN_LIMIT_CHARACTERS) return malformed();
  const header = readHeader(token);
  if (header === undefined) return malformed();
  if (header.alg !== 'ES256' || header.typ !== 'at+jwt' || !isText(header.kid)) return invalid();
  if (FORBIDDEN_HEADERS.some((name) => name in header)) return invalid();
  return header.kid;
}

function readHeader(token: string): ProtectedHeaderParameters | undefined {
  if (token.split('.').length !== 3) return undefined;
  try {
    return decodeProtectedHeader(token);
  } catch {
    // The one way in which it fails: this is no JOSE header.
    return undefined;
  }
}

function refusalFor(error: errors.JOSEError): TokenRefusal {
  if (error instanceof errors.JWTExpired)
    return refuse('token_expired', 'The access token has expired: refresh it or sign in again.');
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud') {
    return refuse('token_wrong_audience', 'The access token was issued for another server.');
  }
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return malformed();
  return invalid();
}
