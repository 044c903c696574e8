import type { EventView } from '@switchyard/contracts';
import { oneLine } from './table.js';

/** Heads of the columns of `eventRow`. */
export const EVENT_HEAD = ['TIME', 'TYPE', 'OUTCOME', 'WHO', 'SERVER', 'WHAT', 'MS', 'REASON'] as const;

/** An event as a row of a table. */
export function eventRow(event: EventView): string[] {
  const what = event.capability ?? event.upstream_capability ?? event.method ?? '';
  const outcome = event.outcome ?? '';
  const milliseconds = event.duration_us ?? event.upstream_us;
  return [
    event.occurred_at.slice(0, 23),
    oneLine(event.type),
    oneLine(outcome),
    oneLine(event.principal_name ?? ''),
    oneLine(event.server ?? ''),
    oneLine(event.upstream === undefined ? what : `${event.upstream}: ${what}`),
    milliseconds === undefined ? '' : (milliseconds / 1000).toFixed(1),
    oneLine(event.reason ?? ''),
  ];
}
