import { EventSchema, type EventsQuery } from '@switchyard/contracts';
import type { QueryParams } from '../engine/engine.js';
import type { EventPlace } from './cursor.js';

/** A query with its values apart. */
export interface Sql {
  readonly text: string;
  readonly params: QueryParams;
}

type Filter = Exclude<keyof EventsQuery, 'limit' | 'cursor'>;

// What a filter means. The value is only ever the placeholder.
const CONDITIONS: Readonly<Record<Filter, string>> = {
  from: "occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')",
  to: "occurred_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')",
  principal: '(principal_subject = {principal:String} OR principal_name = {principal:String})',
  client: '(client_id = {client:String} OR client_name = {client:String})',
  server: 'server = {server:String}',
  upstream: 'upstream = {upstream:String}',
  capability: 'capability = {capability:String}',
  outcome: 'outcome = {outcome:String}',
  type: 'type = {type:String}',
  request_id: 'request_id = {request_id:String}',
  reason: 'reason = {reason:String}',
};
const FILTERS = Object.keys(CONDITIONS) as readonly Filter[];

// The first condition is for the primary key, which does not see through the second.
const behindCursor = `occurred_at <= fromUnixTimestamp64Milli({cursor_at:Int64}, 'UTC')
  AND (occurred_at, emitter, epoch, sequence, event_id) < (fromUnixTimestamp64Milli({cursor_at:Int64}, 'UTC'),
    {cursor_emitter:String}, {cursor_epoch:UInt64}, {cursor_sequence:UInt64}, {cursor_event_id:String})`;

const columns = EventSchema.fields.map(({ jsonName }) => jsonName).join(', ');

// A query that takes more is ended: ingestion goes on unhindered. Without read_in_order_use_buffering = 0, "the newest hundred"
// reads a million rows (measured); the others are how 64-bit numbers and times look in ProtoJSON.
const settings = `max_execution_time = 10, timeout_overflow_mode = 'throw', max_memory_usage = 2147483648, max_threads = 2,
  max_result_rows = 1001, result_overflow_mode = 'throw', read_in_order_use_buffering = 0,
  date_time_output_format = 'iso', output_format_json_quote_64bit_integers = 1`;

function values(query: EventsQuery): QueryParams {
  const given = FILTERS.filter((filter) => query[filter] !== undefined);
  return Object.fromEntries(
    given.map((filter) => [
      filter,
      filter === 'from' || filter === 'to' ? Date.parse(query[filter] ?? '') : (query[filter] ?? ''),
    ]),
  );
}

/**
 * Writes the query for a page: newest first, one row more than the page has, which tells whether there are older ones.
 * A row that was stored twice counts once: LIMIT 1 BY comes before LIMIT.
 * @param after place behind which the page begins
 */
export function eventsSql(tenant: string, query: EventsQuery, after: EventPlace | undefined): Sql {
  const conditions = FILTERS.filter((filter) => query[filter] !== undefined).map((filter) => CONDITIONS[filter]);
  const all = ['tenant = {tenant:String}', ...conditions, ...(after ? [behindCursor] : [])];
  const text = `SELECT ${columns} FROM events
WHERE ${all.join('\n  AND ')}
ORDER BY occurred_at DESC, emitter DESC, epoch DESC, sequence DESC, event_id DESC
LIMIT 1 BY event_id
LIMIT {limit:UInt32}
SETTINGS ${settings}`;
  return { text, params: { tenant, limit: query.limit + 1, ...values(query), ...(after ? cursorValues(after) : {}) } };
}

function cursorValues({ occurredAtMs, emitter, epoch, sequence, eventId }: EventPlace): QueryParams {
  return {
    cursor_at: occurredAtMs,
    cursor_emitter: emitter,
    cursor_epoch: epoch,
    cursor_sequence: sequence,
    cursor_event_id: eventId,
  };
}
