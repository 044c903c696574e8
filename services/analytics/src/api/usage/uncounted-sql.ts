import { SETTLED_SECONDS } from '../../usage/usage-counter.js';
import { USAGE_DAYS, USAGE_MINUTES } from '../../usage/rollup.js';
import type { Sql } from '../limited-reads.js';
import type { Span } from './usage-plan.js';

/** A minute that has got events of late, and which counts may not have them. */
export interface UncountedRow {
  /** Seconds since 1970. */
  readonly at: number;
  readonly days: number;
  readonly minutes: number;
}

/** Beyond so many there is more to count than is counted. */
export const UNCOUNTED_LIMIT = 5_000;

const through = ({ table }: { readonly table: string }) =>
  `(SELECT max(through) FROM usage_progress WHERE rollup = '${table}') - toIntervalSecond(${SETTLED_SECONDS})`;

/** Asks which minutes are not in the counts for good: a mark may be seen before its events, until its insert must have ended. */
export function uncountedSql(tenant: string, { fromMs, toMs }: Span): Sql {
  return {
    text: `WITH ${through(USAGE_DAYS)} AS days_through, ${through(USAGE_MINUTES)} AS minutes_through
SELECT toUInt32(toUnixTimestamp(minute)) AS at, max(marked_at > days_through) AS days, max(marked_at > minutes_through) AS minutes
FROM usage_marks
WHERE tenant = {tenant:String} AND marked_at > least(days_through, minutes_through)
  AND minute >= toStartOfDay(fromUnixTimestamp64Milli({from:Int64}, 'UTC'), 'UTC')
  AND minute < toStartOfDay(fromUnixTimestamp64Milli({to:Int64}, 'UTC'), 'UTC') + INTERVAL 1 DAY
GROUP BY minute
LIMIT {limit:UInt32}`,
    params: { tenant, from: fromMs, to: toMs, limit: UNCOUNTED_LIMIT },
  };
}
