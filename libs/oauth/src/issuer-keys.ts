import { importJWK, type JWK } from 'jose';

/** The issuer's keys cannot be had, so no token can be judged. Says nothing about the token. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}

/** How an issuer's keys are reached. */
export interface IssuerKeysOptions {
  /** JWK Set document (RFC 7517 §5). */
  readonly jwksUrl: string;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: { now(): number };
  /** Shortest time between two fetches, whatever is asked for. 30 s unless told. */
  readonly cooldownMs?: number;
  /** Age at which known keys are fetched again in the background. 10 min unless told. */
  readonly refreshAfterMs?: number;
  /** Age up to which known keys are used although they cannot be fetched again. 24 h unless told. */
  readonly usableForMs?: number;
  /** Longest wait for the document. 5 s unless told. */
  readonly timeoutMs?: number;
}

/** The public ES256 keys of one issuer, by key id: fetched when needed, at most once per cooldown. */
export class IssuerKeys {
  #keys: ReadonlyMap<string, CryptoKey> = new Map();
  #fetchedAtMs = Number.NEGATIVE_INFINITY;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #failure: unknown;
  #pending: Promise<void> | undefined;
  readonly #options: Required<IssuerKeysOptions>;

  constructor(options: IssuerKeysOptions) {
    this.#options = { cooldownMs: 30_000, refreshAfterMs: 600_000, usableForMs: 86_400_000, timeoutMs: 5_000, ...options };
  }

  /**
   * Finds a key.
   * @returns the key, or undefined where the issuer has none under this id
   * @throws KeysUnavailable when that cannot be known because the keys could not be fetched
   */
  async find(keyId: string): Promise<CryptoKey | undefined> {
    const known = this.#usable() ? this.#keys.get(keyId) : undefined;
    if (known !== undefined) {
      if (this.#age(this.#fetchedAtMs) >= this.#options.refreshAfterMs) void this.#fetch();
      return known;
    }
    await this.#fetch();
    if (this.#failure !== undefined)
      throw new KeysUnavailable('the keys of the issuer could not be fetched', { cause: this.#failure });
    return this.#keys.get(keyId);
  }

  #age(sinceMs: number): number {
    return this.#options.clock.now() - sinceMs;
  }

  #usable(): boolean {
    return this.#age(this.#fetchedAtMs) < this.#options.usableForMs;
  }

  /** Never rejects; callers look at `#failure`. Joins a fetch under way; does nothing within the cooldown of the last one. */
  async #fetch(): Promise<void> {
    if (this.#pending === undefined) {
      if (this.#age(this.#triedAtMs) < this.#options.cooldownMs) return;
      this.#triedAtMs = this.#options.clock.now();
      this.#pending = this.#load().finally(() => (this.#pending = undefined));
    }
    await this.#pending;
  }

  async #load(): Promise<void> {
    try {
      const signal = AbortSignal.timeout(this.#options.timeoutMs);
      const response = await this.#options.fetch(this.#options.jwksUrl, { signal, redirect: 'error' });
      if (!response.ok) throw new Error(`HTTP ${response.status} from ${this.#options.jwksUrl}`);
      this.#keys = await importKeys(await response.json());
      this.#fetchedAtMs = this.#options.clock.now();
      this.#failure = undefined;
    } catch (error) {
      this.#failure = error;
    }
  }
}

/** Public ES256 signing keys of a JWK Set; entries of other kinds are not ours to use. */
async function importKeys(document: unknown): Promise<ReadonlyMap<string, CryptoKey>> {
  if (!isRecord(document) || !Array.isArray(document['keys'])) throw new Error('the JWK Set has no `keys` array');
  const keys = new Map<string, CryptoKey>();
  for (const entry of document['keys'] as unknown[]) {
    if (!isRecord(entry) || entry['kty'] !== 'EC' || entry['crv'] !== 'P-256' || typeof entry['kid'] !== 'string') continue;
    if (entry['use'] !== undefined && entry['use'] !== 'sig') continue;
    const { kty, crv, x, y } = entry as JWK & { kty: string };
    keys.set(entry['kid'], (await importJWK({ kty, crv, x, y } as JWK, 'ES256')) as CryptoKey);
  }
  return keys;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
