import { LIFETIMES } from '../lifetimes.js';
import type { RevocationRegister } from '../revocation/revocation-register.js';
import type { OidcStore } from '../store/oidc-store.js';

const KIND = 'EndedPerson';

/** People who were signed out everywhere. Whatever began before that moment is dead; signing in again begins anew. */
export class EndedPeople {
  readonly #store: OidcStore;
  readonly #register: RevocationRegister;
  readonly #clock: { now(): number };

  constructor(store: OidcStore, register: RevocationRegister, clock: { now(): number }) {
    this.#store = store;
    this.#register = register;
    this.#clock = clock;
  }

  /** Ends everything that somebody has: sessions, codes, grants and tokens of all kinds. Idempotent. */
  async end(subject: string): Promise<void> {
    const atMs = this.#clock.now();
    // Outlives everything that can have been issued before.
    await this.#store.write(KIND, subject, { atMs }, LIFETIMES.grantMs + 86_400_000);
    await this.#register.revoke({ kind: 'person', id: subject, grantedUntilMs: atMs });
  }

  /** @param bornAtSeconds when what is asked about began, seconds since 1970 */
  async hasEnded(subject: string, bornAtSeconds: number): Promise<boolean> {
    const atMs = (await this.#store.find(KIND, subject))?.record['atMs'];
    return typeof atMs === 'number' && bornAtSeconds <= atMs / 1000;
  }
}
