import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Asked, type AskedSchema, type Refused, type RefusedSchema } from '@switchyard/contracts';
import { formatTraceparent, newTraceContext, parseTraceparent, type TraceContext } from '@switchyard/telemetry';
import * as z from 'zod';
import { callerOf } from './caller.js';
import { type CallerScopes, tokenScopes, UNASKED, UNBOUND } from './caller-scopes.js';
import type { Caller, Exchange } from './exchange.js';
import { LADDER } from './ladder.js';
import { Refusal } from './refusal.js';

/** No scope is called so (RFC 6749 §3.3 would allow it; the authorization server issues none). */
const UNBOUND_TEXT = '*';

const person = z.object({ kind: z.enum(['user', 'service', 'anonymous']) });
const refused = z.object({ reason: z.enum(Object.keys(LADDER) as (keyof typeof LADDER)[]) });
const data = z.record(z.string(), z.unknown());

/** What another edge has to know of a request that it is to do something for. */
export function askedOf(
  { requestId, trace, server }: Pick<Exchange, 'requestId' | 'trace' | 'server'>,
  { principal, clientId, scopes }: Caller,
): MessageInitShape<typeof AskedSchema> {
  const { email = '', claims, ...who } = principal;
  return {
    person: { ...who, email, claims: [...claims], clientId, scopes: [...(scopes.names ?? [UNBOUND_TEXT])] },
    server: server.slug,
    requestId,
    traceparent: formatTraceparent(trace),
  };
}

/** Who asks, as another edge has found out. */
export function askingCaller({ person: who }: Asked): Caller {
  if (who === undefined) throw new Error('another edge does not say who asks');
  const { tenant, issuer, subject, name, email, claims, clientId, scopes } = who;
  const { kind } = person.parse(who);
  return callerOf(
    { tenant, issuer, subject, name, kind, claims, ...(email !== '' && { email }) },
    clientId,
    scopesOf(kind, scopes),
  );
}

function scopesOf(kind: Caller['principal']['kind'], names: readonly string[]): CallerScopes {
  if (kind === 'anonymous') return UNASKED;
  return names[0] === UNBOUND_TEXT ? UNBOUND : tokenScopes(names);
}

/** The trace that a request of another edge's belongs to. */
export const askingTrace = ({ traceparent }: Asked): TraceContext => parseTraceparent(traceparent) ?? newTraceContext();

/** A refusal, for another edge to give. */
export const refusedBy = (refusal: Refusal): MessageInitShape<typeof RefusedSchema> => ({
  reason: refusal.reason,
  message: refusal.message,
  dataJson: JSON.stringify(refusal.data),
});

/** The refusal that another edge gives. @throws ZodError where its reason is none of this version's */
export const refusalOf = (given: Refused): Refusal =>
  new Refusal(refused.parse(given).reason, given.message, data.parse(JSON.parse(given.dataJson)));
