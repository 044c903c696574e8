import { StateUnavailable } from '@switchyard/state';
import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import { rejected } from '../events/auth-events.js';
import { exchangeOf } from '../events/exchange.js';
import { sendProblemPage } from '../pages/error-page.js';
import { authorizationProblem } from '../pages/authorization-error.js';
import { readForm } from '@switchyard/pages';
import type { FormOrigin } from './form-origin.js';
import type { InteractionSteps } from './interaction-steps.js';

const PATH = /^\/oauth\/interaction\/([\w-]{1,64})$/;

/**
 * The pages between an authorization request and its answer: sign in, then consent. The interaction is found by a cookie that
 * is bound to its path, so somebody else's link leads nowhere.
 */
export function interactionRoutes(o: {
  readonly provider: Provider;
  readonly issuer: string;
  readonly steps: InteractionSteps;
  readonly forms: FormOrigin;
}) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    const uid = PATH.exec(ctx.path)?.[1];
    if (uid === undefined) return next();
    try {
      const interaction = await o.provider.interactionDetails(ctx.req, ctx.res);
      if (interaction.uid !== uid) throw new errors.SessionNotFound('interaction cookie and address mismatch');
      if (ctx.method === 'POST') return await post(ctx, interaction);
      if (ctx.method === 'GET' || ctx.method === 'HEAD') return await o.steps.show(ctx, interaction);
      ctx.set('allow', 'GET, POST');
      ctx.status = 405;
    } catch (error) {
      refuse(ctx, error);
    }
  };

  async function post(ctx: KoaContextWithOIDC, interaction: Awaited<ReturnType<Provider['interactionDetails']>>): Promise<void> {
    const form = await readForm(ctx.req);
    if (form === undefined || !o.forms.isOurs(interaction.uid, form.get('csrf'), ctx.req.headers)) return refuseForm(ctx);
    await o.steps.take(ctx, interaction, form);
  }

  function refuseForm(ctx: KoaContextWithOIDC): void {
    const text = 'The form did not come from the page that you were shown. Go back to the app and connect again.';
    sendProblemPage(ctx, { status: 403, error: 'invalid_request', title: 'This form was not accepted', text });
    exchangeOf(ctx).refusal = rejected(ctx, o.issuer, 'foreign_form');
  }

  function refuse(ctx: KoaContextWithOIDC, error: unknown): void {
    const exchange = exchangeOf(ctx);
    if (error instanceof errors.OIDCProviderError && error.expose) {
      const out = { error: error.error, ...(error.error_description ? { error_description: error.error_description } : {}) };
      sendProblemPage(ctx, authorizationProblem(error.statusCode, out, error));
      exchange.refusal = rejected(ctx, o.issuer, 'interaction_expired');
      return;
    }
    exchange.fault = error;
    if (!(error instanceof StateUnavailable)) {
      sendProblemPage(ctx, authorizationProblem(500, { error: 'server_error' }, error as Error));
    }
  }
}
