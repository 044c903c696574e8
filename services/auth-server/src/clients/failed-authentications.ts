import { Provider, type KoaContextWithOIDC } from 'oidc-provider';
import { LIFETIMES } from '../lifetimes.js';
import type { OidcStore } from '../store/oidc-store.js';
import { TooMany } from './client-refusals.js';

const KIND = 'FailedAuthentication';
const LIMIT = 10;

/** Routes at which clients show that they are themselves. */
const ROUTES = new Set<string | undefined>([
  'token',
  'revocation',
  'pushed_authorization_request',
  'device_authorization',
  'introspection',
]);

/** What the client shows can be guessed; signatures cannot. */
const GUESSABLE = new Set<unknown>(['client_secret_basic', 'client_secret_post']);

/**
 * Wrong secrets of clients (RFC 6749 §2.3.1). After ten within a minute, an address has to wait before it may try again for that client;
 * the client itself, at another address, does not.
 */
export class FailedAuthentications {
  readonly #store: OidcStore;

  constructor(store: OidcStore) {
    this.#store = store;
  }

  /** @throws TooMany where there were too many, at the request that oidc-provider is at work on */
  async check(clientId: string, authMethod: unknown): Promise<void> {
    const { ctx } = Provider;
    if (ctx === undefined || !GUESSABLE.has(authMethod) || !ROUTES.has(ctx.oidc?.route)) return;
    const failed = Number((await this.#store.find(KIND, idOf(clientId, ctx)))?.record['count'] ?? 0);
    if (failed >= LIMIT) throw new TooMany('too many wrong secrets for this client', LIFETIMES.failedAuthenticationMs / 1000);
  }

  /** Step around the endpoints at which clients show that they are themselves: counts those that fail. */
  count() {
    return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
      await next();
      const client = ctx.oidc?.entities.Client;
      if (ctx.status !== 401 || client === undefined || !GUESSABLE.has(client.tokenEndpointAuthMethod)) return;
      if (ROUTES.has(ctx.oidc.route)) await this.#add(idOf(client.clientId, ctx));
    };
  }

  async #add(id: string): Promise<void> {
    for (;;) {
      const found = await this.#store.find(KIND, id);
      const record = { count: Number(found?.record['count'] ?? 0) + 1 };
      const ttlMs = LIFETIMES.failedAuthenticationMs;
      const isWritten =
        found === undefined
          ? await this.#store.create(KIND, id, record, ttlMs)
          : await this.#store.replace(KIND, id, record, found.revision, ttlMs);
      if (isWritten) return;
    }
  }
}

const idOf = (clientId: string, { ip }: KoaContextWithOIDC) => JSON.stringify([clientId, ip]);
