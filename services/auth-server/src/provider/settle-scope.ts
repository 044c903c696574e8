import { ACCOUNT_SCOPE, settleScopes } from '@switchyard/oauth';
import type { KoaContextWithOIDC } from 'oidc-provider';

const OPENID_SCOPES = new Set(['openid', 'offline_access']);

/** Requests that say what is wanted. What comes later (resumption, code, refresh) has what was settled then. */
const ASKS = new Set(['authorization', 'pushed_authorization_request', 'device_authorization']);

/**
 * Makes a request ask for scopes that the server has, and for the usual ones where it asks for none of them: clients send no scope, or
 * scopes of other servers. What was granted is in the token response (RFC 6749 §3.3).
 * @param offered scopes of the server beside those that there are everywhere
 */
export function settleScope({ oidc }: KoaContextWithOIDC, offered: ReadonlySet<string>): void {
  const { route, params } = oidc;
  if (params === undefined) return;
  const isServices = route === 'token' && params['grant_type'] === 'client_credentials';
  if (!isServices && !ASKS.has(route)) return;
  const asked = String(params['scope'] ?? '');
  const others = isServices ? [] : asked.split(' ').filter((name) => OPENID_SCOPES.has(name));
  params['scope'] = [...new Set([...settleScopes(asked, offered), ...others])].join(' ');
}

/** The same for the gateway's own API, which has one scope. */
export function settleApiScope({ oidc: { route, params } }: KoaContextWithOIDC): void {
  if (params === undefined || !ASKS.has(route)) return;
  const others = String(params['scope'] ?? '')
    .split(' ')
    .filter((name) => OPENID_SCOPES.has(name));
  params['scope'] = [...new Set([ACCOUNT_SCOPE, ...others])].join(' ');
}
