import { createHash } from 'node:crypto';
import type { OidcStore } from '../store/oidc-store.js';

/** Somebody who has signed in. */
export interface SignedInAccount {
  /** Stable: equal tenant and address give an equal subject, on every replica and after every restart. */
  readonly subject: string;
  /** Lower case. */
  readonly email: string;
}

/** Who has signed in, by subject. */
export class Accounts {
  readonly #store: OidcStore;
  readonly #tenant: string;

  constructor(store: OidcStore, tenant: string) {
    this.#store = store;
    this.#tenant = tenant;
  }

  /** Remembers somebody. @param email lower case */
  async remember(email: string): Promise<SignedInAccount> {
    const subject = `usr_${createHash('sha256').update(`${this.#tenant}\0${email}`).digest('base64url').slice(0, 22)}`;
    await this.#store.write('Account', subject, { email });
    return { subject, email };
  }

  async find(subject: string): Promise<SignedInAccount | undefined> {
    const email = (await this.#store.find('Account', subject))?.record['email'];
    return typeof email === 'string' ? { subject, email } : undefined;
  }
}
