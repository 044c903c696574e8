import * as oauth from 'oauth4webapi';
import { OAuthProblem } from '../upstream-oauth/oauth-problem.js';
import { problemOf, type Tokens } from '../upstream-oauth/tokens.js';
import { authenticationOf, noEndpoint, type ServiceSettings, type TokenAskingOptions } from './service-tokens.js';

/** What a token is asked for with, as the client that the gateway is there. */
export interface TokenRequest {
  readonly settings: ServiceSettings & { readonly issuer: string };
  readonly grant: string;
  /** What it is shown about whoever calls, as they are told where it is not accepted. */
  readonly shown: string;
  /** Made once it is known that there is somebody to ask. */
  readonly parameters: () => Promise<URLSearchParams | OAuthProblem>;
  /** What the answer holds. @param host of the token endpoint */
  readonly read: (answer: oauth.TokenEndpointResponse, host: string) => Tokens | OAuthProblem;
}

/** Asks the authorization server of an upstream for a token. @throws what `parameters` throws */
export async function requestToken(
  { http, servers }: Pick<TokenAskingOptions, 'http' | 'servers'>,
  { settings, grant, shown, parameters: make, read }: TokenRequest,
): Promise<Tokens | OAuthProblem> {
  const { issuer, token_url: tokenUrl, client_id: id } = settings;
  const server = tokenUrl === undefined ? await servers.find(issuer) : { issuer, token_endpoint: tokenUrl };
  if (server instanceof OAuthProblem) return server;
  const endpoint = server.token_endpoint ?? '';
  if (http.usable(endpoint) === undefined) return noEndpoint(server.issuer);
  const parameters = await make();
  if (parameters instanceof OAuthProblem) return parameters;
  const { host } = new URL(endpoint);
  try {
    const client = { client_id: id };
    const response = await oauth.genericTokenEndpointRequest(server, client, authenticationOf(settings), grant, parameters, {
      [oauth.customFetch]: (url, options) => http.fetch(url, options),
      // The http client itself judges which URLs may be asked.
      [oauth.allowInsecureRequests]: endpoint.startsWith('http:'),
    });
    return read(await oauth.processGenericTokenEndpointResponse(server, client, response), host);
  } catch (error) {
    return refusalOf(problemOf(error, host), host, shown);
  }
}

/** There is no connection that could have ended: it is what was shown that is not accepted. */
const refusalOf = (problem: OAuthProblem, host: string, shown: string): OAuthProblem =>
  problem.reason === 'grant_ended'
    ? new OAuthProblem('token_refused', `${host} does not accept ${shown} (${problem.code}).`, problem.code)
    : problem;
