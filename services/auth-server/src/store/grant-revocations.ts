import { LIFETIMES } from '../lifetimes.js';
import type { OidcStore } from './oidc-store.js';

/**
 * Revoked grants. A grant ends by one write, its tombstone; everything that was issued under it looks for the tombstone when it
 * is used, so a whole family of tokens dies at once however many there are.
 */
export class GrantRevocations {
  readonly #store: OidcStore;
  readonly #onRevoked: (grantId: string) => void;

  /** @param onRevoked told once of every grant that ends */
  constructor(store: OidcStore, onRevoked: (grantId: string) => void) {
    this.#store = store;
    this.#onRevoked = onRevoked;
  }

  async isRevoked(grantId: string): Promise<boolean> {
    return (await this.#store.find('RevokedGrant', grantId)) !== undefined;
  }

  /** Idempotent. */
  async revoke(grantId: string): Promise<void> {
    // The tombstone outlives everything that can have been issued under the grant.
    const first = await this.#store.create('RevokedGrant', grantId, {}, LIFETIMES.grantMs + 86_400_000);
    if (first) this.#onRevoked(grantId);
  }
}
