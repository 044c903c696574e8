import { API_KEY_ISSUER, type ApiKeyDirectory, revocableKey, revocableToken } from '@switchyard/api-keys';
import { type ApiKeyRecord, DEFAULT_TENANT } from '@switchyard/contracts';
import { type AccessTokenVerifier, KeysUnavailable, type TokenRefusal } from '@switchyard/oauth';
import type { Clock } from '@switchyard/runtime';
import { callerOf } from '../caller.js';
import { tokenScopes, UNASKED, UNBOUND } from '../caller-scopes.js';
import type { CompiledServer } from '../catalog.js';
import type { Caller } from '../exchange.js';
import { Refusal } from '../refusal.js';
import type { ClientCertificates } from '../http/client-certificates.js';
import type { RevocationFeed } from '../revocation-feed.js';
import type { Possession, Shown } from './possession.js';
import { revoked } from './revocation-known.js';

const CACHED_TOKENS = 10_000;
/** Of an ES256 signature's second half, in base64url. */
const SIGNATURE_LENGTH = 43;

const ANONYMOUS = callerOf(
  { tenant: DEFAULT_TENANT, issuer: '', subject: 'anonymous', name: 'anonymous', kind: 'anonymous', claims: [] },
  '',
  UNASKED,
);

/** A verified token. It lives in memory no longer than it is valid, which is minutes. */
interface Verified {
  readonly authorization: string;
  readonly caller: Caller;
  /** Thumbprint of the TLS certificate that it is bound to. */
  readonly certificate: string | undefined;
  /** The audience that it was verified for. */
  readonly resource: string;
  readonly untilMs: number;
}

/** What authentication needs. */
export interface AuthenticatorOptions {
  readonly verifier: AccessTokenVerifier;
  readonly keys: ApiKeyDirectory;
  readonly revocations: Pick<RevocationFeed, 'covers'>;
  readonly clock: Clock;
  readonly possession: Possession;
  readonly certificates: Pick<ClientCertificates, 'matches'>;
}

