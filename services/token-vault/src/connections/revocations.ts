import { StateUnavailable, type KvStore } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { SealedTexts } from '../connect/sealed-text.js';
import { KmsUnavailable } from '../kms/kms.js';
import { TenantKeyDestroyed } from '../keyring/keyring.js';
import { registeredClient } from '../upstream-oauth/client-registration.js';
import type { OAuthHttp } from '../upstream-oauth/oauth-http.js';
import { OAuthProblem } from '../upstream-oauth/oauth-problem.js';
import { revokeToken } from '../upstream-oauth/tokens.js';
import type { Connection } from './connection.js';
import type { KnownServers } from './known-servers.js';

const order = z.strictObject({ client: registeredClient, token: z.string() });

const PURPOSE = 'revocation';
const PREFIX = 'revoke ';
const KEPT_MS = 24 * 60 * 60_000;
const EVERY_MS = 30_000;

/** What telling authorization servers stands on. */
export interface RevocationsOptions {
  /** Bucket `connecting`. */
  readonly kv: KvStore;
  readonly sealed: SealedTexts;
  readonly http: OAuthHttp;
  readonly servers: KnownServers;
  readonly log: Logger;
}

/**
 * Tokens that authorization servers are still to be told are not needed any more (RFC 7009): tried at once, then every half minute
 * for a day, by whichever vault is there.
 */
export class Revocations {
  readonly #o: RevocationsOptions;
  readonly #telling = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RevocationsOptions) {
    this.#o = options;
  }

  /** Begins to tell what is left to be told. */
  start(): void {
    this.#begin(this.tellAll());
    this.#timer = setInterval(() => this.#begin(this.tellAll()), EVERY_MS).unref();
  }

  /**
   * Takes down that a connection's grant is to be ended.
   * @returns tells it now, in the background
   * @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable
   */
  async add(connection: Connection): Promise<() => void> {
    // Keys are ended where they were made: nobody can be told.
    if (connection.format !== 1) return () => undefined;
    const { client, refreshToken, accessToken } = connection;
    // The refresh token's end is the access token's too (RFC 7009 §2.1).
    const token = refreshToken ?? accessToken;
    if (token === '') return () => undefined;
    const key = `${PREFIX}${randomBytes(16).toString('base64url')}`;
    const text = await this.#o.sealed.seal(PURPOSE, { client, token }, KEPT_MS);
    await this.#o.kv.put(key, Buffer.from(text), { ttlMs: KEPT_MS });
    return () => this.#begin(this.#tell(key));
  }

  /** Tells what is left to be told. */
  async tellAll(): Promise<void> {
    for (const key of await this.#o.kv.keys(PREFIX)) await this.#tell(key);
  }

  /** Ends after what is under way. Idempotent. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.allSettled(this.#telling);
  }

  #begin(work: Promise<void>): void {
    const settled = work.catch((error: unknown) => this.#report(error)).finally(() => this.#telling.delete(settled));
    this.#telling.add(settled);
  }

  async #tell(key: string): Promise<void> {
    const { kv, sealed, http, servers } = this.#o;
    const entry = await kv.get(key);
    if (entry === undefined) return;
    const wanted = await sealed.open(PURPOSE, Buffer.from(entry.value).toString('utf8'), order);
    if (wanted !== undefined) {
      const server = await servers.find(wanted.client.issuer);
      if (server instanceof OAuthProblem || !(await revokeToken(http, { server, client: wanted.client }, wanted.token))) return;
    }
    await kv.delete(key);
  }

  #report(error: unknown): void {
    const outage = error instanceof StateUnavailable || error instanceof KmsUnavailable || error instanceof TenantKeyDestroyed;
    if (outage) this.#o.log.warn('authorization servers cannot be told of ended connections at the moment', { error });
    else this.#o.log.error('telling authorization servers of ended connections failed', { error });
  }
}
