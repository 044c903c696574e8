import type { EventFields } from '@switchyard/contracts';
import { parseTraceparent } from '@switchyard/telemetry';
import type { KoaContextWithOIDC } from 'oidc-provider';

/** What one request to the authorization server led to; recorded before it is answered. */
export interface AuthExchange {
  readonly requestId: string;
  readonly traceId: string;
  /** What happened, in order. */
  readonly events: EventFields[];
  /** Set where the request was refused and nothing has made up for it. */
  refusal?: EventFields;
  /** What did not hold, where a grant of ours was refused; safe to show. */
  because?: string;
  /** Set where the request failed through no fault of the client. */
  fault?: unknown;
}

const KEY = 'authExchange';

/** Starts following a request. */
export function beginExchange(ctx: KoaContextWithOIDC): AuthExchange {
  const exchange: AuthExchange = {
    requestId: ctx.get('x-request-id').slice(0, 128),
    traceId: parseTraceparent(ctx.get('traceparent'))?.traceId ?? '',
    events: [],
  };
  (ctx.state as Record<string, unknown>)[KEY] = exchange;
  return exchange;
}

/** The exchange of a request that is being followed. */
export function exchangeOf(ctx: KoaContextWithOIDC): AuthExchange {
  return (ctx.state as Record<string, unknown>)[KEY] as AuthExchange;
}