/** Lets callers in: by an access token for exactly this server, by an API key, or, where the server says so, without either. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  /** By the end of the Authorization header, the signature: hashing the whole of it costs more than comparing it. */
  readonly #verified = new Map<string, Verified>();

  readonly #byRecord = new WeakMap<ApiKeyRecord, Caller>();

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /**
   * @param authorization the Authorization header (RFC 6750 §2.1, RFC 9449 §7.1)
   * @param shown what a proof of possession is judged by
   * @returns the caller, or why not: always a refusal of stage `authenticate`
   */
  authenticate(
    authorization: string | undefined,
    server: CompiledServer,
    shown: Shown,
  ): Caller | Refusal | Promise<Caller | Refusal> {
    if (authorization === undefined)
      return server.anonymous
        ? ANONYMOUS
        : new Refusal('token_missing', 'Sign in: this server takes a bearer token or an API key.');
    const known = this.#verified.get(authorization.slice(-SIGNATURE_LENGTH));
    if (
      known !== undefined &&
      known.authorization === authorization &&
      known.resource === server.resource &&
      !server.requireDpop &&
      known.untilMs > this.#options.clock.now() &&
      (known.certificate === undefined || this.#refuseCertificate(known.certificate, shown) === undefined)
    )
      return known.caller;
    const token = /^Bearer ([A-Za-z0-9._~+/=-]+)$/i.exec(authorization)?.[1];
    if (token === undefined) return this.#byBoundToken(authorization, server, shown);
    return token.startsWith('sy_') ? this.#byKey(token, server) : this.#verify(authorization, token, server, shown, 'Bearer');
  }

  #byBoundToken(authorization: string, server: CompiledServer, shown: Shown): Refusal | Promise<Caller | Refusal> {
    const token = /^DPoP ([A-Za-z0-9._~+/=-]+)$/i.exec(authorization)?.[1];
    if (token === undefined) return new Refusal('token_malformed', 'Send the token as "Authorization: Bearer <token>".');
    return this.#verify(authorization, token, server, shown, 'DPoP');
  }

  #byKey(text: string, server: CompiledServer): Caller | Refusal {
    if (server.requireDpop) return notBound();
    const key = this.#options.keys.verify(text);
    if (key === undefined)
      return new Refusal(
        'token_invalid',
        'This API key does not exist, has expired or was revoked. Ask for a new one: switchyard key create.',
      );
    if (!key.servers.includes('*') && !key.servers.includes(server.slug)) {
      return new Refusal(
        'key_not_for_server',
        `The API key "${key.name}" does not open this server. Ask for one that does: switchyard key create.`,
      );
    }
    const known = this.#byRecord.get(key);
    if (known !== undefined) return this.#options.revocations.covers(known.revocable) ? revoked() : known;
    const { id, name } = key;
    const caller = callerOf(
      { tenant: DEFAULT_TENANT, issuer: API_KEY_ISSUER, subject: id, name, kind: 'service', claims: [] },
      id,
      UNBOUND,
      { revocable: revocableKey(id) },
    );
    this.#byRecord.set(key, caller);
    return this.#options.revocations.covers(caller.revocable) ? revoked() : caller;
  }

  /** Forgets the tokens that have been revoked: whoever shows one again is asked about it again. */
  forgetRevoked(): void {
    for (const [end, { caller }] of this.#verified)
      if (this.#options.revocations.covers(caller.revocable)) this.#verified.delete(end);
  }

  /** RFC 8705 §3: on every request, also with a token that has been verified. */
  #refuseCertificate(thumbprint: string, { head }: Shown): Refusal | undefined {
    const matches = this.#options.certificates.matches(thumbprint, head.request);
    if (matches === 'yes') return undefined;
    return matches === 'none'
      ? new Refusal('certificate_missing', 'The access token is bound to a TLS certificate, and the connection shows none.')
      : new Refusal('certificate_mismatch', 'The access token is bound to another TLS certificate than the connection shows.');
  }

  /** Nothing of a token with the scheme DPoP is remembered, since every request needs a proof of its own. */
  async #verify(
    authorization: string,
    token: string,
    server: CompiledServer,
    shown: Shown,
    scheme: 'Bearer' | 'DPoP',
  ): Promise<Caller | Refusal> {
    const verified = await this.#options.verifier.verify(token, server.resource).catch(unavailable);
    if (verified instanceof Refusal) return verified;
    if (!verified.ok) return refusedToken(verified);
    const { boundTo, certificate } = verified;
    const unproved =
      (certificate === undefined ? undefined : this.#refuseCertificate(certificate, shown)) ??
      (scheme === 'Bearer' ? refuseBearer(boundTo, server) : await this.#options.possession.refuse(token, boundTo, shown));
    if (unproved !== undefined) return unproved;
    const { principal, clientId } = verified;
    const revocable = revocableToken({ ...verified, subject: principal.subject });
    const caller = callerOf(principal, clientId, tokenScopes(verified.scopes), { revocable, actors: verified.actor });
    if (this.#options.revocations.covers(revocable)) return revoked();
    if (scheme === 'DPoP') return caller;
    if (this.#verified.size >= CACHED_TOKENS) this.#verified.delete(this.#verified.keys().next().value!);
    this.#verified.set(authorization.slice(-SIGNATURE_LENGTH), {
      authorization,
      caller,
      certificate,
      resource: server.resource,
      untilMs: verified.expiresAtMs,
    });
    return caller;
  }
}

/** A key that is not published: made up, or of a replica of the authorization server that is out of step with the others. */
function refusedToken({ reason, message, because, keyId }: TokenRefusal): Refusal {
  return new Refusal(reason, message, {}, because && { because, keyId, severity: 'high' });
}

/** Why a token may not be shown as it is, without a proof. */
function refuseBearer(boundTo: string | undefined, server: CompiledServer): Refusal | undefined {
  // RFC 9449 §7.2: else whoever steals it could use it.
  if (boundTo !== undefined)
    return new Refusal(
      'token_bound',
      'The access token is bound to a key: send it as "Authorization: DPoP <token>", with a proof.',
    );
  return server.requireDpop ? notBound() : undefined;
}

const notBound = () =>
  new Refusal('proof_required', 'This server takes only access tokens that are bound to a key: ask for one with a DPoP proof.');

function unavailable(error: unknown): Refusal {
  if (!(error instanceof KeysUnavailable)) throw error;
  return new Refusal(
    'authentication_unavailable',
    'Your token cannot be checked now, because the authorization server cannot be reached. Try again shortly.',
  );
}
