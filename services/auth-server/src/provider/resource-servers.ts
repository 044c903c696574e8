import { ACCOUNT_SCOPE, MCP_SCOPES, resourceUrl } from '@switchyard/oauth';
import { errors, type Client, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import { LIFETIMES } from '../lifetimes.js';
import type { KnownServers } from './known-servers.js';
import { readResource } from './resources.js';
import { mayReach, type ServiceClients } from './service-clients.js';
import { settleApiScope, settleScope } from './settle-scope.js';

/**
 * Resource indicators (RFC 8707): which resources there are, and what tokens for them look like. One resource per grant, one
 * audience per token, whatever spelling the client used. Without an indicator the token is for the gateway as a whole.
 */
export function resourceIndicators({
  publicUrl,
  servers,
  services,
}: {
  readonly publicUrl: string;
  readonly servers: KnownServers;
  readonly services: ServiceClients;
}) {
  return {
    enabled: true,
    defaultResource: (_ctx: KoaContextWithOIDC, _client: unknown, oneOf?: readonly string[]) =>
      oneOf === undefined ? resourceUrl({ publicUrl }) : [...oneOf],
    // A token request without an indicator gets what was granted (RFC 8707 §2.2).
    useGrantedResource: () => true,
    getResourceServerInfo: (ctx: KoaContextWithOIDC, indicator: string, client: Client): ResourceServer => {
      const asked = ctx.oidc.params?.['resource'];
      if (Array.isArray(asked) && asked.length > 1)
        throw new errors.InvalidTarget('only one resource can be asked for at a time');
      const resource = readResource(indicator, publicUrl);
      if (resource === undefined || (resource.slug !== undefined && !servers.has(resource.slug))) {
        throw new errors.InvalidTarget('there is no such resource here');
      }
      const service = services.get(client.clientId);
      if (resource.isApi) {
        if (service !== undefined) throw new errors.InvalidTarget('this resource is for people');
        settleApiScope(ctx);
        return tokensFor(resource.url, [ACCOUNT_SCOPE]);
      }
      if (service !== undefined && !mayReach(service, resource.slug))
        throw new errors.InvalidTarget('this service may not have tokens for this resource');
      // The library asks here, and nowhere else, before it looks at the scopes of every kind of request.
      const guards = servers.guards(resource.slug);
      settleScope(ctx, guards);
      return tokensFor(resource.url, [...MCP_SCOPES, ...guards]);
    },
  };
}

const tokensFor = (audience: string, scopes: readonly string[]): ResourceServer => ({
  scope: scopes.join(' '),
  audience,
  accessTokenTTL: LIFETIMES.accessTokenMs / 1000,
  accessTokenFormat: 'jwt',
  jwt: { sign: { alg: 'ES256' } },
});
