import * as oauth from 'oauth4webapi';
import { z } from 'zod';
import type { KnownServers } from '../connections/known-servers.js';
import { scopesOf } from '../upstream-oauth/challenge.js';
import { basicAuthentication } from '../upstream-oauth/client-registration.js';
import type { OAuthHttp } from '../upstream-oauth/oauth-http.js';
import { OAuthProblem } from '../upstream-oauth/oauth-problem.js';
import { problemOf, tokensOf, type Tokens } from '../upstream-oauth/tokens.js';
import { assertionKey } from './assertion-key.js';
import type { ReferenceFiles } from '../reference-files.js';
import { HeldTokens, type HeldToken } from './held-tokens.js';

const optional = z.string().optional();

/** Settings of an upstream of kind `client-credentials`. */
export const serviceSettings = z.object({
  client_id: z.string().min(1),
  client_secret: optional,
  private_key: optional,
  private_key_id: optional,
  assertion_file: optional,
  /** Either, or where tokens are had. */
  issuer: optional,
  token_url: optional,
  scopes: optional,
  resource: z.string(),
});
/** Who the gateway is at an authorization server, and what it asks for. */
export type ServiceSettings = z.output<typeof serviceSettings>;

/** What tokens are asked for with. */
export interface TokenAskingOptions {
  readonly http: OAuthHttp;
  readonly servers: Pick<KnownServers, 'find'>;
  readonly clock: { now(): number };
}

/** What the gateway gets tokens for itself with. */
export interface ServiceTokensOptions extends TokenAskingOptions {
  /** Where the platform leaves what it says of the vault. */
  readonly files: Pick<ReferenceFiles, 'read'>;
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

/** A token is replaced so long before it ends, or, where it is short, in the last fifth of its life. */
const EARLY_MS = 60_000;

/** Tokens that the gateway gets for itself (RFC 6749 section 4.4), one for each upstream. */
export class ServiceTokens {
  readonly #o: ServiceTokensOptions;
  readonly #held: HeldTokens;

  constructor(options: ServiceTokensOptions) {
    this.#o = options;
    this.#held = new HeldTokens(options.clock, (lifetimeMs) => Math.min(EARLY_MS, lifetimeMs / 5));
  }

  /** The token for an upstream, or why there is none. */
  get({ upstream, version, settings, rejected }: ServiceTokenRequest): Promise<HeldToken | OAuthProblem> {
    const fetch = () => this.#fetch(serviceSettings.parse(settings));
    return this.#held.get({ place: upstream, upstream, version, rejected, fetch });
  }

  async #fetch(settings: ServiceSettings): Promise<Tokens | OAuthProblem> {
    const { http, servers } = this.#o;
    const { issuer, token_url: tokenUrl = '', scopes = '', resource } = settings;
    const server = issuer === undefined ? { issuer: tokenUrl, token_endpoint: tokenUrl } : await servers.find(issuer);
    if (server instanceof OAuthProblem) return server;
    const endpoint = server.token_endpoint ?? '';
    if (http.usable(endpoint) === undefined) return noEndpoint(server.issuer);
    const client = { client_id: settings.client_id };
    const assertion = await this.#assertion(settings);
    if (assertion instanceof OAuthProblem) return assertion;
    const parameters = new URLSearchParams({ resource, ...(scopes !== '' && { scope: scopes }), ...assertion });
    const options = {
      [oauth.customFetch]: (url: string, init: RequestInit) => http.fetch(url, init),
      // The http client itself judges which URLs may be asked.
      [oauth.allowInsecureRequests]: endpoint.startsWith('http:'),
    };
    try {
      const response =
        assertion === undefined
          ? await oauth.clientCredentialsGrantRequest(server, client, authenticationOf(settings), parameters, options)
          : await oauth.genericTokenEndpointRequest(server, client, oauth.None(), JWT_BEARER, parameters, options);
      return tokensOf(await oauth.processClientCredentialsResponse(server, client, response), scopesOf(scopes), undefined);
    } catch (error) {
      return problemOf(error, new URL(endpoint).host);
    }
  }

  /** What the platform says of the vault now: it is replaced long before anybody restarts. Undefined where the gateway has a secret or key. */
  async #assertion({ assertion_file: file }: ServiceSettings): Promise<{ assertion: string } | OAuthProblem | undefined> {
    if (file === undefined) return undefined;
    const read = await this.#o.files.read(file);
    return read.ok
      ? { assertion: read.value }
      : new OAuthProblem('client_refused', `The file of the platform's token ${read.problem}`);
  }
}

/** RFC 7523 section 2.1. */
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** RFC 6749 section 2.3.1, or RFC 7523 section 2.2. */
export function authenticationOf({
  client_secret: secret = '',
  private_key: pem,
  private_key_id: kid,
}: ServiceSettings): oauth.ClientAuth {
  if (pem === undefined) return basicAuthentication(secret);
  return oauth.PrivateKeyJwt({ key: assertionKey(pem), ...(kid !== undefined && { kid }) });
}

/** The authorization server cannot be asked. */
export const noEndpoint = (issuer: string) =>
  new OAuthProblem('metadata_missing', `${issuer} names no token endpoint that may be asked from this gateway.`);
