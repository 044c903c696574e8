import { hash } from 'node:crypto';
import { API_KEY_ISSUER, type ApiKeyDirectory } from '@switchyard/api-keys';
import { DEFAULT_TENANT, type Principal } from '@switchyard/contracts';
import { type AccessTokenVerifier, KeysUnavailable } from '@switchyard/oauth';
import type { Clock } from '@switchyard/runtime';
import type { CompiledServer } from '../catalog.js';
import type { Caller } from '../exchange.js';
import { Refusal } from '../refusal.js';

const CACHED_TOKENS = 10_000;

const ANONYMOUS: Caller = {
  principal: { tenant: DEFAULT_TENANT, issuer: '', subject: 'anonymous', name: 'anonymous', kind: 'anonymous', claims: [] },
  clientId: '',
};

interface Cached {
  readonly caller: Caller;
  readonly untilMs: number;
}

/** What authentication needs. */
export interface AuthenticatorOptions {
  readonly verifier: AccessTokenVerifier;
  readonly keys: ApiKeyDirectory;
  readonly clock: Clock;
}

/** Lets callers in: by an access token for exactly this server, by an API key, or, where the server says so, without either. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #verified = new Map<string, Cached>();

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /**
   * @param authorization the Authorization header (RFC 6750 §2.1)
   * @returns the caller, or why not: always a refusal of stage `authenticate`
   */
  authenticate(authorization: string | undefined, server: CompiledServer): Caller | Refusal | Promise<Caller | Refusal> {
    if (authorization === undefined)
      return server.anonymous
        ? ANONYMOUS
        : new Refusal('token_missing', 'Sign in: this server takes a bearer token or an API key.');
    const token = /^Bearer ([A-Za-z0-9._~+/=-]+)$/i.exec(authorization)?.[1];
    if (token === undefined) return new Refusal('token_malformed', 'Send the token as "Authorization: Bearer <token>".');
    return token.startsWith('sy_') ? this.#byKey(token, server) : this.#byToken(token, server);
  }

  #byKey(text: string, server: CompiledServer): Caller | Refusal {
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
    const principal: Principal = {
      tenant: DEFAULT_TENANT,
      issuer: API_KEY_ISSUER,
      subject: key.id,
      name: key.name,
      kind: 'service',
      claims: [],
    };
    return { principal, clientId: key.id };
  }

  #byToken(token: string, server: CompiledServer): Caller | Promise<Caller | Refusal> {
    // The cache holds digests, not tokens.
    const key = hash('sha256', `${server.resource}\n${token}`, 'base64');
    const cached = this.#verified.get(key);
    if (cached !== undefined && cached.untilMs > this.#options.clock.now()) return cached.caller;
    return this.#verify(token, server, key);
  }

  async #verify(token: string, server: CompiledServer, key: string): Promise<Caller | Refusal> {
    const verified = await this.#options.verifier.verify(token, server.resource).catch(unavailable);
    if (verified instanceof Refusal) return verified;
    if (!verified.ok) return new Refusal(verified.reason, verified.message);
    const caller: Caller = { principal: verified.principal, clientId: verified.clientId };
    if (this.#verified.size >= CACHED_TOKENS) this.#verified.delete(this.#verified.keys().next().value!);
    this.#verified.set(key, { caller, untilMs: verified.expiresAtMs });
    return caller;
  }
}

function unavailable(error: unknown): Refusal {
  if (!(error instanceof KeysUnavailable)) throw error;
  return new Refusal(
    'authentication_unavailable',
    'Your token cannot be checked now, because the authorization server cannot be reached. Try again shortly.',
  );
}
