import { z } from 'zod';
import { EVENT_TYPES, OUTCOMES } from '../events.js';
import { jsonContent, problemResponse } from './responses.js';

const text = (what: string) => z.string().min(1).max(1024).describe(what);
const instant = (what: string) =>
  z.iso.datetime({ offset: true, error: 'must be an RFC 3339 time with its zone, such as 2026-01-31T12:00:00Z' }).describe(what);

/** Query string of `GET /api/v1/events`. */
export const eventsQuery = z.strictObject({
  from: instant('Earliest time of an event, inclusive.').optional(),
  to: instant('Latest time of an event, exclusive.').optional(),
  principal: text('Who called: subject, e-mail address or name of the key.').optional(),
  client: text('OAuth client id, id of the API key, or the name that the client gives itself.').optional(),
  server: text('Slug of the server.').optional(),
  upstream: text('Name of the upstream.').optional(),
  capability: text('Tool, prompt or resource, as the client names it.').optional(),
  outcome: z.enum(OUTCOMES).describe('How it ended.').optional(),
  type: z.enum(EVENT_TYPES).describe('Type of the event.').optional(),
  request_id: text('X-Request-Id of the exchange.').optional(),
  reason: text('Why it was refused.').optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('Most events in the answer.'),
  cursor: text('Goes on behind an earlier answer: its next_cursor. Give the same filters with it.').optional(),
});

const shown = z.string().optional();
const count = z.int().optional();

/** An event as it is shown: the fields of switchyard.events.v1.Event, empty ones left out. */
export const eventView = z.strictObject({
  event_id: z.string().describe('"<emitter>/<epoch>/<sequence>".'),
  tenant: z.string(),
  type: z.string(),
  occurred_at: z.iso.datetime(),
  emitter: shown,
  epoch: shown.describe('Boot of the emitter, milliseconds since 1970.'),
  sequence: shown.describe('Position within the boot, without gaps.'),
  request_id: shown,
  trace_id: shown,
  principal_issuer: shown,
  principal_subject: shown,
  principal_name: shown,
  principal_kind: shown,
  client_id: shown,
  client_name: shown.describe('As the client says. Never checked.'),
  client_version: shown,
  server: shown,
  upstream: shown,
  capability_kind: shown,
  capability: shown,
  upstream_capability: shown,
  method: shown,
  era: shown,
  revision: shown,
  outcome: shown,
  reason: shown,
  http_status: count,
  rpc_code: count,
  client_rpc_id: shown,
  upstream_rpc_id: shown,
  bytes_in: count,
  bytes_out: count,
  duration_us: count,
  upstream_us: count,
  snapshot: shown,
  detail: z.record(z.string(), z.string()).optional(),
  teams: z.array(z.string()).optional().describe('Teams of the principal, by the snapshot that decided.'),
  on_behalf_of: shown.describe('Who acts for the principal, the nearest first, separated by spaces.'),
  attempt: count.describe('Which attempt at the upstream, from 1.'),
  rule: shown.describe('What in the configuration decided.'),
  origin: shown.describe('Where a failure comes from: client, policy, gateway or upstream.'),
  stage_us: z.record(z.string(), z.int()).optional().describe('Microseconds by stage.'),
  arguments_tokens: count.describe('Estimate: a quarter of the bytes.'),
  result_tokens: count.describe('Estimate: a quarter of the bytes.'),
  model_tokens_in: count.describe('As the upstream reports. Never checked.'),
  model_tokens_out: count.describe('As the upstream reports. Never checked.'),
  cost_micros: count.describe('Millionths of the price table’s currency.'),
  recorded_at: z.iso.datetime().optional().describe('Absent where it is occurred_at.'),
  session_id: shown.describe('Digest of the MCP session’s id.'),
  chain: shown.describe('Link to the event before it of the same emitter and epoch.'),
});

/** Answer of `GET /api/v1/events`. */
export const eventsPage = z.strictObject({
  events: z.array(eventView).describe('Newest first.'),
  next_cursor: z.string().optional().describe('Where older events go on. Absent: there are none.'),
});

export type EventsQuery = z.output<typeof eventsQuery>;
export type EventView = z.output<typeof eventView>;
export type EventsPage = z.output<typeof eventsPage>;

function queryParameters(query: z.ZodObject) {
  return Object.entries(query.shape).map(([name, field]) => {
    const { description, ...schema } = z.toJSONSchema(field, { io: 'input', target: 'openapi-3.0' });
    return { name, in: 'query', required: false, description, schema };
  });
}

/** OpenAPI path items of the audit trail. */
export const eventsPaths = {
  '/api/v1/events': {
    get: {
      operationId: 'listEvents',
      summary: 'Read the audit trail, newest first (role admin or auditor)',
      tags: ['audit'],
      security: [{ apiKey: [] }],
      parameters: queryParameters(eventsQuery),
      responses: {
        200: { description: 'Events that match every filter.', content: jsonContent(eventsPage) },
        400: problemResponse('A filter is unknown or not acceptable; it is named.'),
        401: problemResponse('No valid API key was sent.'),
        403: problemResponse('The API key does not have the role.'),
        503: problemResponse('The database cannot be reached, or the query takes more than it may.'),
      },
    },
  },
};
