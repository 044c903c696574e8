import * as oauth from 'oauth4webapi';
import { scopesOf } from './challenge.js';
import { clientAuthentication, type RegisteredClient } from './client-registration.js';
import type { OAuthHttp } from './oauth-http.js';
import { knownCode, OAuthProblem, unreachableProblem } from './oauth-problem.js';
import { provenFetch } from './proven-fetch.js';
import type { PendingAuthorization } from './authorization.js';

/** What an authorization server gave. */
export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken?: string;
  /** Lifetime from now; absent where the server does not say. */
  readonly lifetimeMs?: number;
  /** What of the scopes asked for was granted; never more than was asked for. */
  readonly scopes: readonly string[];
  /** Whose it is at the upstream, where there was an ID token. */
  readonly subject?: string;
}

/** Longest lifetime that is believed. */
const LONGEST_MS = 400 * 24 * 60 * 60_000;

interface Asking {
  readonly server: oauth.AuthorizationServer;
  readonly client: RegisteredClient;
  /** Private key that the tokens are to be bound to; absent: to none. */
  readonly dpopKey?: string | undefined;
}

function optionsOf(http: OAuthHttp, { server, dpopKey }: Asking, resource: string): oauth.TokenEndpointRequestOptions {
  const fetch = dpopKey === undefined ? http.fetch : provenFetch(http, dpopKey);
  return {
    [oauth.customFetch]: (url, options) => fetch(url, options),
    // The http client itself judges which URLs may be asked.
    [oauth.allowInsecureRequests]: (server.token_endpoint ?? '').startsWith('http:'),
    additionalParameters: { resource },
  };
}

/** Redeems a code (RFC 6749 §4.1.3). @param answer what `checkAnswer` gave */
export function redeemCode(
  http: OAuthHttp,
  pending: PendingAuthorization,
  answer: URLSearchParams,
): Promise<Tokens | OAuthProblem> {
  const { server, client, verifier, resource, scopes } = pending;
  return answered(pending, scopes, undefined, async (clientOf, authentication) => {
    const options = optionsOf(http, pending, resource);
    const { redirectUri } = client;
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      clientOf,
      authentication,
      answer,
      redirectUri,
      verifier,
      options,
    );
    return oauth.processAuthorizationCodeResponse(server, clientOf, response);
  });
}

/** What a refresh is about. */
export interface RefreshRequest extends Asking {
  readonly refreshToken: string;
  readonly resource: string;
  /** What was granted; a refresh can give less of it, never more (RFC 6749 §6). */
  readonly scopes: readonly string[];
  /** Whose it must still be. */
  readonly subject?: string;
}

/** Asks for new tokens (RFC 6749 §6). */
export function refreshTokens(http: OAuthHttp, request: RefreshRequest): Promise<Tokens | OAuthProblem> {
  const { server, refreshToken, resource, scopes, subject } = request;
  return answered(request, scopes, subject, async (clientOf, authentication) => {
    const options = optionsOf(http, request, resource);
    const response = await oauth.refreshTokenGrantRequest(server, clientOf, authentication, refreshToken, options);
    return oauth.processRefreshTokenResponse(server, clientOf, response);
  });
}

/** Tells the server that a token is not needed any more (RFC 7009). @returns whether it need not be told again */
export async function revokeToken(http: OAuthHttp, { server, client }: Asking, token: string): Promise<boolean> {
  if (server.revocation_endpoint === undefined) return true;
  try {
    const response = await oauth.revocationRequest(server, { client_id: client.id }, clientAuthentication(client), token, {
      [oauth.customFetch]: (url, options) => http.fetch(url, options),
      [oauth.allowInsecureRequests]: server.revocation_endpoint.startsWith('http:'),
    });
    // RFC 7009 §2.2.1: 503 asks to come again; whatever else it says, it will say again.
    return response.status < 500;
  } catch {
    return false;
  }
}

type Ask = (client: oauth.Client, authentication: oauth.ClientAuth) => Promise<oauth.TokenEndpointResponse>;

async function answered(
  { server, client, dpopKey }: Asking,
  asked: readonly string[],
  subject: string | undefined,
  ask: Ask,
): Promise<Tokens | OAuthProblem> {
  try {
    const response = await ask({ client_id: client.id }, clientAuthentication(client));
    return tokensOf(response, asked, subject, dpopKey === undefined ? 'bearer' : 'dpop');
  } catch (error) {
    return problemOf(error, new URL(server.issuer).host);
  }
}

/**
 * What a token response holds, where it can be used.
 * @param asked scopes that were asked for
 * @param known whose the token must be
 * @param wanted `dpop` where it is to be bound to a key: one that is not could be used by whoever steals it (RFC 9449 §5)
 */
export function tokensOf(
  response: oauth.TokenEndpointResponse,
  asked: readonly string[],
  known: string | undefined,
  wanted: 'bearer' | 'dpop' = 'bearer',
): Tokens | OAuthProblem {
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: seconds, token_type: type } = response;
  if (type === 'bearer' && wanted === 'dpop') return unusable('is not bound to the key that it was asked for with');
  if (type !== wanted) return unusable('is of a type that this gateway cannot use');
  if (seconds === 0) return unusable('had expired when it came');
  if (!/^[\x21-\x7e]+$/.test(accessToken)) return unusable('cannot stand in a header field');
  const subject = oauth.getValidatedIdTokenClaims(response)?.sub;
  if (known !== undefined && subject !== undefined && subject !== known) return unusable('is about somebody else');
  const granted = response.scope === undefined ? asked : scopesOf(response.scope);
  return {
    accessToken,
    ...(refreshToken !== undefined && { refreshToken }),
    ...(seconds !== undefined && { lifetimeMs: Math.min(seconds * 1000, LONGEST_MS) }),
    // Nothing was asked for: all that was granted is what the server chose.
    scopes: asked.length === 0 ? granted : granted.filter((scope) => asked.includes(scope)),
    ...(subject !== undefined && { subject }),
  };
}

const unusable = (why: string) =>
  new OAuthProblem('token_unusable', `The token that the upstream's authorization server gave ${why}.`);

// An error's cause holds the whole answer, and so perhaps tokens: it is neither kept nor logged.
export function problemOf(error: unknown, host: string): OAuthProblem {
  if (error instanceof oauth.ResponseBodyError || error instanceof oauth.WWWAuthenticateChallengeError) {
    if (error.status >= 500 || error.status === 429) return unreachableProblem(host);
    const code = error instanceof oauth.ResponseBodyError ? knownCode(error.error) : 'invalid_client';
    if (code === 'invalid_grant') return new OAuthProblem('grant_ended', `${host} has ended this connection.`, code);
    const refused = code === 'invalid_client' || code === 'unauthorized_client' ? 'client_refused' : 'token_refused';
    return new OAuthProblem(refused, `${host} gave no token${code === '' ? '' : ` (${code})`}.`, code);
  }
  if (error instanceof oauth.OperationProcessingError || error instanceof oauth.UnsupportedOperationError)
    return judged(error, host);
  return unreachableProblem(host);
}

function judged(error: { readonly code?: string; readonly cause?: unknown }, host: string): OAuthProblem {
  const status = (error.cause as { status?: unknown } | undefined)?.status;
  if (typeof status === 'number' && status >= 500) return unreachableProblem(host);
  return unusable('is not one that this gateway can use');
}
