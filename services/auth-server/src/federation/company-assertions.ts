import { AssertionVerifier, claimedIssuer, type AssertionKind, type VerifiedAssertion } from '@switchyard/oauth';
import type { Logger } from '@switchyard/telemetry';
import type { Accounts, SignedInAccount } from '../provider/accounts.js';
import type { OidcStore } from '../store/oidc-store.js';
import type { EndedPeople } from '../revocation/ended.js';
import { readIdentity, valuesOf } from './identity.js';
import type { IdentityClient } from './identity-client.js';

const USED = 'UsedAssertion';
/** Longer than the skew that is allowed for, so that nothing is taken again while it could still be. */
const REMEMBERED_AFTER_END_MS = 120_000;

/** Somebody whom a provider asserts something of. */
export interface AssertedPerson {
  readonly person: SignedInAccount;
  readonly claims: VerifiedAssertion['claims'];
}

/** Why nothing follows from an assertion. */
export interface AssertionRefused {
  /** OAuth error code. */
  readonly error: 'invalid_grant' | 'temporarily_unavailable';
  /** Safe to show. */
  readonly because: string;
}

const invalid = (because: string): AssertionRefused => ({ error: 'invalid_grant', because });

/** What identity providers assert of people to clients, who bring it here: ID-JAGs and ID tokens. */
export class CompanyAssertions {
  readonly #o: AssertionOptions;
  readonly #verifiers = new Map<string, AssertionVerifier>();

  constructor(o: AssertionOptions) {
    this.#o = o;
  }

  /** Whether some provider's ID-JAGs are taken. */
  get areTaken(): boolean {
    return [...this.#o.clients.values()].some(({ config }) => config.assertions);
  }

  /** Verifies an ID-JAG for this gateway, and finds whom it is about (MCP, "Enterprise-Managed Authorization"). */
  readIdJag(token: string): Promise<AssertedPerson | AssertionRefused> {
    const trusted = this.#providerOf(token, ({ config }) => config.assertions);
    return this.#read(token, 'id-jag', trusted, [this.#o.publicUrl]);
  }

  /** Verifies an ID token that was issued to a client which the configuration names, and finds whom it is about. */
  readIdToken(token: string): Promise<AssertedPerson | AssertionRefused> {
    const trusted = this.#providerOf(token, ({ config }) => config.exchangeIdTokensOf.length > 0);
    return this.#read(token, 'id-token', trusted, trusted?.config.exchangeIdTokensOf ?? []);
  }

  /** Lets an assertion be used once, on whichever replica (RFC 7523 §3). @returns whether this is the time */
  spend({ claims }: AssertedPerson): Promise<boolean> {
    const ttlMs = claims.exp * 1000 - this.#o.clock.now() + REMEMBERED_AFTER_END_MS;
    return this.#o.store.create(USED, JSON.stringify([claims.iss, claims.jti]), {}, ttlMs);
  }

  #providerOf(token: string, isTrusted: (client: IdentityClient) => boolean): IdentityClient | undefined {
    const issuer = claimedIssuer(token);
    return [...this.#o.clients.values()].find((client) => client.config.issuer === issuer && isTrusted(client));
  }

  async #read(
    token: string,
    kind: AssertionKind,
    client: IdentityClient | undefined,
    audiences: readonly string[],
  ): Promise<AssertedPerson | AssertionRefused> {
    if (client === undefined) return invalid('it is not from an identity provider whose assertions are taken here');
    const verified = await this.#verify(token, kind, client, audiences);
    if (verified === undefined)
      return { error: 'temporarily_unavailable', because: 'the keys of the identity provider could not be fetched' };
    if (!verified.ok) return invalid(verified.because);
    return this.#personOf(verified.claims, client);
  }

  async #verify(token: string, kind: AssertionKind, client: IdentityClient, audiences: readonly string[]) {
    try {
      return await this.#verifierOf(client, await client.keys()).verify(token, kind, audiences);
    } catch (error) {
      this.#o.log.warn('the keys of an identity provider could not be fetched', { name: client.config.name, error });
      return undefined;
    }
  }

  #verifierOf({ config }: IdentityClient, { issuer, jwksUrl }: { readonly issuer: string; readonly jwksUrl: string }) {
    const key = `${config.name} ${jwksUrl}`;
    const known = this.#verifiers.get(key);
    if (known !== undefined) return known;
    const { fetch, clock } = this.#o;
    const made = new AssertionVerifier({ issuer, jwksUrl, fetch, clock });
    this.#verifiers.set(key, made);
    return made;
  }

  /** The person of issuer and subject, as who signs in there is; what is not asserted now is not true now. */
  async #personOf(claims: VerifiedAssertion['claims'], { config }: IdentityClient): Promise<AssertedPerson | AssertionRefused> {
    const { accounts, ended } = this.#o;
    const identity = readIdentity(claims, config);
    if ('notAdmitted' in identity) return invalid(`the claim ${identity.notAdmitted} does not admit to this gateway`);
    const subject = accounts.subjectAt(identity.issuer, identity.subject);
    if (await ended.hasEnded(subject, claims.iat)) return invalid('the person was signed out everywhere after it was issued');
    const says = config.teamsClaim === undefined || valuesOf(claims, config.teamsClaim).length > 0;
    const known = await accounts.find(subject);
    // A sign-in tells more than an assertion that is silent about teams, and is asked again when tokens are refreshed.
    if (known === undefined || says) return { person: await accounts.rememberIdentity(identity), claims };
    const { provider, issuer, subject: idpSubject, ...facts } = identity;
    return { person: { subject, ...facts, origin: { provider, issuer, subject: idpSubject } }, claims };
  }
}

interface AssertionOptions {
  readonly clients: ReadonlyMap<string, IdentityClient>;
  readonly publicUrl: string;
  readonly store: OidcStore;
  readonly accounts: Accounts;
  readonly ended: EndedPeople;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: { now(): number };
  readonly log: Logger;
}
