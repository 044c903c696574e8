import { setTimeout as delay } from 'node:timers/promises';
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

/** How often it is looked whether another replica has its answer, and how many times. */
const AGAIN_AFTER_MS = 100;
const MOST_LOOKS = 50;

/** Asks providers, at refresh time, whether people may still sign in. */
export class Recheck {
  readonly #o: RecheckOptions;

  constructor(o: RecheckOptions) {
    this.#o = o;
  }

  async standingOf(account: SignedInAccount & { readonly origin: Origin }, client: IdentityClient): Promise<Standing> {
    const { sessions, clock, afterMs } = this.#o;
    const isDue = ({ checkedAtMs }: ProviderSession) => clock.now() - checkedAtMs >= afterMs;
    const session = await sessions.find(account.subject);
    // A provider that gave nothing to ask with can only tell by back-channel logout.
    if (session === undefined || !isDue(session)) return account;
    const asked = await sessions.alone(account.subject, () => this.#ask(account, client, isDue));
    // Somebody else is asking: their answer is there at the next refresh.
    return asked ?? account;
  }

  /**
   * Has a provider give new tokens for what it gave before.
   * @param seen what it gave before, which is of no use any more; it is asked once for all who have seen the same
   * @returns what it gave; `gone` where it will give nothing any more, `unknown` where it did not answer
   */
  async renew(
    account: SignedInAccount & { readonly origin: Origin },
    client: IdentityClient,
    seen: ProviderSession,
  ): Promise<ProviderSession | 'gone' | 'unknown'> {
    const { sessions } = this.#o;
    const isDue = ({ checkedAtMs }: ProviderSession) => checkedAtMs === seen.checkedAtMs;
    for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
      const asked = await sessions.alone(account.subject, () => this.#ask(account, client, isDue));
      if (asked === 'gone' || asked === 'unknown') return asked;
      const session = await sessions.find(account.subject);
      if (session === undefined) return 'gone';
      if (!isDue(session)) return session;
      if (asked !== undefined) return 'unknown';
      await delay(AGAIN_AFTER_MS);
    }
    return 'unknown';
  }

  async #ask(
    account: SignedInAccount & { readonly origin: Origin },
    client: IdentityClient,
    isDue: (session: ProviderSession) => boolean,
  ): Promise<Standing> {
    const { sessions, clock, log } = this.#o;
    const session = await sessions.find(account.subject);
    if (session === undefined || !isDue(session)) return account;
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
