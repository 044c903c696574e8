import { EventSchema, type EventFilters } from '@switchyard/contracts';
import type { QueryParams } from '../engine/engine.js';
import type { EventPlace } from './cursor.js';
import { eventCondition, readFilter } from './event-conditions.js';
import { allOf, type Condition } from './filter/condition.js';
import type { Filter } from './filter/parse-filter.js';
import type { Sql } from './limited-reads.js';
import type { ReadScope } from './read-scope.js';

/** Which events, and of whom. */
export interface EventsWanted {
  readonly tenant: string;
  readonly scope: ReadScope;
  readonly filters: EventFilters;
  /** Most rows. */
  readonly limit: number;
  /** Place behind which they begin. */
  readonly after?: EventPlace | undefined;
}

// The first condition is for the primary key, which does not see through the second.
const behindCursor = `occurred_at <= fromUnixTimestamp64Milli({cursor_at:Int64}, 'UTC')
  AND (occurred_at, emitter, epoch, sequence, event_id) < (fromUnixTimestamp64Milli({cursor_at:Int64}, 'UTC'),
    {cursor_emitter:String}, {cursor_epoch:UInt64}, {cursor_sequence:UInt64}, {cursor_event_id:String})`;

const newestFirst = 'occurred_at DESC, emitter DESC, epoch DESC, sequence DESC, event_id DESC';

/** Columns of events that are shown: the fields of an event. */
export const EVENT_FIELDS = EventSchema.fields.map(({ jsonName }) => jsonName);

/**
 * Writes the query for events, newest first. A row that was stored twice counts once: LIMIT 1 BY comes before LIMIT.
 * @throws Problem 400 where a filter cannot be read
 */
export function eventsSql({ tenant, scope, filters, limit, after }: EventsWanted): Sql {
  const matching = eventCondition(tenant, scope, filters);
  const { text, params } = after === undefined ? matching : allOf([matching, placeCondition(after)]);
  // In two steps: finding which rows reads few columns of many rows, and then all columns of few. As one step it takes the engine eight
  // times as long (measured): LIMIT BY keeps it from reading columns late by itself. The second is sorted when it has been read: the engine
  // would read rows in the key's order, which takes a quarter longer where they lie apart, and one after the other.
  const fields = EVENT_FIELDS.join(', ');
  return {
    text: `SELECT ${fields} FROM (
  SELECT ${fields} FROM events
  WHERE tenant = {tenant:String} AND (occurred_at, event_id) IN (
    SELECT occurred_at, event_id FROM events
    WHERE ${text}
    ORDER BY ${newestFirst}
    LIMIT 1 BY event_id
    LIMIT {limit:UInt32})
  LIMIT 1 BY event_id)
ORDER BY ${newestFirst}`,
    params: { ...params, limit },
    isOfPerson: isOfPerson(filters),
  };
}

/** Whether it is asked for one person. Who may read their own only is told by the issuer too, which rows sorted by person do not have. */
function isOfPerson({ principal, filter }: EventFilters): boolean {
  return principal !== undefined || (filter !== undefined && namesPerson(readFilter(filter)));
}

function namesPerson(filter: Filter): boolean {
  if (filter.kind === 'comparison') return filter.name === 'principal_subject' && filter.operator === '=';
  return filter.kind === 'and' && filter.parts.some(namesPerson);
}

function placeCondition(place: EventPlace): Condition {
  return { text: behindCursor, params: cursorValues(place) };
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
