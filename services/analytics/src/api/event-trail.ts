import type { EventsPage, EventsQuery, EventView } from '@switchyard/contracts';
import type { Engine } from '../engine/engine.js';
import { encodeCursor, type EventPlace } from './cursor.js';
import { eventsSql } from './events-sql.js';

/** A row as the engine gives it: every column, empty or not. */
type EventRow = { readonly [Field in keyof EventView]-?: Exclude<EventView[Field], undefined> };

/** One tenant's audit trail. */
export class EventTrail {
  readonly #engine: Engine;
  readonly #tenant: string;

  constructor(engine: Engine, tenant: string) {
    this.#engine = engine;
    this.#tenant = tenant;
  }

  /**
   * Reads a page, newest first. Events that arrive meanwhile do not move what was there: going on from the last event's place
   * skips none and repeats none.
   * @throws EngineError
   */
  async page(query: EventsQuery, after: EventPlace | undefined): Promise<EventsPage> {
    const { text, params } = eventsSql(this.#tenant, query, after);
    const rows = (await this.#engine.query(text, params)) as readonly EventRow[];
    const shown = rows.slice(0, query.limit);
    const last = shown.at(-1);
    const events = shown.map(withoutEmptyFields);
    return rows.length > shown.length && last ? { events, next_cursor: encodeCursor(placeOf(last)) } : { events };
  }
}

function placeOf({ occurred_at, emitter, epoch, sequence, event_id }: EventRow): EventPlace {
  return { occurredAtMs: Date.parse(occurred_at), emitter, epoch, sequence, eventId: event_id };
}

/** What a column of times says where a line says nothing. */
const NO_TIME = '1970-01-01T00:00:00.000Z';

const isEmpty = (value: unknown) =>
  value === '' ||
  value === 0 ||
  value === NO_TIME ||
  (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

// As ProtoJSON does.
function withoutEmptyFields(row: EventRow): EventView {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => !isEmpty(value))) as EventView;
}
