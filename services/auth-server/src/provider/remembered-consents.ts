import { describeRedirect } from '@switchyard/oauth';
import type { EndedClients, EndedPeople } from '../revocation/ended.js';
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
  readonly #endedClients: EndedClients;
  readonly #clock: { now(): number };

  constructor(o: {
    readonly store: OidcStore;
    readonly ended: EndedPeople;
    readonly endedClients: EndedClients;
    readonly clock: { now(): number };
  }) {
    this.#store = o.store;
    this.#ended = o.ended;
    this.#endedClients = o.endedClients;
    this.#clock = o.clock;
  }

  async remember(consent: Consent): Promise<void> {
    if (!canBeRemembered(consent)) return;
    await this.#store.write(KIND, idOf(consent), { atMs: this.#clock.now() }, LIFETIMES.grantMs);
  }

  /** Whether somebody said yes to exactly this, and neither they were signed out everywhere nor the client taken away since. */
  async has(consent: Consent): Promise<boolean> {
    if (!canBeRemembered(consent)) return false;
    const atMs = (await this.#store.find(KIND, idOf(consent)))?.record['atMs'];
    if (typeof atMs !== 'number') return false;
    const bornAt = Math.floor(atMs / 1000);
    if (await this.#ended.hasEnded(consent.accountId, bornAt)) return false;
    return !(await this.#endedClients.hasEnded(consent.clientId, bornAt));
  }

  /** @param consent what somebody said no to this time */
  async forget(consent: Consent): Promise<void> {
    await this.#store.remove(KIND, idOf(consent));
  }
}

const canBeRemembered = ({ redirectUri }: Consent) => describeRedirect(redirectUri).kind === 'web';

const idOf = ({ accountId, clientId, redirectUri, resource, scope }: Consent) =>
  JSON.stringify([accountId, clientId, redirectUri, resource, scope.split(' ').sort()]);
