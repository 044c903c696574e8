import { renderEvent } from '@switchyard/audit';
import { eventsQuery, type EventFields, type EventsPage } from '@switchyard/contracts';
import type { Engine } from '../engine/engine.js';
import { decodeCursor } from './cursor.js';
import { EventTrail } from './event-trail.js';
import { LimitedReads } from './limited-reads.js';
import type { ReadScope } from './read-scope.js';

export const startMs = Date.UTC(2026, 0, 31, 23, 59, 0);

/** An event for a test. */
export interface Given {
  readonly emitter?: string;
  readonly epoch?: number;
  readonly sequence: number;
  /** Milliseconds after the start. */
  readonly at: number;
  readonly tenant?: string;
  readonly fields?: Partial<EventFields>;
}

export const idOf = ({ emitter = 'edge-1', epoch = 1, sequence }: Given) => `${emitter}/${epoch}/${sequence}`;

/** The line that its emitter renders. */
export function lineOf({ emitter = 'edge-1', epoch = 1, sequence, at, tenant = 'default', fields = {} }: Given): string {
  const identity = { tenant, emitter, epoch, sequence, recordedAtMs: startMs + at };
  return `${renderEvent({ type: 'tool.called', outcome: 'ok', ...fields }, identity)}\n`;
}

let inserts = 0;
export const insert = (engine: Engine, events: readonly Given[]) =>
  engine.insertLines('events', Buffer.from(events.map(lineOf).join('')), `test-${inserts++}`);

export const everything = { kind: 'all' } as const;
export const trailOf = (engine: Engine) => new EventTrail(new LimitedReads(engine), 'default');

export const page = (
  engine: Engine,
  query: Readonly<Record<string, string>>,
  cursor?: string,
  scope: ReadScope = everything,
): Promise<EventsPage> =>
  trailOf(engine).page(scope, eventsQuery.parse(query), cursor === undefined ? undefined : decodeCursor(cursor));

/** Ids of a page's events. */
export const ids = ({ events }: EventsPage) => events.map(({ event_id }) => event_id);
