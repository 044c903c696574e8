import type { EndedPeople } from '../revocation/ended.js';
import { LIFETIMES } from '../lifetimes.js';
import type { GrantRevocations } from '../store/grant-revocations.js';
import type { OidcStore } from '../store/oidc-store.js';
import type { PeopleRegister, PersonSession } from './people-register.js';

const USED = 'GrantUse';

/** A session that has not ended. */
export interface LiveSession extends PersonSession {
  /** When its client last got a token. Tokens live for minutes, so that nothing has to be written when they are used. */
  readonly lastUsedAtMs: number;
}

/** What people have signed in to: kept as it begins, listed as far as it has not ended, and ended. */
export class Sessions {
  readonly #o: SessionsOptions;

  constructor(o: SessionsOptions) {
    this.#o = o;
  }

  /** A client was given tokens. @param begun where that was for the first time */
  async used(subject: string, grantId: string, begun?: PersonSession): Promise<void> {
    const { store, people, clock } = this.#o;
    await Promise.all([
      store.write(USED, grantId, { atMs: clock.now() }, LIFETIMES.grantMs),
      begun === undefined ? undefined : people.addSession(subject, begun),
    ]);
  }

  /** Those that have not ended; the one that was used last first. @returns undefined where nobody of this subject has signed in */
  async list(subject: string): Promise<LiveSession[] | undefined> {
    const record = await this.#o.people.find(subject);
    if (record === undefined) return undefined;
    const live = await Promise.all(record.sessions.map((session) => this.#live(subject, session)));
    return live.filter((session) => session !== undefined).sort((a, b) => b.lastUsedAtMs - a.lastUsedAtMs);
  }

  /** Ends a session of somebody. @returns it, or undefined where they have none of this id */
  async end(subject: string, id: string): Promise<PersonSession | undefined> {
    const session = (await this.#o.people.find(subject))?.sessions.find((one) => one.id === id);
    if (session === undefined || (await this.#live(subject, session)) === undefined) return undefined;
    await this.#o.revocations.revoke(id);
    return session;
  }

  /** Ends all sessions of somebody. @returns false where nobody of this subject has signed in */
  async endAll(subject: string): Promise<boolean> {
    if ((await this.#o.people.find(subject)) === undefined) return false;
    await this.#o.ended.end(subject);
    return true;
  }

  async #live(subject: string, session: PersonSession): Promise<LiveSession | undefined> {
    const { store, revocations, ended, clock } = this.#o;
    if (session.expiresAtMs <= clock.now()) return undefined;
    const [isRevoked, hasEnded, used] = await Promise.all([
      revocations.isRevoked(session.id),
      ended.hasEnded(subject, session.createdAtMs / 1000),
      store.find(USED, session.id),
    ]);
    if (isRevoked || hasEnded) return undefined;
    return { ...session, lastUsedAtMs: Number(used?.record['atMs'] ?? session.createdAtMs) };
  }
}

interface SessionsOptions {
  readonly store: OidcStore;
  readonly people: PeopleRegister;
  readonly revocations: GrantRevocations;
  readonly ended: EndedPeople;
  readonly clock: { now(): number };
}
