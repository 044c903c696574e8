import type { KoaContextWithOIDC } from 'oidc-provider';
import { companyRefused, signedOut } from '../events/auth-events.js';
import { exchangeOf } from '../events/exchange.js';
import { readForm } from '@switchyard/pages';
import type { ProviderLogout } from './provider-logout.js';

const PATH = /^\/oauth\/backchannel-logout\/([a-z0-9-]{1,32})$/;

/** Where identity providers say that somebody has signed out or was disabled (OpenID Connect Back-Channel Logout 1.0 §2.5). */
export function logoutRoute({ logout, issuer }: { readonly logout: ProviderLogout; readonly issuer: string }) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    const provider = PATH.exec(ctx.path)?.[1];
    if (provider === undefined) return next();
    ctx.set('cache-control', 'no-store');
    if (ctx.method !== 'POST') {
      ctx.set('allow', 'POST');
      ctx.status = 405;
      return;
    }
    const token = (await readForm(ctx.req))?.get('logout_token') ?? '';
    const done = await logout.follow(provider, token);
    if ('refused' in done) {
      const { status, error, message, ...refused } = done;
      ctx.status = status;
      ctx.body = { error, error_description: message };
      exchangeOf(ctx).refusal = companyRefused(ctx, issuer, refused);
      return;
    }
    ctx.status = 200;
    ctx.body = '';
    const { account } = done;
    if (account !== undefined) exchangeOf(ctx).events.push(signedOut(ctx, issuer, account, 'backchannel_logout'));
  };
}
