import * as oauth from 'oauth4webapi';
import { z } from 'zod';
import type { KnownServers } from '../connections/known-servers.js';
import { scopesOf } from '../upstream-oauth/challenge.js';
import type { OAuthHttp } from '../upstream-oauth/oauth-http.js';
import { OAuthProblem } from '../upstream-oauth/oauth-problem.js';
import { problemOf, tokensOf, type Tokens } from '../upstream-oauth/tokens.js';
import { assertionKey } from './assertion-key.js';

const optional = z.string().optional();

/** Settings of an upstream of kind `client-credentials`. */
export const serviceSettings = z.object({
  client_id: z.string().min(1),
  client_secret: optional,
  private_key: optional,
  private_key_id: optional,
  /** Either, or where tokens are had. */
  issuer: optional,
  token_url: optional,
  scopes: optional,
  resource: z.string(),
});
type ServiceSettings = z.output<typeof serviceSettings>;

/** What the gateway gets tokens for itself with. */
export interface ServiceTokensOptions {
  readonly http: OAuthHttp;
  readonly servers: Pick<KnownServers, 'find'>;
  readonly clock: { now(): number };
}

/** Which token is wanted. */
export interface ServiceTokenRequest {
  readonly upstream: string;
  /** Of what it is made from: another one means another token. */
  readonly version: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Version of the token that the upstream has just refused; empty where it refused none. */
  readonly rejected: string;
}

/** A token of the gateway's own. */
export interface ServiceToken {
  readonly accessToken: string;
  readonly version: string;
  /** It is not to be used without asking again after this. */
  readonly untilMs: number;
}

interface Held {
  readonly accessToken: string;
  readonly version: string;
  readonly obtainedAtMs: number;
  /** From when on the next one is asked for, while this one is still used. */
  readonly dueAtMs: number;
  readonly expiresAtMs: number;
}

interface Place {
  readonly version: string;
  held: Held | undefined;
  flight: Promise<Held | OAuthProblem> | undefined;
  failure: { readonly problem: OAuthProblem; readonly untilMs: number } | undefined;
}

/** Where the server does not say how long a token lasts. */
const UNTOLD_MS = 5 * 60_000;
/** A token is replaced so long before it ends, or, where it is short, in the last fifth of its life. */
const EARLY_MS = 60_000;
/** A token this young that is refused is not refused for its age: asking again would be a loop. */
const YOUNG_MS = 30_000;
/** What could not be had is not asked for again for so long. */
const REST_MS = 5_000;

/**
 * Tokens that the gateway gets for itself (RFC 6749 section 4.4), one for each upstream: kept in memory, asked for once by all who need
 * one, and replaced before they end.
 */
export class ServiceTokens {
  readonly #o: ServiceTokensOptions;
  readonly #places = new Map<string, Place>();

  constructor(options: ServiceTokensOptions) {
    this.#o = options;
  }

  /** The token for an upstream, or why there is none. */
  async get(request: ServiceTokenRequest): Promise<ServiceToken | OAuthProblem> {
    const place = this.#place(request);
    const now = this.#o.clock.now();
    const { held, failure } = place;
    const rejected = held !== undefined && held.version === request.rejected;
    if (rejected && now - held.obtainedAtMs < YOUNG_MS) return refusesIt(request.upstream);
    if (held !== undefined && !rejected && held.expiresAtMs > now) {
      // Whoever calls now is not kept waiting for what later calls will need.
      if (held.dueAtMs <= now && (failure?.untilMs ?? 0) <= now) void this.#ask(place, request);
      return { ...held, untilMs: held.dueAtMs > now ? held.dueAtMs : Math.min(held.expiresAtMs, now + REST_MS) };
    }
    if (failure !== undefined && failure.untilMs > now) return failure.problem;
    const got = await this.#ask(place, request);
    return got instanceof OAuthProblem ? got : { ...got, untilMs: got.dueAtMs };
  }

  #place({ upstream, version }: ServiceTokenRequest): Place {
    const known = this.#places.get(upstream);
    if (known?.version === version) return known;
    const place: Place = { version, held: undefined, flight: undefined, failure: undefined };
    this.#places.set(upstream, place);
    return place;
  }

  /** Never rejects. */
  #ask(place: Place, request: ServiceTokenRequest): Promise<Held | OAuthProblem> {
    place.flight ??= this.#settle(place, request).finally(() => (place.flight = undefined));
    return place.flight;
  }

  async #settle(place: Place, { version, settings }: ServiceTokenRequest): Promise<Held | OAuthProblem> {
    const got = await this.#fetch(serviceSettings.parse(settings));
    const now = this.#o.clock.now();
    if (got instanceof OAuthProblem) {
      place.failure = { problem: got, untilMs: now + REST_MS };
      return got;
    }
    const { accessToken, lifetimeMs = UNTOLD_MS } = got;
    const dueAtMs = now + lifetimeMs - Math.min(EARLY_MS, lifetimeMs / 5);
    place.failure = undefined;
    place.held = {
      accessToken,
      version: `${version}.${now.toString(36)}`,
      obtainedAtMs: now,
      dueAtMs,
      expiresAtMs: now + lifetimeMs,
    };
    return place.held;
  }

  async #fetch(settings: ServiceSettings): Promise<Tokens | OAuthProblem> {
    const { http, servers } = this.#o;
    const { issuer, token_url: tokenUrl = '', scopes = '', resource } = settings;
    const server = issuer === undefined ? { issuer: tokenUrl, token_endpoint: tokenUrl } : await servers.find(issuer);
    if (server instanceof OAuthProblem) return server;
    const endpoint = server.token_endpoint ?? '';
    if (http.usable(endpoint) === undefined) return noEndpoint(server.issuer);
    const client = { client_id: settings.client_id };
    const parameters = new URLSearchParams({ resource, ...(scopes !== '' && { scope: scopes }) });
    try {
      const response = await oauth.clientCredentialsGrantRequest(server, client, authenticationOf(settings), parameters, {
        [oauth.customFetch]: (url, options) => http.fetch(url, options),
        // The http client itself judges which URLs may be asked.
        [oauth.allowInsecureRequests]: endpoint.startsWith('http:'),
      });
      return tokensOf(await oauth.processClientCredentialsResponse(server, client, response), scopesOf(scopes), undefined);
    } catch (error) {
      return problemOf(error, new URL(endpoint).host);
    }
  }
}

/** RFC 6749 section 2.3.1, or RFC 7523 section 2.2. */
function authenticationOf({
  client_secret: secret = '',
  private_key: pem,
  private_key_id: kid,
}: ServiceSettings): oauth.ClientAuth {
  if (pem === undefined) return oauth.ClientSecretBasic(secret);
  return oauth.PrivateKeyJwt({ key: assertionKey(pem), ...(kid !== undefined && { kid }) });
}

const refusesIt = (upstream: string) =>
  new OAuthProblem('token_refused', `${upstream} refuses the token that its authorization server has just given this gateway.`);

const noEndpoint = (issuer: string) =>
  new OAuthProblem('metadata_missing', `${issuer} names no token endpoint that may be asked from this gateway.`);
