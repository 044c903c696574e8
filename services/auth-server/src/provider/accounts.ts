import { createHash } from 'node:crypto';
import type { Identity } from '../federation/identity.js';
import type { OidcStore } from '../store/oidc-store.js';

/** Somebody who has signed in. */
export interface SignedInAccount {
  /** Stable: equal tenant, issuer and subject give an equal one, on every replica and after every restart. */
  readonly subject: string;
  /** What people call them. */
  readonly name: string;
  /** Lower case; only one that is known to be theirs. */
  readonly email?: string;
  /** Values of the provider's teams claim. */
  readonly claims: readonly string[];
  /** Who vouches for them; absent: they signed in for development, where nobody does. */
  readonly origin?: Origin;
}

/** Who somebody is at their identity provider. */
export interface Origin {
  /** Name of the provider in the configuration. */
  readonly provider: string;
  readonly issuer: string;
  readonly subject: string;
}

/** Who has signed in, by subject. */
export class Accounts {
  readonly #store: OidcStore;
  readonly #tenant: string;

  constructor(store: OidcStore, tenant: string) {
    this.#store = store;
    this.#tenant = tenant;
  }

  /** Remembers somebody who signed in for development. @param email lower case */
  async remember(email: string): Promise<SignedInAccount> {
    const subject = subjectOf(`${this.#tenant}\0${email}`);
    await this.#store.write('Account', subject, { email });
    return { subject, email, name: email, claims: [] };
  }

  /** Remembers somebody whom an identity provider vouches for, as they are now. */
  async rememberIdentity({ provider, issuer, subject: idpSubject, ...facts }: Identity): Promise<SignedInAccount> {
    const origin = { provider, issuer, subject: idpSubject };
    const subject = this.subjectAt(issuer, idpSubject);
    await this.#store.write('Account', subject, { ...facts, origin });
    return { subject, ...facts, origin };
  }

  /** Our subject of somebody at an identity provider: nothing that can change about a person is part of it. */
  subjectAt(issuer: string, idpSubject: string): string {
    return subjectOf(JSON.stringify([this.#tenant, issuer, idpSubject]));
  }

  async find(subject: string): Promise<SignedInAccount | undefined> {
    const record = (await this.#store.find('Account', subject))?.record as Partial<SignedInAccount> | undefined;
    if (record === undefined) return undefined;
    const { email, name = email ?? subject, claims = [], origin } = record;
    return { subject, name, claims, ...(email === undefined ? {} : { email }), ...(origin === undefined ? {} : { origin }) };
  }
}

const subjectOf = (text: string) => `usr_${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`;
