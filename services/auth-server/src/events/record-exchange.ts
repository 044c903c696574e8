import type { EventFields } from '@switchyard/contracts';
import { StateUnavailable } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { renderProblem } from '../pages/error-page.js';
import type { EventSink } from './event-sink.js';
import { beginExchange, type AuthExchange } from './exchange.js';

const DOCUMENTS = /^\/(\.well-known\/|oauth\/jwks$)/;

/**
 * Outermost step of every request: nothing is answered that is not recorded. Where the audit spool is full, nothing is begun;
 * where recording fails afterwards, the answer, with its tokens, is withheld.
 */
export function recordExchange(audit: EventSink, log: Logger) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    const exchange = beginExchange(ctx);
    if (!DOCUMENTS.test(ctx.path) && !audit.accepting()) return unavailable(ctx, 'audit_unavailable');
    await next().catch((error: unknown) => fail(ctx, exchange, error));
    if (exchange.fault !== undefined) answerFault(ctx, exchange, log);
    try {
      await Promise.all(eventsOf(ctx, exchange).map((event) => audit.record(event)));
    } catch (error) {
      log.error('an event could not be recorded, so the answer is withheld', { request_id: exchange.requestId, error });
      unavailable(ctx, 'audit_unavailable');
    }
  };
}

function eventsOf(ctx: KoaContextWithOIDC, { events, refusal, fault }: AuthExchange): readonly EventFields[] {
  // A fault is no decision about the client: the log has it.
  if (refusal === undefined || fault !== undefined) return events;
  return [...events, { ...refusal, http_status: ctx.status }];
}

function answerFault(ctx: KoaContextWithOIDC, { fault, requestId }: AuthExchange, log: Logger): void {
  log.error('a request to the authorization server failed', { request_id: requestId, method: ctx.method, error: fault });
  if (fault instanceof StateUnavailable) unavailable(ctx, 'state_unavailable');
}

function fail(ctx: KoaContextWithOIDC, exchange: AuthExchange, error: unknown): void {
  exchange.fault = error;
  withhold(ctx);
  const text = 'The log of the gateway says what. Try again.';
  renderProblem(ctx, { status: 500, error: 'server_error', title: 'Something went wrong in the gateway', text });
}

const SENTENCES = {
  audit_unavailable:
    'Sign-in is paused because events cannot be recorded at the moment. Try again; an administrator has to look at the audit log.',
  state_unavailable:
    'Sign-in is not possible at the moment because the gateway cannot reach its store. Try again in a few seconds.',
} as const;

function unavailable(ctx: KoaContextWithOIDC, reason: keyof typeof SENTENCES): void {
  withhold(ctx);
  ctx.set('retry-after', '5');
  renderProblem(ctx, { status: 503, error: 'temporarily_unavailable', title: 'Try again in a moment', text: SENTENCES[reason] });
}

function withhold(ctx: KoaContextWithOIDC): void {
  ctx.remove('set-cookie');
  ctx.remove('location');
}
