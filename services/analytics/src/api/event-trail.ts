import type { EventFilters, EventsPage, EventsQuery, EventView } from '@switchyard/contracts';
import { encodeCursor, type EventPlace } from './cursor.js';
import { eventsSql } from './events-sql.js';
import type { LimitedReads } from './limited-reads.js';
import type { ReadScope } from './read-scope.js';

/** A row as the engine gives it: every column, empty or not. */
export type EventRow = { readonly [Field in keyof EventView]-?: Exclude<EventView[Field], undefined> };

/** One tenant's audit trail. */
export class EventTrail {
  readonly #reads: LimitedReads;
  readonly #tenant: string;

  constructor(reads: LimitedReads, tenant: string) {
    this.#reads = reads;
    this.#tenant = tenant;
  }

  /**
   * Reads a page, newest first. Events that arrive meanwhile do not move what was there: going on from the last event's place
   * skips none and repeats none.
   * @throws Problem 400 where a filter cannot be read, 503 where the query takes too much
   */
  async page(scope: ReadScope, query: EventsQuery, after: EventPlace | undefined): Promise<EventsPage> {
    const { limit, cursor: _cursor, ...filters } = query;
    // One more than the page has tells whether there are older ones.
    const events = await this.events(scope, filters, limit + 1, after);
    const shown = events.slice(0, limit);
    const last = shown.at(-1);
    return events.length > shown.length && last ? { events: shown, next_cursor: cursorBehind(last) } : { events: shown };
  }

  /** Reads the newest events behind a place. @throws Problem as `page` does */
  async events(scope: ReadScope, filters: EventFilters, limit: number, after?: EventPlace): Promise<readonly EventView[]> {
    const rows = await this.#reads.rows(eventsSql({ tenant: this.#tenant, scope, filters, limit, after }));
    return (rows as readonly EventRow[]).map(withoutEmptyFields);
  }
}

/** The cursor that goes on behind an event. */
export function cursorBehind(event: EventView): string {
  return encodeCursor(placeOf(event));
}

/** An event's place in the order "newest first". */
export function placeOf({ occurred_at, emitter = '', epoch = '0', sequence = '0', event_id }: EventView): EventPlace {
  return { occurredAtMs: Date.parse(occurred_at), emitter, epoch, sequence, eventId: event_id };
}

/** What a column of times says where a line says nothing. */
const NO_TIME = '1970-01-01T00:00:00.000Z';

const isEmpty = (value: unknown) =>
  value === '' ||
  value === 0 ||
  value === NO_TIME ||
  (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

/** An event without what it does not say, as ProtoJSON has it. */
export function withoutEmptyFields(row: EventRow): EventView {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => !isEmpty(value))) as EventView;
}
