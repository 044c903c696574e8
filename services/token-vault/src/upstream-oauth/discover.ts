import type { AuthorizationServer } from 'oauth4webapi';
import { DPOP_ALGORITHM, readChallenge, type Challenge } from './challenge.js';
import type { OAuthHttp } from './oauth-http.js';
import { OAuthProblem } from './oauth-problem.js';

/** What an upstream and its authorization server say of themselves. */
export interface Discovered {
  /** The upstream as its metadata spell it: goes into every request as it stands (RFC 8707 §2). */
  readonly resource: string;
  readonly server: AuthorizationServer;
  /** Scopes that the upstream asked for, when it was asked without a token. */
  readonly challengeScopes: readonly string[];
  /** Scopes that the upstream's metadata list. */
  readonly resourceScopes: readonly string[];
  /** Whether the upstream takes tokens that are bound to a key of ours (RFC 9449), and whether no others. */
  readonly bound: 'no' | 'taken' | 'only';
}

interface ResourceFound {
  readonly resource: string;
  readonly issuers: readonly string[];
  readonly scopes: readonly string[];
  readonly bound: Discovered['bound'];
}

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
const textOrNone = (path: string) => (path === '/' ? '' : path.replace(/\/$/, ''));

/**
 * Finds an upstream's authorization server: protected-resource metadata by challenge, in path form, at the root (RFC 9728 §3, §5);
 * then the authorization server's own, in every order (RFC 8414 §3, OpenID Connect Discovery §4). Documents that speak of another
 * resource or issuer than was asked for are not used.
 * @param o.url the upstream's MCP endpoint
 * @param o.challenge what the upstream said, where it is known; else it is asked
 * @param o.issuer the one that the gateway is registered with, where the configuration says so
 */
export async function discover(
  http: OAuthHttp,
  o: { readonly url: string; readonly challenge?: Challenge; readonly issuer?: string },
): Promise<Discovered | OAuthProblem> {
  const url = http.usable(o.url);
  if (url === undefined) return refusedUrl('The upstream');
  const challenge = o.challenge ?? (await askWithoutToken(http, url));
  if (challenge instanceof OAuthProblem) return challenge;
  const found = await findResource(http, url, challenge);
  if (found instanceof OAuthProblem) return found;
  const issuer = chooseIssuer(found.issuers, o.issuer);
  if (issuer instanceof OAuthProblem) return issuer;
  const server = await findServer(http, issuer);
  if (server instanceof OAuthProblem) return server;
  const { resource, scopes: resourceScopes } = found;
  const bound = found.bound === 'only' ? 'only' : (challenge.bound ?? found.bound);
  return { resource, server, challengeScopes: challenge.scopes ?? [], resourceScopes, bound };
}

/** `ping` makes no session and changes nothing, whatever the upstream thinks of it. */
async function askWithoutToken(http: OAuthHttp, url: URL): Promise<Challenge | OAuthProblem> {
  const response = await http.answerOf(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
  });
  if (response instanceof OAuthProblem) return response;
  return response.status === 401 ? readChallenge(response.headers.get('www-authenticate')) : {};
}

async function findResource(http: OAuthHttp, url: URL, challenge: Challenge): Promise<ResourceFound | OAuthProblem> {
  const wellKnown = '/.well-known/oauth-protected-resource';
  const path = textOrNone(url.pathname);
  const places = [challenge.resourceMetadata, `${url.origin}${wellKnown}${path}`, `${url.origin}${wellKnown}`];
  for (const place of new Set(places)) {
    const at = http.usable(place);
    if (at === undefined) continue;
    const answer = await http.json(at);
    if (answer instanceof OAuthProblem) return answer;
    if (answer.status !== 200 || answer.body === undefined) continue;
    const { resource, authorization_servers: issuers, scopes_supported: scopes } = answer.body;
    if (!speaksOf(resource, url)) {
      const message = `The metadata of ${url.host} are about another server than the one that this gateway is configured for.`;
      return new OAuthProblem('resource_mismatch', message);
    }
    return { resource, issuers: texts(issuers), scopes: texts(scopes), bound: boundOf(answer.body) };
  }
  // MCP 2025-03-26 had no protected-resource metadata: the upstream is its own authorization server.
  return { resource: url.href, issuers: [url.origin], scopes: [], bound: 'no' };
}

