import { Problem } from '@switchyard/admin-api';
import type { EventFilters, EventView, ExportEnd } from '@switchyard/contracts';
import type { EventPlace } from '../cursor.js';
import { cursorBehind, placeOf, type EventTrail } from '../event-trail.js';
import type { ReadScope } from '../read-scope.js';
import type { ExportFormat } from './export-format.js';

/** Which events are exported, and how. */
export interface EventsExport {
  readonly trail: EventTrail;
  readonly scope: ReadScope;
  readonly filters: EventFilters;
  readonly after: EventPlace | undefined;
  readonly format: ExportFormat;
  /** Told of what ends an export early without being anybody's fault but ours. */
  readonly onFault: (error: unknown) => void;
}

// An event is at most 64 Ki characters: this many are what is in memory at once.
const PAGE_EVENTS = 1_000;

/**
 * Writes all events that match, newest first, page by page: the next page is read when the one before is taken.
 * @returns text that ends with a line that says whether it is complete, and from where to go on
 * @throws Problem where the first page cannot be read; what fails later is told in the last line
 */
export async function exportEvents(o: EventsExport): Promise<AsyncGenerator<string, void>> {
  const first = await page(o, o.after);
  return write(o, first);
}

const page = ({ trail, scope, filters }: EventsExport, after: EventPlace | undefined) =>
  trail.events(scope, filters, PAGE_EVENTS, after);

async function* write(o: EventsExport, first: readonly EventView[]): AsyncGenerator<string, void> {
  const { format } = o;
  let last: EventView | undefined;
  let events = 0;
  let read = first;
  yield format.head;
  for (;;) {
    if (read.length > 0) yield read.map(format.line).join('');
    events += read.length;
    last = read.at(-1) ?? last;
    if (read.length < PAGE_EVENTS || last === undefined) return yield format.end({ complete: true, events });
    const next = await nextPage(o, last);
    if ('failed' in next) return yield format.end({ complete: false, events, ...next.failed, next_cursor: cursorBehind(last) });
    read = next.events;
  }
}

type NextPage = { readonly events: readonly EventView[] } | { readonly failed: Pick<ExportEnd, 'reason' | 'detail'> };

async function nextPage(o: EventsExport, last: EventView): Promise<NextPage> {
  try {
    return { events: await page(o, placeOf(last)) };
  } catch (error) {
    if (error instanceof Problem) return { failed: { reason: error.details.reason, detail: error.details.detail } };
    o.onFault(error);
    return { failed: { reason: 'internal', detail: 'This failed because of a fault in the gateway; its log names the cause.' } };
  }
}
