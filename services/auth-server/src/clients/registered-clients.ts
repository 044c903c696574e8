import { createHash, randomBytes } from 'node:crypto';
import { errors, type AdapterPayload } from 'oidc-provider';
import { LIFETIMES } from '../lifetimes.js';
import type { OidcStore } from '../store/oidc-store.js';
import type { StoredRecord } from '../store/sealed-record.js';

const KIND = 'Client';
const KEPT = 'sy_kept';

/** Largest registration that is read. */
export const REGISTRATION_LIMIT_BYTES = 16 * 1024;

/** Clients that have registered themselves (RFC 7591). Those that nobody signs in with go after a day. */
export class RegisteredClients {
  readonly #store: OidcStore;

  constructor(store: OidcStore) {
    this.#store = store;
  }

  async find(clientId: string): Promise<AdapterPayload | undefined> {
    return (await this.#store.find(KIND, clientId))?.record;
  }

  /** Stores a registration. One that is there already stays as it is, for another day where nobody has signed in with it. */
  async register(clientId: string, metadata: StoredRecord): Promise<void> {
    if (await this.#store.create(KIND, clientId, metadata, LIFETIMES.unusedClientMs)) return;
    const found = await this.#store.find(KIND, clientId);
    if (found === undefined || found.record[KEPT] === true) return;
    // Whoever has written meanwhile has done as much, or has kept it.
    await this.#store.replace(KIND, clientId, found.record, found.revision, LIFETIMES.unusedClientMs);
  }

  /** Keeps a registration for as long as nobody removes it. Does nothing where there is none. */
  async keep(clientId: string): Promise<void> {
    const found = await this.#store.find(KIND, clientId);
    if (found === undefined || found.record[KEPT] === true) return;
    await this.#store.write(KIND, clientId, { ...found.record, [KEPT]: true });
  }

  async remove(clientId: string): Promise<void> {
    await this.#store.remove(KIND, clientId);
  }
}

/**
 * Id for a registration. Clients register again whenever they connect, some twice at once: the same request of a client without a secret
 * gets the same id, so that there is one client, and what people have consented to holds for it. With a secret it gets another
 * each time, because nobody else may be given the first one's.
 * @param request the body of the registration request
 * @throws InvalidClientMetadata where that is larger than 16 KiB, which a body need not say beforehand
 */
export function registrationId(request: Readonly<Record<string, unknown>>): string {
  const text = JSON.stringify(request, sortKeys);
  if (text.length > REGISTRATION_LIMIT_BYTES) throw new errors.InvalidClientMetadata('the registration is larger than 16 KiB');
  if (request['token_endpoint_auth_method'] !== 'none') return randomBytes(32).toString('base64url');
  return createHash('sha256').update(text).digest('base64url');
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