/** What protected-resource metadata say of tokens that are bound to a key (RFC 9728 §2). */
function boundOf(metadata: Readonly<Record<string, unknown>>): Discovered['bound'] {
  if (metadata['dpop_bound_access_tokens_required'] === true) return 'only';
  return texts(metadata['dpop_signing_alg_values_supported']).includes(DPOP_ALGORITHM) ? 'taken' : 'no';
}

/** Whether metadata are those of this URL: the resource is it, or what it is a part of on the same origin. */
function speaksOf(resource: unknown, url: URL): resource is string {
  const named = typeof resource === 'string' ? URL.parse(resource) : null;
  if (named === null || named.hash !== '' || named.origin !== url.origin) return false;
  const [whole, part] = [`${textOrNone(named.pathname)}/`, `${textOrNone(url.pathname)}/`];
  return part.startsWith(whole);
}

function chooseIssuer(issuers: readonly string[], registered: string | undefined): string | OAuthProblem {
  const issuer = registered === undefined ? issuers[0] : issuers.find((one) => one === registered);
  if (issuer !== undefined) return issuer;
  if (registered === undefined) return new OAuthProblem('metadata_missing', 'The upstream names no authorization server.');
  const message = 'The upstream names another authorization server than the one that this gateway is registered with.';
  return new OAuthProblem('issuer_changed', `${message} Whoever runs the gateway must look at its configuration.`);
}

/**
 * Finds the metadata of an authorization server.
 * @returns only what can be used: S256 is offered, and the endpoints may be asked
 */
export async function findServer(http: OAuthHttp, issuer: string): Promise<AuthorizationServer | OAuthProblem> {
  const server = await findMetadata(http, issuer);
  return server instanceof OAuthProblem ? server : usableServer(http, server);
}

/** The same, whatever it offers: nobody is sent to it, and its endpoints are still to be judged. */
export async function findMetadata(http: OAuthHttp, issuer: string): Promise<AuthorizationServer | OAuthProblem> {
  const url = http.usable(issuer);
  if (url === undefined || url.search !== '') return refusedUrl("The upstream's authorization server");
  let mismatch = false;
  for (const place of serverMetadataUrls(url)) {
    const answer = await http.json(new URL(place));
    if (answer instanceof OAuthProblem) return answer;
    if (answer.status !== 200 || answer.body === undefined) continue;
    // RFC 8414 §3.3: compared as text, and a document of somebody else is not used.
    if (answer.body['issuer'] === issuer) return answer.body as unknown as AuthorizationServer;
    mismatch = true;
  }
  if (mismatch) {
    const message = `The metadata of ${url.host} name another issuer than ${url.host}, so they cannot be trusted.`;
    return new OAuthProblem('issuer_mismatch', message);
  }
  return new OAuthProblem(
    'metadata_missing',
    `${url.host} does not say how to connect: it has no authorization server metadata.`,
  );
}

function serverMetadataUrls({ origin, pathname }: URL): string[] {
  const path = textOrNone(pathname);
  const [oauth, openId] = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'];
  const places = [`${origin}${oauth}${path}`, `${origin}${openId}${path}`, `${origin}${path}${openId}`];
  return [...new Set(places)];
}

function usableServer(http: OAuthHttp, server: AuthorizationServer): AuthorizationServer | OAuthProblem {
  // RFC 8414 says nothing by leaving it out; MCP (Authorization, "Authorization Code Protection") demands to refuse then.
  if (!texts(server.code_challenge_methods_supported).includes('S256')) {
    const message = 'The authorization server of the upstream does not offer PKCE with S256, without which it is not used.';
    return new OAuthProblem('pkce_unsupported', message);
  }
  for (const endpoint of ['authorization_endpoint', 'token_endpoint', 'registration_endpoint', 'revocation_endpoint'] as const) {
    const needed = endpoint === 'authorization_endpoint' || endpoint === 'token_endpoint';
    if (server[endpoint] === undefined && !needed) continue;
    if (http.usable(server[endpoint]) === undefined) return refusedUrl("An endpoint of the upstream's authorization server");
  }
  return server;
}

const refusedUrl = (what: string) => new OAuthProblem('url_refused', `${what} is not at an https URL, so it is not used.`);
