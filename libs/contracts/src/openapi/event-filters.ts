import { z } from 'zod';
import { EVENT_TYPES, ORIGINS, OUTCOMES, SEVERITIES } from '../events.js';

/** A parameter that is text. */
export const textParameter = (what: string) => z.string().min(1).max(1024).describe(what);

/** A parameter that is a time. */
export const instantParameter = (what: string) =>
  z.iso.datetime({ offset: true, error: 'must be an RFC 3339 time with its zone, such as 2026-01-31T12:00:00Z' }).describe(what);

/** Parameters that say which events are meant. All that are given must hold. */
export const eventFilterShape = {
  from: instantParameter('Earliest time of an event, inclusive.').optional(),
  to: instantParameter('Latest time of an event, exclusive.').optional(),
  principal: textParameter('Who called: subject, e-mail address or name of the key.').optional(),
  principal_kind: z.enum(['user', 'service', 'anonymous']).describe('Kind of who called.').optional(),
  team: textParameter('Team that the principal was in.').optional(),
  on_behalf_of: textParameter('Subject of somebody in the chain of those who acted for the principal.').optional(),
  client: textParameter('OAuth client id, id of the API key, or the name that the client gives itself.').optional(),
  server: textParameter('Slug of the server.').optional(),
  upstream: textParameter('Name of the upstream.').optional(),
  capability: textParameter('Tool, prompt or resource, as the client names it.').optional(),
  capability_kind: z.enum(['tool', 'prompt', 'resource', 'completion']).describe('Kind of the capability.').optional(),
  method: textParameter('JSON-RPC method, for example tools/call.').optional(),
  era: z.enum(['legacy', 'modern']).describe('What the client speaks: MCP before or from 2026-07-28.').optional(),
  revision: textParameter('Revision of MCP that the client speaks, for example 2025-11-25.').optional(),
  outcome: z.enum(OUTCOMES).describe('How it ended.').optional(),
  origin: z.enum(ORIGINS).describe('Where a failure comes from.').optional(),
  reason: textParameter('Why it was refused.').optional(),
  severity: z.enum(SEVERITIES).describe('How urgently somebody should look at it, of what concerns security.').optional(),
  rule: textParameter('What in the configuration decided, for example servers.work.access[0].').optional(),
  type: z
    .enum(EVENT_TYPES, { error: 'is no type of events, such as tool.called; docs/events.md has all' })
    .describe('Type of the event.')
    .optional(),
  request_id: textParameter('X-Request-Id of the exchange.').optional(),
  trace_id: textParameter('W3C trace id, 32 hexadecimal digits.').optional(),
  session_id: textParameter('Digest of the MCP session, as events show it.').optional(),
  emitter: textParameter('Process that recorded it, for example edge-1.').optional(),
  q: textParameter(
    'Full-text search in the names of capabilities, reasons and details, whatever the case: words and "quoted texts", all of which must be there; what has a minus in front must not.',
  ).optional(),
  filter: z
    .string()
    .min(1)
    .max(4096)
    .describe(
      'Any field of an event, compared with = != ~ !~ (contains) < <= > >=, joined by and, or, not and parentheses: `outcome != ok and (duration_us > 1000000 or detail.because = "no_rule_grants")`.',
    )
    .optional(),
};

export type EventFilters = z.output<z.ZodObject<typeof eventFilterShape>>;

/** For `superRefine`: a range of time must not be empty. */
export function refuseEmptyRange({ from, to }: Pick<EventFilters, 'from' | 'to'>, context: z.core.$RefinementCtx): void {
  if (from === undefined || to === undefined || Date.parse(from) < Date.parse(to)) return;
  context.addIssue({ code: 'custom', path: ['from'], message: 'must be earlier than `to`' });
}

/** OpenAPI parameters for the fields of a query string. */
export function queryParameters(shape: Readonly<Record<string, z.ZodType>>) {
  return Object.entries(shape).map(([name, field]) => {
    const { description, ...schema } = z.toJSONSchema(field, { io: 'input', target: 'openapi-3.0' });
    return { name, in: 'query', required: false, description, schema };
  });
}
