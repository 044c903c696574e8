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

// Most of what a page takes is the same however many events it has. An event is at most 64 Ki characters, which of so many is what may be in
// memory at once; where events are small, as they are, pages become larger until they have so many characters.
const PAGE_EVENTS = { first: 1_000, most: 4_000 } as const;
const PAGE_CHARACTERS = 4 * 1024 ** 2;

/**
 * Writes all events that match, newest first, page by page: the next page is read when the one before is taken.
 * @returns text that ends with a line that says whether it is complete, and from where to go on
 * @throws Problem where the first page cannot be read; what fails later is told in the last line
 */
export async function exportEvents(o: EventsExport): Promise<AsyncGenerator<string, void>> {
  const first = await page(o, PAGE_EVENTS.first, o.after);
  return write(o, first);
}

const page = ({ trail, scope, filters }: EventsExport, limit: number, after: EventPlace | undefined) =>
  trail.events(scope, filters, limit, after);

/** How many events the next page has: as many as fit into it, if they are as long as those of the last one. */
function nextLimit(events: number, characters: number): number {
  const fitting = Math.floor((PAGE_CHARACTERS * events) / Math.max(1, characters));
  return Math.min(Math.max(fitting, PAGE_EVENTS.first), PAGE_EVENTS.most);
}

async function* write(o: EventsExport, first: readonly EventView[]): AsyncGenerator<string, void> {
  const { format } = o;
  let last: EventView | undefined;
  let events = 0;
  let read = first;
  let limit: number = PAGE_EVENTS.first;
  yield format.head;
  for (;;) {
    const text = read.map(format.line).join('');
    if (read.length > 0) yield text;
    events += read.length;
    last = read.at(-1) ?? last;
    if (read.length < limit || last === undefined) return yield format.end({ complete: true, events });
    limit = nextLimit(read.length, text.length);
    const next = await nextPage(o, limit, last);
    if ('failed' in next) return yield format.end({ complete: false, events, ...next.failed, next_cursor: cursorBehind(last) });
    read = next.events;
  }
}

type NextPage = { readonly events: readonly EventView[] } | { readonly failed: Pick<ExportEnd, 'reason' | 'detail'> };

async function nextPage(o: EventsExport, limit: number, last: EventView): Promise<NextPage> {
  try {
    return { events: await page(o, limit, placeOf(last)) };
  } catch (error) {
    if (error instanceof Problem) return { failed: { reason: error.details.reason, detail: error.details.detail } };
    o.onFault(error);
    return { failed: { reason: 'internal', detail: 'This failed because of a fault in the gateway; its log names the cause.' } };
  }
}
