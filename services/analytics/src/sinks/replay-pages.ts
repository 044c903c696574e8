import { EVENT_FIELDS } from '../api/events-sql.js';
import { type EventRow, withoutEmptyFields } from '../api/event-trail.js';
import type { EventJson } from '@switchyard/contracts';
import type { Engine, QueryParams } from '../engine/engine.js';
import type { Replay } from './replay.js';

/** A part of what is replayed. */
export interface ReplayPage {
  readonly events: readonly EventJson[];
  /** Where the next page begins; undefined behind the last. */
  readonly after: Replay['after'];
}

const PAGE_EVENTS = 1_000;
const SETTINGS = `SETTINGS max_execution_time = 60, max_memory_usage = 2147483648, max_threads = 1, read_in_order_use_buffering = 0,
  date_time_output_format = 'iso', output_format_json_quote_64bit_integers = 1`;

const at = (name: string) => `fromUnixTimestamp64Milli({${name}:Int64}, 'UTC')`;

// In the order of the table, so that a page is read without sorting what is behind it.
const EVENTS = `SELECT ${EVENT_FIELDS.join(', ')} FROM events
WHERE tenant = {tenant:String} AND occurred_at >= ${at('from')} AND occurred_at < ${at('to')}
  AND (occurred_at, emitter, epoch, sequence, event_id) >
    (${at('at')}, {emitter:String}, {epoch:UInt64}, {sequence:UInt64}, {event_id:String})
ORDER BY occurred_at, emitter, epoch, sequence, event_id
LIMIT 1 BY event_id
LIMIT ${PAGE_EVENTS}
${SETTINGS}`;

const DEAD_LETTERS = `SELECT event_id, event FROM sink_dead_letters FINAL
WHERE tenant = {tenant:String} AND sink = {sink:String} AND dead_at >= ${at('from')} AND dead_at < ${at('to')}
  AND event_id > {event_id:String}
ORDER BY event_id
LIMIT ${PAGE_EVENTS}
${SETTINGS}`;

/** Reads the next part of what is replayed, from the database. @throws EngineError */
export async function readReplayPage(engine: Pick<Engine, 'query'>, tenant: string, replay: Replay): Promise<ReplayPage> {
  const { sink, fromMs: from, toMs: to, after, source } = replay;
  const params: QueryParams = { tenant, sink, from, to };
  if (source === 'dead-letters') {
    const rows = await engine.query(DEAD_LETTERS, { ...params, event_id: after?.eventId ?? '' });
    const events = (rows as readonly { readonly event: string }[]).map(({ event }) => JSON.parse(event) as EventJson);
    return pageOf(events);
  }
  const { atMs = from, emitter = '', epoch = '0', sequence = '0', eventId = '' } = after ?? {};
  // A range begins with what happened at its first instant: nothing has an empty id.
  const rows = await engine.query(EVENTS, { ...params, at: atMs, emitter, epoch, sequence, event_id: eventId });
  return pageOf((rows as readonly EventRow[]).map((row) => withoutEmptyFields(row) as EventJson));
}

function pageOf(events: readonly EventJson[]): ReplayPage {
  const last = events.at(-1);
  if (last === undefined || events.length < PAGE_EVENTS) return { events, after: undefined };
  const { occurred_at: occurredAt = '', emitter = '', epoch = '0', sequence = '0', event_id: eventId = '' } = last;
  return { events, after: { atMs: Date.parse(occurredAt), emitter, epoch, sequence, eventId } };
}
