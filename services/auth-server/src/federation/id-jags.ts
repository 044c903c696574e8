import type { Logger } from '@switchyard/telemetry';
import { LIFETIMES } from '../lifetimes.js';
import type { Origin, SignedInAccount } from '../provider/accounts.js';
import type { EndedPeople } from '../revocation/ended.js';
import type { OidcStore } from '../store/oidc-store.js';
import type { IdJagRefusal } from './id-jag-refusals.js';
import type { IdentityClient, IdJagWanted, SubjectToken } from './identity-client.js';
import { judgeFailure } from './judge-failure.js';
import type { ProviderSession, ProviderSessions } from './provider-sessions.js';
import type { Recheck } from './recheck.js';

const SIGN_IN_WANTED = 'SignInWanted';
/** An ID token is not used any more so long before it ends: the provider may see it later, and by another clock. */
const ALMOST_ENDED_MS = 30_000;

/** An ID-JAG, or why there is none. */
export type IdJagOutcome = { readonly idJag: string } | IdJagRefused;

/** Why there is none. */
export interface IdJagRefused {
  readonly refused: IdJagRefusal;
  /** Error code of the provider, or what did not hold. */
  readonly code: string;
  /** Whether everything that the person had here has ended by it. */
  readonly isGone?: boolean;
}

const refuse = (refused: IdJagRefusal, code: string): IdJagRefused => ({ refused, code });

/** What codes of a provider mean for whoever waits; others are about this gateway. */
const MEANINGS: ReadonlyMap<string, IdJagRefusal> = new Map([
  ['invalid_grant', 'sign_in_again'],
  ['login_required', 'sign_in_again'],
  ['interaction_required', 'sign_in_again'],
  ['consent_required', 'sign_in_again'],
  ['account_selection_required', 'sign_in_again'],
  ['insufficient_user_authentication', 'sign_in_again'],
  ['access_denied', 'provider_refused'],
  ['invalid_target', 'provider_refused'],
  ['invalid_scope', 'provider_refused'],
]);

/**
 * Has identity providers assert people to the authorization servers of upstreams (draft-ietf-oauth-identity-assertion-authz-grant), for what
 * they gave at the sign-in. That never leaves the authorization server; what comes of it does.
 */
export class IdJags {
  readonly #o: IdJagsOptions;

  constructor(o: IdJagsOptions) {
    this.#o = o;
  }

  /** @param client the provider that the person signed in at */
  async obtain(
    account: SignedInAccount & { readonly origin: Origin },
    client: IdentityClient,
    wanted: IdJagWanted,
  ): Promise<IdJagOutcome> {
    const subject = await this.#subjectToken(account, client);
    const outcome = 'refused' in subject ? subject : await this.#exchange(client, subject, wanted);
    if ('refused' in outcome && outcome.refused === 'sign_in_again')
      await this.#o.store.write(SIGN_IN_WANTED, account.subject, {}, LIFETIMES.browserSessionMs);
    return outcome;
  }

  /** Whether somebody has to show their provider who they are, although they are still signed in here. */
  async wantSignInOf(subject: string): Promise<boolean> {
    return (await this.#o.store.find(SIGN_IN_WANTED, subject)) !== undefined;
  }

  /** Somebody has signed in at their provider. */
  async signedIn(subject: string): Promise<void> {
    await this.#o.store.remove(SIGN_IN_WANTED, subject);
  }

  async #subjectToken(
    account: SignedInAccount & { readonly origin: Origin },
    client: IdentityClient,
  ): Promise<SubjectToken | IdJagRefused> {
    const { sessions, ended, recheck } = this.#o;
    const session = await sessions.find(account.subject);
    if (session === undefined) return refuse('sign_in_again', 'nothing_kept');
    if (await ended.hasEnded(account.subject, session.checkedAtMs / 1000)) return refuse('sign_in_again', 'signed_out');
    const standing = this.#idTokenOf(session);
    if (standing !== undefined) return standing;
    if (session.refreshToken === undefined) return refuse('sign_in_again', 'id_token_ended');
    const renewed = await recheck.renew(account, client, session);
    if (renewed === 'gone') return { ...refuse('sign_in_again', 'invalid_grant'), isGone: true };
    if (renewed === 'unknown') return refuse('provider_unavailable', 'unreachable');
    const { refreshToken } = renewed;
    // Not every provider gives an ID token for a refresh (OpenID Connect Core §12.2); those take the refresh token itself (§4.3 of the draft).
    return (
      this.#idTokenOf(renewed) ??
      (refreshToken === undefined ? refuse('sign_in_again', 'id_token_ended') : { text: refreshToken, type: 'refresh_token' })
    );
  }

  #idTokenOf({ idToken }: ProviderSession): SubjectToken | undefined {
    const isGood = idToken !== undefined && idToken.endsAtMs - this.#o.clock.now() > ALMOST_ENDED_MS;
    return isGood ? { text: idToken.text, type: 'id_token' } : undefined;
  }

  async #exchange(client: IdentityClient, subject: SubjectToken, wanted: IdJagWanted): Promise<IdJagOutcome> {
    try {
      const idJag = await client.idJag(subject, wanted);
      return idJag === undefined ? refuse('provider_misconfigured', 'issued_token_type') : { idJag };
    } catch (error) {
      const { kind, code } = judgeFailure(error);
      const refused = MEANINGS.get(code) ?? (kind === 'unavailable' ? 'provider_unavailable' : 'provider_misconfigured');
      const name = client.config.name;
      if (refused !== 'sign_in_again')
        this.#o.log.warn('an identity provider asserted nobody to an upstream', { name, reason: code });
      return refuse(refused, code);
    }
  }
}

interface IdJagsOptions {
  readonly sessions: ProviderSessions;
  readonly recheck: Recheck;
  readonly ended: EndedPeople;
  readonly store: OidcStore;
  readonly clock: { now(): number };
  readonly log: Logger;
}
