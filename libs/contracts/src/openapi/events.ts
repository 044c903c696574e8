import { z } from 'zod';
import { eventFilterShape, queryParameters, refuseEmptyRange, textParameter } from './event-filters.js';
import { forReaders, jsonContent, problemResponse, readerRefusals } from './responses.js';

/** Query string of `GET /api/v1/events`. */
export const eventsQuery = z
  .strictObject({
    ...eventFilterShape,
    limit: z.coerce.number().int().min(1).max(1000).default(100).describe('Most events in the answer.'),
    cursor: textParameter(
      'Goes on behind an earlier answer: its next_cursor. Give the same filters with it. `<occurred_at>,<event_id>` of an event goes on behind that one.',
    ).optional(),
  })
  .superRefine(refuseEmptyRange);

/** Query string of `GET /api/v1/events/export`. */
export const eventsExportQuery = z
  .strictObject({
    ...eventFilterShape,
    format: z.enum(['ndjson', 'csv']).default('ndjson').describe('One JSON object a line, or CSV for spreadsheets.'),
    cursor: textParameter(
      'Goes on where an export ended early: its next_cursor, or `<occurred_at>,<event_id>` of the last whole line. Give the same filters with it.',
    ).optional(),
  })
  .superRefine(refuseEmptyRange);

/** Query string of `GET /api/v1/events/tail`. */
export const eventsTailQuery = z.strictObject(eventFilterShape).superRefine(refuseEmptyRange);

/** Data of the event `reset` of a tail: events were missed. */
export const tailReset = z.strictObject({
  reason: z
    .enum(['position_expired', 'stream_replaced'])
    .describe(
      '`position_expired`: what lay behind Last-Event-ID is older than the stream keeps. `stream_replaced`: it is of another stream.',
    ),
  detail: z.string(),
});

/** Data of the event `end` of a tail: nothing follows. */
export const tailEnd = z.strictObject({
  reason: z.enum(['slow_reader', 'no_longer_admitted', 'unavailable', 'closing']),
  detail: z.string(),
});

/** `export` in the last line of an export. */
export const exportEnd = z.strictObject({
  complete: z.boolean().describe('Whether every event that matches is there. Without this line, it broke off.'),
  events: z.int().describe('How many events there are.'),
  reason: z.string().optional().describe('Why it ended early.'),
  detail: z.string().optional(),
  next_cursor: z.string().optional().describe('Where it goes on.'),
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
  severity: shown.describe('Of what concerns security: high or critical.'),
});

/** Answer of `GET /api/v1/events`. */
export const eventsPage = z.strictObject({
  events: z.array(eventView).describe('Newest first.'),
  next_cursor: z.string().optional().describe('Where older events go on. Absent: there are none.'),
});

export type EventsExportQuery = z.output<typeof eventsExportQuery>;
export type ExportEnd = z.output<typeof exportEnd>;
export type EventsTailQuery = z.output<typeof eventsTailQuery>;
export type TailReset = z.output<typeof tailReset>;
export type TailEnd = z.output<typeof tailEnd>;
export type EventsQuery = z.output<typeof eventsQuery>;
export type EventView = z.output<typeof eventView>;
export type EventsPage = z.output<typeof eventsPage>;

const refusals = {
  400: problemResponse('A parameter is unknown or not acceptable; it is named, and where in it the mistake is.'),
  ...readerRefusals,
  503: problemResponse('The database cannot be reached, or the query meets a limit, which is named.'),
};
const own = { tags: ['audit'], ...forReaders };

/** OpenAPI path items of the audit trail. */
export const eventsPaths = {
  '/api/v1/events': {
    get: {
      operationId: 'listEvents',
      summary: 'Read the audit trail, newest first',
      ...own,
      parameters: queryParameters(eventsQuery.shape),
      responses: { 200: { description: 'Events that match every filter.', content: jsonContent(eventsPage) }, ...refusals },
    },
  },
  '/api/v1/events/export': {
    get: {
      operationId: 'exportEvents',
      summary: 'Stream all events that match, newest first',
      ...own,
      parameters: queryParameters(eventsExportQuery.shape),
      responses: {
        200: {
          description: 'Every event that matches, one a line; the last line says whether it is complete, and where to go on.',
          content: {
            'application/x-ndjson': { schema: { type: 'string', description: 'Events, and at last `{"export": …}`.' } },
            'text/csv': {
              schema: { type: 'string', description: 'Head, events, and at last a record that begins with #export.' },
            },
          },
        },
        ...refusals,
      },
    },
  },
  '/api/v1/events/tail': {
    get: {
      operationId: 'tailEvents',
      summary: 'Watch events as they happen',
      ...own,
      parameters: [
        ...queryParameters(eventsTailQuery.shape),
        {
          name: 'Last-Event-ID',
          in: 'header',
          required: false,
          description: 'Goes on behind an event of an earlier tail, at any replica. Give the same filters with it.',
          schema: { type: 'string' },
        },
      ],
      responses: {
        200: {
          description:
            'Server-sent events (HTML standard): one for each event that matches, and `reset` where some were missed, `end` where nothing follows.',
          content: {
            'text/event-stream': {
              schema: {
                type: 'string',
                description:
                  'Data of an event without a name: the event, JSON, as GET /api/v1/events has it. Of `reset` and `end`: reason and detail.',
              },
            },
          },
        },
        ...refusals,
        429: problemResponse('Whoever asks has as many tails as they may.'),
      },
    },
  },
};
