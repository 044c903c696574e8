import { LOGOUT_TOKEN_MAX_AGE_MS, LogoutTokenVerifier, type LogoutOrder } from '@switchyard/oauth';
import type { Accounts, SignedInAccount } from '../provider/accounts.js';
import { LIFETIMES } from '../lifetimes.js';
import type { OidcStore } from '../store/oidc-store.js';
import type { EndedPeople } from '../revocation/ended.js';
import type { IdentityClient } from './identity-client.js';

const SESSION = 'ProviderSid';
const USED = 'LogoutToken';

/** An order that was not followed. */
export interface LogoutRefused {
  readonly refused: 'logout_refused' | 'idp_unavailable';
  readonly provider: string;
  readonly status: 400 | 404 | 503;
  /** OAuth error code. */
  readonly error: string;
  /** Safe to show. */
  readonly message: string;
}

/** Signs people out because their provider says so. */
export class ProviderLogout {
  readonly #o: LogoutOptions;
  readonly #verifiers = new Map<string, LogoutTokenVerifier>();

  constructor(o: LogoutOptions) {
    this.#o = o;
  }

  /** Remembers whose a session at a provider is: some providers name nothing else when it ends. */
  async remember(issuer: string, sessionId: string, subject: string): Promise<void> {
    await this.#o.store.write(SESSION, sessionKey(issuer, sessionId), { subject }, LIFETIMES.grantMs);
  }

  /** @returns who was signed out; nobody where they are not known here, which is as good */
  async follow(provider: string, token: string): Promise<{ readonly account?: SignedInAccount } | LogoutRefused> {
    const client = this.#o.clients.get(provider);
    if (client === undefined)
      return {
        refused: 'logout_refused',
        provider,
        status: 404,
        error: 'invalid_request',
        message: 'there is no such provider here',
      };
    const read = await this.#verify(client, token);
    if (read === undefined)
      return {
        ...{ refused: 'idp_unavailable', provider, status: 503, error: 'temporarily_unavailable' },
        message: 'the keys of the provider could not be fetched',
      } as const;
    if (!read.order.ok)
      return { refused: 'logout_refused', provider, status: 400, error: 'invalid_request', message: read.order.message };
    return this.#signOut(provider, read.issuer, read.order);
  }

  async #signOut(
    provider: string,
    issuer: string,
    order: LogoutOrder,
  ): Promise<{ readonly account?: SignedInAccount } | LogoutRefused> {
    const { store, accounts, ended } = this.#o;
    const id = sessionKey(issuer, order.id);
    const subject =
      order.subject === undefined
        ? await this.#subjectOf(issuer, order.sessionId ?? '')
        : accounts.subjectAt(issuer, order.subject);
    const account = subject === undefined ? undefined : await accounts.find(subject);
    // First the deed: what fails after it is repeated, and ending twice is ending once.
    if (account !== undefined && (await store.find(USED, id)) === undefined) await ended.end(account.subject);
    if (await store.create(USED, id, {}, LOGOUT_TOKEN_MAX_AGE_MS * 2)) return account === undefined ? {} : { account };
    return { refused: 'logout_refused', provider, status: 400, error: 'invalid_request', message: 'the token was used before' };
  }

  async #subjectOf(issuer: string, sessionId: string): Promise<string | undefined> {
    const subject = (await this.#o.store.find(SESSION, sessionKey(issuer, sessionId)))?.record['subject'];
    return typeof subject === 'string' ? subject : undefined;
  }

  async #verify(client: IdentityClient, token: string) {
    try {
      const { issuer, jwksUrl } = await client.keys();
      return { issuer, order: await this.#verifierOf(client, issuer, jwksUrl).verify(token) };
    } catch {
      // Discovery or keys could not be had; the provider is told to come again.
      return undefined;
    }
  }

  #verifierOf({ config }: IdentityClient, issuer: string, jwksUrl: string): LogoutTokenVerifier {
    const key = `${config.name} ${jwksUrl}`;
    const known = this.#verifiers.get(key);
    if (known !== undefined) return known;
    const { fetch, clock } = this.#o;
    const made = new LogoutTokenVerifier({ issuer, audience: config.clientId, jwksUrl, fetch, clock });
    this.#verifiers.set(key, made);
    return made;
  }
}

const sessionKey = (issuer: string, id: string) => JSON.stringify([issuer, id]);

interface LogoutOptions {
  readonly clients: ReadonlyMap<string, IdentityClient>;
  readonly store: OidcStore;
  readonly accounts: Accounts;
  readonly ended: EndedPeople;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: { now(): number };
}
