import * as oauth from 'oauth4webapi';
import { DpopKey } from '@switchyard/oauth';
import { z } from 'zod';
import { registeredClient, type RegisteredClient } from './client-registration.js';
import type { Discovered } from './discover.js';
import { knownCode, OAuthProblem } from './oauth-problem.js';
import type { UpstreamSettings } from './upstream-settings.js';

/** An authorization that was asked for, as it is remembered until its answer comes. */
export const pendingAuthorization = z.strictObject({
  state: z.string(),
  verifier: z.string(),
  resource: z.string(),
  scopes: z.array(z.string()),
  client: registeredClient,
  /** Private key that its tokens are to be bound to, where they are. */
  dpopKey: z.string().optional(),
  /** Metadata of the authorization server as they were when it was asked: an answer is judged by them. */
  server: z.custom<oauth.AuthorizationServer>((value) => typeof (value as { issuer?: unknown } | null)?.issuer === 'string'),
});
export type PendingAuthorization = z.infer<typeof pendingAuthorization>;

/**
 * Scopes to ask for: the configuration's; else what the upstream asked for just now; else all that it lists; else none (MCP
 * Authorization, "Scope Selection Strategy"). With them what was granted or asked for before, so that nothing is lost, and
 * `offline_access` where the server knows it.
 */
export function scopesToAsk(found: Discovered, settings: UpstreamSettings, before: readonly string[] = []): string[] {
  const listed = found.challengeScopes.length > 0 ? found.challengeScopes : found.resourceScopes;
  const scopes = [...new Set([...(settings.scopes ?? listed), ...before])];
  const offline = scopes.length > 0 && found.server.scopes_supported?.includes('offline_access') === true;
  return [...new Set(offline ? [...scopes, 'offline_access'] : scopes)];
}

/** Begins an authorization. @param o.dpopKey private key that the tokens are to be bound to @returns what to remember, and where to send the browser */
export async function beginAuthorization(
  { server, resource }: Pick<Discovered, 'server' | 'resource'>,
  client: RegisteredClient,
  o: {
    readonly scopes: readonly string[];
    readonly authorizeParameters: Readonly<Record<string, string>>;
    readonly dpopKey?: string | undefined;
  },
): Promise<{ readonly pending: PendingAuthorization; readonly url: URL }> {
  const [state, verifier] = [oauth.generateRandomState(), oauth.generateRandomCodeVerifier()];
  const url = new URL(server.authorization_endpoint ?? '');
  const { dpopKey } = o;
  const parameters = {
    // OpenID Connect Core §11: without a prompt for consent, `offline_access` is ignored.
    ...(o.scopes.includes('offline_access') && { prompt: 'consent' }),
    ...o.authorizeParameters,
    response_type: 'code',
    client_id: client.id,
    redirect_uri: client.redirectUri,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    resource,
    // RFC 9449 §10: whoever steals the code cannot redeem it with a key of their own.
    ...(dpopKey !== undefined && { dpop_jkt: (await DpopKey.from(dpopKey)).thumbprint }),
    ...(o.scopes.length > 0 && { scope: o.scopes.join(' ') }),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  const bound = dpopKey === undefined ? {} : { dpopKey };
  return { url, pending: { state, verifier, resource, scopes: [...o.scopes], client, server, ...bound } };
}

/**
 * Checks what came back: `state`, `iss` as text (RFC 9207 §2.4), and that it is no error.
 * @param query of the address that the browser was sent back to
 * @returns the parameters for the token request
 */
export function checkAnswer(pending: PendingAuthorization, query: URLSearchParams): URLSearchParams | OAuthProblem {
  const { server, client, state } = pending;
  try {
    return oauth.validateAuthResponse(server, { client_id: client.id }, query, state);
  } catch (error) {
    const host = new URL(server.issuer).host;
    if (error instanceof oauth.AuthorizationResponseError) {
      const message = `${host} did not allow it: nothing was connected.`;
      return new OAuthProblem('authorization_refused', message, knownCode(error.error));
    }
    // Nothing of such an answer is shown: it may be from somebody else than it says.
    const message = 'The answer did not come from where you were sent. Nothing was connected, and nothing was sent there.';
    if (error instanceof oauth.OperationProcessingError || error instanceof oauth.UnsupportedOperationError)
      return new OAuthProblem('answer_mismatch', message);
    throw error;
  }
}
