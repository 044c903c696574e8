import { describeRedirect } from '@switchyard/oauth';
import type { EndedPeople } from '../federation/ended-people.js';
import { LIFETIMES } from '../lifetimes.js';
import type { OidcStore } from '../store/oidc-store.js';

const KIND = 'Consent';

/** What somebody said yes to. */
export interface Consent {
  readonly accountId: string;
  readonly clientId: string;
  /** Empty: a device is told. */
  readonly redirectUri: string;
  readonly resource: string;
  readonly scope: string;
}

/**
 * What people have said yes to, for 30 days: the same person, client, redirect URI, server and scopes. Only where the answer goes to a host
 * of the client's own over TLS: nothing tells which program listens at a loopback address or has taken a private-use scheme
 * (RFC 8252 §8.6).
 */
export class RememberedConsents {
  readonly #store: OidcStore;
  readonly #ended: EndedPeople;
  readonly #clock: { now(): number };

  constructor(o: { readonly store: OidcStore; readonly ended: EndedPeople; readonly clock: { now(): number } }) {
    this.#store = o.store;
    this.#ended = o.ended;
    this.#clock = o.clock;
  }

  async remember(consent: Consent): Promise<void> {
    if (!canBeRemembered(consent)) return;
    await this.#store.write(KIND, idOf(consent), { atMs: this.#clock.now() }, LIFETIMES.grantMs);
  }

  /** Whether somebody said yes to exactly this, and has not been signed out everywhere since. */
  async has(consent: Consent): Promise<boolean> {
    if (!canBeRemembered(consent)) return false;
    const atMs = (await this.#store.find(KIND, idOf(consent)))?.record['atMs'];
    return typeof atMs === 'number' && !(await this.#ended.hasEnded(consent.accountId, Math.floor(atMs / 1000)));
  }

  /** @param consent what somebody said no to this time */
  async forget(consent: Consent): Promise<void> {
    await this.#store.remove(KIND, idOf(consent));
  }
}

const canBeRemembered = ({ redirectUri }: Consent) => describeRedirect(redirectUri).kind === 'web';

const idOf = ({ accountId, clientId, redirectUri, resource, scope }: Consent) =>
  JSON.stringify([accountId, clientId, redirectUri, resource, scope.split(' ').sort()]);
