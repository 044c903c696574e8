import { SETTLED_SECONDS } from '../../usage/usage-counter.js';
import type { Rollup } from '../../usage/rollup.js';
import type { Sql } from '../limited-reads.js';
import type { Span } from './usage-plan.js';

/** A bucket that has got events of late, and whose count may not have them. */
export interface UncountedRow {
  /** Table of the counts. */
  readonly rollup: string;
  /** Its beginning, seconds since 1970. */
  readonly at: number;
}

/** Beyond so many of a table there is more to count than is counted. */
export const UNCOUNTED_LIMIT = 5_000;

/** Asks which buckets are not in the counts for good: a mark may be seen before its events, until its insert must have ended. */
export function uncountedSql(tenant: string, { fromMs, toMs }: Span, rollups: readonly Rollup[]): Sql {
  const parts = rollups.map(
    ({
      table,
      bucketSeconds,
    }) => `SELECT '${table}' AS rollup, intDiv(toUnixTimestamp(minute), ${bucketSeconds}) * ${bucketSeconds} AS at
FROM usage_marks
WHERE tenant = {tenant:String}
  AND marked_at > (SELECT max(through) FROM usage_progress WHERE rollup = '${table}') - toIntervalSecond(${SETTLED_SECONDS})
  AND minute >= toStartOfDay(fromUnixTimestamp64Milli({from:Int64}, 'UTC'), 'UTC')
  AND minute < toStartOfDay(fromUnixTimestamp64Milli({to:Int64}, 'UTC'), 'UTC') + INTERVAL 1 DAY
GROUP BY at
LIMIT {limit:UInt32}`,
  );
  return { text: parts.join('\nUNION ALL\n'), params: { tenant, from: fromMs, to: toMs, limit: UNCOUNTED_LIMIT } };
}
