import { Provider, type KoaContextWithOIDC } from 'oidc-provider';
import { LIFETIMES } from '../lifetimes.js';
import type { RevocationRegister } from '../revocation/revocation-register.js';
import type { OidcStore } from './oidc-store.js';

/** Told of a grant that ended, and of the request that ended it. */
export type OnRevoked = (grantId: string, ctx: KoaContextWithOIDC) => void;

const REMEMBERED = 1_000;

/**
 * Revoked grants. A grant ends by one write, its tombstone; what was issued under it and is used here looks for the tombstone, so a whole
 * family of tokens dies at once however many there are. Access tokens are used elsewhere, where the register tells of it.
 */
export class GrantRevocations {
  readonly #store: OidcStore;
  readonly #register: RevocationRegister;
  readonly #onRevoked: OnRevoked;
  /** The latest, by grant. oidc-provider ends a grant once for each kind of what was issued under it, and what has ended stays so. */
  readonly #ending = new Map<string, Promise<void>>();

  /** @param onRevoked told once of every grant that ends */
  constructor(store: OidcStore, register: RevocationRegister, onRevoked: OnRevoked) {
    this.#store = store;
    this.#register = register;
    this.#onRevoked = onRevoked;
  }

  async isRevoked(grantId: string): Promise<boolean> {
    return (await this.#store.find('RevokedGrant', grantId)) !== undefined;
  }

  /** Idempotent. @param ctx the request that ends it; the one that oidc-provider is at work on unless told */
  revoke(grantId: string, ctx: KoaContextWithOIDC | undefined = Provider.ctx): Promise<void> {
    const known = this.#ending.get(grantId);
    if (known !== undefined) return known;
    const ending = this.#end(grantId, ctx);
    this.#ending.set(grantId, ending);
    // What could not be ended is tried again.
    ending.catch(() => this.#ending.delete(grantId));
    const [oldest = ''] = this.#ending.keys();
    if (this.#ending.size > REMEMBERED) this.#ending.delete(oldest);
    return ending;
  }

  async #end(grantId: string, ctx: KoaContextWithOIDC | undefined): Promise<void> {
    const [first] = await Promise.all([
      // The tombstone outlives everything that can have been issued under the grant.
      this.#store.create('RevokedGrant', grantId, {}, LIFETIMES.grantMs + 86_400_000),
      // Also where somebody else was first: they may not have come this far.
      this.#register.revoke({ kind: 'grant', id: grantId }),
    ]);
    if (first && ctx !== undefined) this.#onRevoked(grantId, ctx);
  }
}
