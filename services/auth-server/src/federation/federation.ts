import type { IdentityProviderConfig } from '@switchyard/gateway-config';
import type { Logger } from '@switchyard/telemetry';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Accounts, Origin, SignedInAccount } from '../provider/accounts.js';
import { LIFETIMES } from '../lifetimes.js';
import type { OidcStore } from '../store/oidc-store.js';
import { CompanyAssertions } from './company-assertions.js';
import type { EndedPeople } from '../revocation/ended.js';
import { readIdentity } from './identity.js';
import { IdentityClient, type IdJagWanted, type SignInChecks } from './identity-client.js';
import { IdJags, type IdJagOutcome } from './id-jags.js';
import type { IdentitySecrets } from './identity-secrets.js';
import { judgeFailure, type Failure } from './judge-failure.js';
import { ProviderLogout } from './provider-logout.js';
import { ProviderSessions } from './provider-sessions.js';
import { Recheck, type Standing } from './recheck.js';
import type { SignInRefusal } from './sign-in-refusals.js';
import { SignInStates } from './sign-in-states.js';

/** Path that a provider sends browsers back to. A path of its own for each keeps answers of one from passing for another's. */
export const callbackPath = (provider: string) => `/oauth/callback/${provider}`;

/** A sign-in that did not come to its end. */
export interface Refused {
  readonly refused: SignInRefusal;
  /** Which provider. */
  readonly provider: string;
  /** OAuth error code of the provider, or what did not hold. */
  readonly code?: string;
}

/** What a sign-in at a provider is to be like. */
export interface SignInWish {
  readonly provider: string;
  readonly uid: string;
  /** Whether the person has to show who they are although the provider knows them still. */
  readonly anew: boolean;
  /** What the client asked for. */
  readonly maxAgeSeconds?: number;
}

const RESULT = 'CompanySignInResult';

/** Sign-in at the identity providers of the company. */
export class Federation {
  readonly providers: readonly IdentityProviderConfig[];
  readonly logout: ProviderLogout;
  readonly assertions: CompanyAssertions;
  readonly #o: FederationOptions;
  readonly #clients: ReadonlyMap<string, IdentityClient>;
  readonly #states: SignInStates;
  readonly #sessions: ProviderSessions;
  readonly #recheck: Recheck;
  readonly #idJags: IdJags;

