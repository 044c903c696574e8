import type { KoaContextWithOIDC } from 'oidc-provider';
import { rejected } from '../events/auth-events.js';
import { exchangeOf } from '../events/exchange.js';

/** What nobody else should see, and what stands in an address others do see: logs, histories, proxies. */
const SECRET = new Set([
  ...['client_secret', 'client_assertion', 'code', 'code_verifier', 'refresh_token', 'access_token', 'token'],
  ...['assertion', 'subject_token', 'actor_token', 'device_code', 'password'],
]);

/** Refuses requests that carry secrets in their address (RFC 6749 §2.3.1, OAuth 2.1 §5.1.1), also where the body has all that is needed. */
export function refuseSecretsInQuery(issuer: string) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    const isEndpoint = ctx.method === 'POST' && ctx.path.startsWith('/oauth/');
    const named = isEndpoint ? Object.keys(ctx.query).find((name) => SECRET.has(name)) : undefined;
    if (named === undefined) return next();
    ctx.status = 400;
    ctx.set('cache-control', 'no-store');
    ctx.body = { error: 'invalid_request', error_description: `${named} must be in the body, not in the address` };
    exchangeOf(ctx).refusal = rejected(ctx, issuer, 'invalid_request', { endpoint: ctx.path.slice('/oauth/'.length) });
  };
}
