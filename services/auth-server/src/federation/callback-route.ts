import type { KoaContextWithOIDC } from 'oidc-provider';
import { companyRefused } from '../events/auth-events.js';
import { exchangeOf } from '../events/exchange.js';
import { interactionPath } from '../interaction/interaction-path.js';
import { sendProblemPage } from '../pages/error-page.js';
import type { Federation, Refused } from './federation.js';
import { signInProblem } from './sign-in-refusals.js';

const PATH = /^\/oauth\/callback\/([a-z0-9-]{1,32})$/;

/** Where identity providers send browsers back to. */
export function callbackRoute({ federation, issuer }: { readonly federation: Federation; readonly issuer: string }) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    const provider = PATH.exec(ctx.path)?.[1];
    if (provider === undefined) return next();
    if (ctx.method !== 'GET') {
      ctx.set('allow', 'GET');
      ctx.status = 405;
      return;
    }
    const completed = await federation.complete(ctx, provider, ctx.search);
    if ('refused' in completed) return showRefusal(ctx, federation, completed, issuer);
    ctx.status = 303;
    ctx.redirect(interactionPath(completed.uid));
  };
}

/** Tells a person, and the audit trail, why a sign-in did not come to its end. */
export function showRefusal(ctx: KoaContextWithOIDC, federation: Federation, refused: Refused, issuer: string): void {
  const title = federation.providers.find(({ name }) => name === refused.provider)?.title ?? 'your company';
  sendProblemPage(ctx, signInProblem(refused.refused, title, refused.code));
  exchangeOf(ctx).refusal = companyRefused(ctx, issuer, refused);
}
