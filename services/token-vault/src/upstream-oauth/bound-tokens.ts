import type { RegisteredClient } from './client-registration.js';
import { DPOP_ALGORITHM } from './challenge.js';
import type { Discovered } from './discover.js';
import { OAuthProblem } from './oauth-problem.js';
import type { UpstreamSettings } from './upstream-settings.js';

/**
 * Whether tokens are to be bound to a key of the connection (RFC 9449): where the configuration says so, or the upstream takes such tokens
 * and its authorization server gives them, or the authorization server registered the gateway as a client that always has such.
 */
export function bindsTokens(
  { server, bound }: Pick<Discovered, 'server' | 'bound'>,
  settings: Pick<UpstreamSettings, 'dpop'>,
  client: Pick<RegisteredClient, 'bound'>,
): boolean | OAuthProblem {
  if (settings.dpop !== undefined) return settings.dpop === 'required';
  if (client.bound === true) return true;
  if (server.dpop_signing_alg_values_supported?.includes(DPOP_ALGORITHM) === true) return bound !== 'no';
  if (bound !== 'only') return false;
  const message = `The upstream takes only tokens that are bound to a key (DPoP, ${DPOP_ALGORITHM}), which its authorization server does not offer.`;
  return new OAuthProblem('dpop_unsupported', message);
}
