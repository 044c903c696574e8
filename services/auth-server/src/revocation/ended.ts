import { LIFETIMES } from '../lifetimes.js';
import type { OidcStore } from '../store/oidc-store.js';
import type { RevocationRegister } from './revocation-register.js';

/** Whom everything may be taken from at once, and what their records are called. */
const KINDS = { person: 'EndedPerson', client: 'EndedClient' } as const;
type Kind = keyof typeof KINDS;

/**
 * Those from whom everything was taken at once: people who were signed out everywhere, clients that were taken away. Whatever they had before
 * that moment is dead; who signs in again begins anew, and a client that comes back under its id gets nothing of it.
 */
export class Ended<K extends Kind> {
  /** Tells people's from clients'. */
  readonly kind: K;
  readonly #store: OidcStore;
  readonly #register: RevocationRegister;
  readonly #clock: { now(): number };

  constructor(kind: K, store: OidcStore, register: RevocationRegister, clock: { now(): number }) {
    this.kind = kind;
    this.#store = store;
    this.#register = register;
    this.#clock = clock;
  }

  /** Ends everything that somebody has, or that a client was given: sessions, codes, grants and tokens of all kinds. Idempotent. */
  async end(id: string): Promise<void> {
    const atMs = this.#clock.now();
    // Outlives everything that can have been issued before.
    await this.#store.write(KINDS[this.kind], id, { atMs }, LIFETIMES.grantMs + 86_400_000);
    await this.#register.revoke({ kind: this.kind, id, grantedUntilMs: atMs });
  }

  /** @param bornAtSeconds when what is asked about began, seconds since 1970 */
  async hasEnded(id: string, bornAtSeconds: number): Promise<boolean> {
    const atMs = (await this.#store.find(KINDS[this.kind], id))?.record['atMs'];
    return typeof atMs === 'number' && bornAtSeconds <= atMs / 1000;
  }
}

/** People who were signed out everywhere, by subject. */
export type EndedPeople = Ended<'person'>;
/** Clients that were taken away, by id. */
export type EndedClients = Ended<'client'>;
