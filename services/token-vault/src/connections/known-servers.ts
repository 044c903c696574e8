import type { AuthorizationServer } from 'oauth4webapi';
import { findServer } from '../upstream-oauth/discover.js';
import type { OAuthHttp } from '../upstream-oauth/oauth-http.js';
import { OAuthProblem } from '../upstream-oauth/oauth-problem.js';

const KEPT_MS = 10 * 60_000;
const LIMIT = 1_000;

/** Metadata of authorization servers by issuer, asked for again after ten minutes. */
export class KnownServers {
  readonly #http: OAuthHttp;
  readonly #find: typeof findServer;
  readonly #clock: { now(): number };
  readonly #known = new Map<string, { readonly server: AuthorizationServer; readonly atMs: number }>();

  /** @param find how they are found: unless told, as those that people are sent to */
  constructor(http: OAuthHttp, clock: { now(): number }, find: typeof findServer = findServer) {
    this.#http = http;
    this.#find = find;
    this.#clock = clock;
  }

  async find(issuer: string): Promise<AuthorizationServer | OAuthProblem> {
    const known = this.#known.get(issuer);
    if (known !== undefined && this.#clock.now() - known.atMs < KEPT_MS) return known.server;
    const server = await this.#find(this.#http, issuer);
    if (server instanceof OAuthProblem) return server;
    if (this.#known.size >= LIMIT) this.#known.clear();
    this.#known.set(issuer, { server, atMs: this.#clock.now() });
    return server;
  }
}
