import type { Logger } from '@switchyard/telemetry';
import type { Accounts, Origin, SignedInAccount } from '../provider/accounts.js';
import { LIFETIMES } from '../lifetimes.js';
import type { EndedPeople } from '../revocation/ended.js';
import { readIdentity, type Claims } from './identity.js';
import type { IdentityClient, ProviderTokens } from './identity-client.js';
import { judgeFailure } from './judge-failure.js';
import type { ProviderSession, ProviderSessions } from './provider-sessions.js';

/** What stands of somebody: as they are now, or why nothing may be issued for them. */
export type Standing = SignedInAccount | 'gone' | 'unknown';

/** Asks providers, at refresh time, whether people may still sign in. */
export class Recheck {
  readonly #o: RecheckOptions;

  constructor(o: RecheckOptions) {
    this.#o = o;
  }

  async standingOf(account: SignedInAccount & { readonly origin: Origin }, client: IdentityClient): Promise<Standing> {
    const { sessions, clock, afterMs } = this.#o;
    const session = await sessions.find(account.subject);
    // A provider that gave nothing to ask with can only tell by back-channel logout.
    if (session === undefined || clock.now() - session.checkedAtMs < afterMs) return account;
    const asked = await sessions.alone(account.subject, () => this.#ask(account, client));
    // Somebody else is asking: their answer is there at the next refresh.
    return asked ?? account;
  }

  async #ask(account: SignedInAccount & { readonly origin: Origin }, client: IdentityClient): Promise<Standing> {
    const { sessions, clock, afterMs, log } = this.#o;
    const session = await sessions.find(account.subject);
    if (session === undefined || clock.now() - session.checkedAtMs < afterMs) return account;
    try {
      const answer = await askProvider(client, session, account.origin);
      return answer === undefined ? account : await this.#take(account, client, session, answer);
    } catch (error) {
      const { kind, code } = judgeFailure(error);
      // An access token ends by itself, so that it is refused says nothing of the person.
      if (kind === 'refused' && session.refreshToken === undefined) return account;
      if (kind === 'refused' && code === 'invalid_grant') return this.#end(account);
      log.warn('an identity provider could not be asked whether somebody may still sign in', {
        name: account.origin.provider,
        reason: code,
      });
      return clock.now() - session.checkedAtMs < LIFETIMES.providerOutageMs ? account : 'unknown';
    }
  }

  async #take(
    account: SignedInAccount & { readonly origin: Origin },
    client: IdentityClient,
    session: ProviderSession,
    answer: Answer,
  ): Promise<Standing> {
    // First of all: the old refresh token may be spent.
    await this.#o.sessions.write(account.subject, { ...session, ...answer.tokens, checkedAtMs: this.#o.clock.now() });
    const identity = readIdentity({ iss: account.origin.issuer, ...answer.claims }, client.config);
    if ('notAdmitted' in identity) return this.#end(account);
    return this.#o.accounts.rememberIdentity(identity);
  }

  async #end(account: SignedInAccount): Promise<'gone'> {
    await this.#o.ended.end(account.subject);
    await this.#o.sessions.remove(account.subject);
    return 'gone';
  }
}

interface RecheckOptions {
  readonly sessions: ProviderSessions;
  readonly ended: EndedPeople;
  readonly accounts: Accounts;
  readonly clock: { now(): number };
  readonly afterMs: number;
  readonly log: Logger;
}

interface Answer {
  readonly claims: Claims;
  readonly tokens: Omit<ProviderTokens, 'claims'>;
}

async function askProvider(client: IdentityClient, session: ProviderSession, origin: Origin): Promise<Answer | undefined> {
  if (session.refreshToken !== undefined) {
    const { claims, ...tokens } = await client.refresh(session.refreshToken, origin);
    return { claims, tokens };
  }
  const claims = await client.userinfo(session.accessToken, origin);
  return claims && { claims, tokens: { accessToken: session.accessToken } };
}
