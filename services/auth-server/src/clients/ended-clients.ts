import { LIFETIMES } from '../lifetimes.js';
import type { RevocationRegister } from '../revocation/revocation-register.js';
import type { OidcStore } from '../store/oidc-store.js';

const KIND = 'EndedClient';

/**
 * Clients that were taken away. Whatever they were given before that moment is dead, also where one comes back under the same id:
 * an equal registration gets it again, and a configured one has whatever id it is given.
 */
export class EndedClients {
  readonly #store: OidcStore;
  readonly #register: RevocationRegister;
  readonly #clock: { now(): number };

  constructor(store: OidcStore, register: RevocationRegister, clock: { now(): number }) {
    this.#store = store;
    this.#register = register;
    this.#clock = clock;
  }

  /** Ends everything that was given to a client: codes, grants and tokens of all kinds, and what people have consented to. Idempotent. */
  async end(clientId: string): Promise<void> {
    const atMs = this.#clock.now();
    // Outlives everything that can have been issued before.
    await this.#store.write(KIND, clientId, { atMs }, LIFETIMES.grantMs + 86_400_000);
    await this.#register.revoke({ kind: 'client', id: clientId, grantedUntilMs: atMs });
  }

  /** @param bornAtSeconds when what is asked about began, seconds since 1970 */
  async hasEnded(clientId: string, bornAtSeconds: number): Promise<boolean> {
    const atMs = (await this.#store.find(KIND, clientId))?.record['atMs'];
    return typeof atMs === 'number' && bornAtSeconds <= atMs / 1000;
  }
}
