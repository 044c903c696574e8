import { MCP_SCOPE } from '@switchyard/oauth';
import type { KoaContextWithOIDC } from 'oidc-provider';

const SCOPES = new Set([MCP_SCOPE, 'openid', 'offline_access']);

/**
 * Makes every authorization request ask for the scope that MCP needs, and for nothing that does not exist: clients send no
 * scope, or scopes of other servers. What was granted is in the token response (RFC 6749 §3.3).
 */
export async function normaliseScope(ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
  const { scope } = ctx.query;
  if (ctx.path === '/oauth/authorize' && !Array.isArray(scope)) {
    const asked = (scope ?? '').split(' ').filter((name) => SCOPES.has(name));
    ctx.query = { ...ctx.query, scope: [...new Set([MCP_SCOPE, ...asked])].join(' ') };
  }
  await next();
}
