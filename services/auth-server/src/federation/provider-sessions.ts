import { createHmac } from 'node:crypto';
import { LIFETIMES } from '../lifetimes.js';
import type { OidcStore } from '../store/oidc-store.js';
import type { IdToken } from './identity-client.js';

/** What a provider gave for asking again whether somebody may still sign in, and for having it say elsewhere who they are. */
export interface ProviderSession {
  /** The newest. */
  readonly idToken?: IdToken;
  readonly refreshToken?: string;
  readonly accessToken: string;
  /** When the provider last said yes. */
  readonly checkedAtMs: number;
}

/** The providers' tokens of the people who signed in: one session for each, the newest. */
export class ProviderSessions {
  readonly #store: OidcStore;
  readonly #secret: string;

  /** @param secret records are sealed under their ids, and the id of a person is no secret */
  constructor(store: OidcStore, secret: string) {
    this.#store = store;
    this.#secret = secret;
  }

  async find(subject: string): Promise<ProviderSession | undefined> {
    return (await this.#store.find('ProviderSession', this.#id(subject)))?.record as ProviderSession | undefined;
  }

  async write(subject: string, session: ProviderSession): Promise<void> {
    await this.#store.write('ProviderSession', this.#id(subject), { ...session }, LIFETIMES.grantMs);
  }

  async remove(subject: string): Promise<void> {
    await this.#store.remove('ProviderSession', this.#id(subject));
  }

  /** Lets one replica at a time ask about somebody: a rotated refresh token that is used twice looks stolen to the provider. */
  async alone<T>(subject: string, ask: () => Promise<T>): Promise<T | undefined> {
    if (!(await this.#store.create('ProviderCheck', subject, {}, LIFETIMES.providerCheckMs))) return undefined;
    try {
      return await ask();
    } finally {
      await this.#store.remove('ProviderCheck', subject);
    }
  }

  #id(subject: string): string {
    return createHmac('sha256', this.#secret).update(`provider session\0${subject}`).digest('base64url');
  }
}
