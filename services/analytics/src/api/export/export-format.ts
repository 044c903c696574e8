import type { EventView, ExportEnd } from '@switchyard/contracts';
import { EVENT_FIELDS } from '../events-sql.js';
import { csvLine } from './csv.js';
import { jsonLine } from './printable.js';

/** How exported events are written. */
export interface ExportFormat {
  readonly contentType: string;
  readonly head: string;
  readonly line: (event: EventView) => string;
  /** The last line, which says whether there is everything. */
  readonly end: (end: ExportEnd) => string;
}

const blanks = EVENT_FIELDS.slice(1).map(() => '');

function csvEnd({ complete, events, reason, next_cursor: cursor }: ExportEnd): string {
  const facts = {
    complete,
    events,
    ...(reason === undefined ? {} : { reason }),
    ...(cursor === undefined ? {} : { next_cursor: cursor }),
  };
  const text = Object.entries(facts).map(([name, value]) => `${name}=${String(value)}`);
  return csvLine([`#export ${text.join(' ')}`, ...blanks]);
}

/** Every format, by its name in the API. */
export const EXPORT_FORMATS: Readonly<Record<'ndjson' | 'csv', ExportFormat>> = {
  ndjson: {
    contentType: 'application/x-ndjson',
    head: '',
    line: jsonLine,
    end: (end) => jsonLine({ export: end }),
  },
  csv: {
    contentType: 'text/csv; charset=utf-8; header=present',
    head: csvLine(EVENT_FIELDS),
    line: (event) => {
      const values: Readonly<Record<string, unknown>> = event;
      return csvLine(EVENT_FIELDS.map((name) => values[name]));
    },
    end: csvEnd,
  },
};
