import type { X509Certificate } from 'node:crypto';
import { MCP_SCOPE, MCP_SCOPES, settleScopes } from '@switchyard/oauth';
import { errors, type KoaContextWithOIDC, type TokenEndpointGrantContext } from 'oidc-provider';
import type { SignedInAccount } from '../provider/accounts.js';
import { libraryAccount } from '../provider/library-account.js';
import type { ProviderParts } from '../provider/provider-configuration.js';
import { resourceIndicators } from '../provider/resource-servers.js';
import { grantRefusal } from './grant-refusal.js';

/** What a token is to be. */
export interface WantedToken {
  readonly person: SignedInAccount;
  /** A resource in its one spelling. */
  readonly resource: string;
  /** What bounds its scopes besides what the request asks for; absent: nothing. */
  readonly scopes?: readonly string[];
  readonly grantId: string;
  /** When what it is issued under began, seconds since 1970: who is signed out everywhere later loses it. */
  readonly grantedAt: number;
  /** Thumbprint of the key that the token is bound to; absent: to none. */
  readonly boundTo: string | undefined;
  /** Certificate that the token is bound to; absent: to none. */
  readonly certificate: X509Certificate | undefined;
  /** Latest end, seconds since 1970. */
  readonly notAfter: number;
}

/** Issues an access token for one resource, and nothing else: no refresh token. @returns the body of the answer */
export async function issueAccessToken(
  ctx: TokenEndpointGrantContext,
  wanted: WantedToken,
  o: Pick<ProviderParts, 'publicUrl' | 'servers' | 'services'> & { readonly clock: { now(): number } },
): Promise<Record<string, unknown>> {
  const { client, provider, params } = ctx.oidc;
  const info = resourceIndicators(o).getResourceServerInfo(ctx, wanted.resource, client);
  const scope = narrowedScope(ctx, info.scope, wanted.scopes);
  const leftSeconds = wanted.notAfter - Math.floor(o.clock.now() / 1000);
  const resourceServer = { ...info, scopes: new Set(scope.split(' ')), identifier: () => wanted.resource };
  const token = new provider.AccessToken({
    accountId: wanted.person.subject,
    client,
    grantId: wanted.grantId,
    gty: params.grant_type,
    scope,
    resourceServer,
    expiresIn: Math.max(1, Math.min(info.accessTokenTTL ?? leftSeconds, leftSeconds)),
  });
  if (wanted.boundTo !== undefined) token.setThumbprint('jkt', wanted.boundTo);
  if (wanted.certificate !== undefined) token.setThumbprint('x5t', wanted.certificate);
  ctx.oidc.entity('Grant', { iat: wanted.grantedAt });
  ctx.oidc.entity('Account', libraryAccount(wanted.person));
  ctx.oidc.entity('AccessToken', token);
  const value = await token.save();
  return { access_token: value, token_type: token.tokenType, expires_in: token.expiration, scope };
}

/**
 * Scopes of the resource that are asked for, or else those that are allowed; the widest holds those of the kinds.
 * @throws InvalidScope where one is not allowed, or none is left
 */
function narrowedScope(ctx: TokenEndpointGrantContext, offered: string, allowed: readonly string[] | undefined): string {
  const asked = ctx.oidc.params.scope?.split(' ') ?? allowed ?? [MCP_SCOPE];
  const known = new Set(offered.split(' '));
  const wanted = [...new Set(asked)].filter((name) => known.has(name));
  const isAllowed = (name: string) =>
    allowed === undefined || allowed.includes(name) || (MCP_SCOPES.includes(name) && allowed.includes(MCP_SCOPE));
  if (wanted.length === 0 || !wanted.every(isAllowed))
    throw new errors.InvalidScope('nothing that is asked for may be granted', asked.join(' '));
  return settleScopes(wanted.join(' '), known).join(' ');
}

/**
 * Lets only clients in that show who they are: what these grants take names a client, and anybody can name one.
 * @throws unauthorized_client
 */
export function requireAuthenticatedClient(ctx: TokenEndpointGrantContext & KoaContextWithOIDC): void {
  if (ctx.oidc.client.clientAuthMethod === 'none')
    throw grantRefusal(ctx, 'unauthorized_client', 'the client has to authenticate for this grant');
}