  constructor(o: FederationOptions) {
    const { publicUrl, store, clock, fetch, secrets } = o;
    this.#o = o;
    this.providers = o.providers;
    const clientOf = (config: IdentityProviderConfig) =>
      new IdentityClient({ config, redirectUri: `${publicUrl}${callbackPath(config.name)}`, fetch, clock, secrets });
    this.#clients = new Map(o.providers.map((config) => [config.name, clientOf(config)]));
    this.logout = new ProviderLogout({ ...o, clients: this.#clients });
    this.assertions = new CompanyAssertions({ ...o, clients: this.#clients });
    this.#states = new SignInStates(store, publicUrl.startsWith('https:'));
    this.#sessions = new ProviderSessions(store, o.secret);
    this.#recheck = new Recheck({ ...o, sessions: this.#sessions });
    this.#idJags = new IdJags({ ...o, sessions: this.#sessions, recheck: this.#recheck });
  }

  /** Begins a sign-in. @returns where to send the browser */
  async begin(ctx: KoaContextWithOIDC, wish: SignInWish): Promise<URL | Refused> {
    const client = this.#clients.get(wish.provider);
    if (client === undefined) return { refused: 'sign_in_unknown', provider: wish.provider };
    const checks = await this.#states.begin(ctx, { provider: wish.provider, uid: wish.uid, ...maxAgeOf(client.config, wish) });
    try {
      return await client.authorizationUrl(checks, wish.anew);
    } catch (error) {
      return this.#refusalOf(error, wish.provider);
    }
  }

  /** Ends a sign-in. @param query of the address that the browser was sent back to @returns the interaction that it was for */
  async complete(ctx: KoaContextWithOIDC, provider: string, query: string): Promise<{ readonly uid: string } | Refused> {
    const client = this.#clients.get(provider);
    const state = new URLSearchParams(query).get('state');
    if (client === undefined || state === null) return { refused: 'sign_in_unknown', provider };
    const begun = await this.#states.take(ctx, state);
    if (begun === 'foreign_browser') return { refused: begun, provider };
    // RFC 9700 §4.4.2: an answer that came back to another provider's address is a mix-up.
    if (begun === 'unknown' || begun.provider !== provider) return { refused: 'sign_in_unknown', provider };
    const account = await this.#redeem(client, query, begun.checks);
    if ('refused' in account) return account;
    await this.#o.store.write(RESULT, begun.uid, { subject: account.subject }, LIFETIMES.interactionMs);
    return { uid: begun.uid };
  }

  /** Who signed in for an interaction, once. */
  async takeResult(uid: string): Promise<SignedInAccount | undefined> {
    const found = await this.#o.store.find(RESULT, uid);
    if (found === undefined || !(await this.#o.store.removeAt(RESULT, uid, found.revision))) return undefined;
    return this.#o.accounts.find(String(found.record['subject']));
  }

  /** Whether somebody may still use what they signed in for: their provider is still one of ours. */
  vouchesFor(account: SignedInAccount): account is SignedInAccount & { readonly origin: Origin } {
    return account.origin !== undefined && this.#clients.has(account.origin.provider);
  }

  /** What stands of somebody now, by asking their provider where that was not done lately. */
  async standingOf(account: SignedInAccount): Promise<Standing> {
    if (!this.vouchesFor(account)) return 'gone';
    const client = this.#clients.get(account.origin.provider);
    return client === undefined ? 'gone' : this.#recheck.standingOf(account, client);
  }

  /** Has the provider of somebody assert them to the authorization server of an upstream. */
  async idJagOf(account: SignedInAccount, wanted: IdJagWanted): Promise<IdJagOutcome> {
    const client = this.vouchesFor(account) ? this.#clients.get(account.origin.provider) : undefined;
    return client === undefined || !this.vouchesFor(account)
      ? { refused: 'not_signed_in_there', code: 'no_provider' }
      : this.#idJags.obtain(account, client, wanted);
  }

  /** Whether somebody has to sign in at their provider although they are still signed in here. */
  wantsSignInOf(subject: string): Promise<boolean> {
    return this.#idJags.wantSignInOf(subject);
  }

  async #redeem(client: IdentityClient, query: string, checks: SignInChecks): Promise<SignedInAccount | Refused> {
    const { accounts, clock } = this.#o;
    const provider = client.config.name;
    try {
      const { claims, ...tokens } = await client.redeem(query, checks);
      const identity = readIdentity(claims, client.config);
      if ('notAdmitted' in identity) return { refused: 'not_admitted', provider, code: `claim ${identity.notAdmitted}` };
      const account = await accounts.rememberIdentity(identity);
      // Some providers give a refresh token at the first sign-in only.
      const before = await this.#sessions.find(account.subject);
      await this.#sessions.write(account.subject, { ...before, ...tokens, checkedAtMs: clock.now() });
      await this.#idJags.signedIn(account.subject);
      const { sid } = claims;
      if (typeof sid === 'string') await this.logout.remember(identity.issuer, sid, account.subject);
      return account;
    } catch (error) {
      return this.#refusalOf(error, provider);
    }
  }

  #refusalOf(error: unknown, provider: string): Refused {
    const { kind: judged, code } = judgeFailure(error);
    // A code that the provider does not know is not what it gave.
    const kind = code === 'invalid_grant' ? 'invalid' : judged;
    if (kind !== 'refused') this.#o.log.warn('a sign-in at an identity provider failed', { name: provider, reason: code });
    return { refused: REFUSALS[kind], provider, code };
  }
}

const REFUSALS = {
  unavailable: 'idp_unavailable',
  misconfigured: 'idp_misconfigured',
  refused: 'idp_refused',
  invalid: 'idp_answer_invalid',
} as const satisfies Record<Failure['kind'], SignInRefusal>;

/** The shorter of what the configuration and the client ask for. */
function maxAgeOf(config: IdentityProviderConfig, wish: SignInWish): { readonly maxAgeSeconds?: number } {
  const ages = [config.maxAgeSeconds, wish.maxAgeSeconds].filter((age) => age !== undefined);
  return ages.length === 0 || !config.habits.maxAge ? {} : { maxAgeSeconds: Math.min(...ages) };
}

interface FederationOptions {
  readonly providers: readonly IdentityProviderConfig[];
  readonly publicUrl: string;
  readonly store: OidcStore;
  readonly accounts: Accounts;
  readonly ended: EndedPeople;
  readonly clock: { now(): number };
  readonly fetch: typeof globalThis.fetch;
  readonly log: Logger;
  /** What the gateway shows providers, where the vault keeps it. */
  readonly secrets: Pick<IdentitySecrets, 'valueOf'>;
  /** Seals what providers gave. */
  readonly secret: string;
  /** How long a provider's yes is believed. */
  readonly afterMs: number;
}
