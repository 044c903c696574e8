import { MCP_SCOPE, resourceUrl } from '@switchyard/oauth';
import { errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import { LIFETIMES } from '../lifetimes.js';
import type { KnownServers } from './known-servers.js';
import { readResource } from './resources.js';

/**
 * Resource indicators (RFC 8707): which resources there are, and what tokens for them look like. One resource per grant, one
 * audience per token, whatever spelling the client used. Without an indicator the token is for the gateway as a whole.
 */
export function resourceIndicators(publicUrl: string, servers: KnownServers) {
  return {
    enabled: true,
    defaultResource: (_ctx: KoaContextWithOIDC, _client: unknown, oneOf?: readonly string[]) =>
      oneOf === undefined ? resourceUrl({ publicUrl }) : [...oneOf],
    // A token request without an indicator gets what was granted (RFC 8707 §2.2).
    useGrantedResource: () => true,
    getResourceServerInfo: (ctx: KoaContextWithOIDC, indicator: string): ResourceServer => {
      const asked = ctx.oidc.params?.['resource'];
      if (Array.isArray(asked) && asked.length > 1)
        throw new errors.InvalidTarget('only one resource can be asked for at a time');
      const resource = readResource(indicator, publicUrl);
      if (resource === undefined || (resource.slug !== undefined && !servers.has(resource.slug))) {
        throw new errors.InvalidTarget('there is no such resource here');
      }
      return {
        scope: MCP_SCOPE,
        audience: resource.url,
        accessTokenTTL: LIFETIMES.accessTokenMs / 1000,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      };
    },
  };
}
