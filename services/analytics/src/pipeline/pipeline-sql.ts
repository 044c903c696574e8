import type { GapsQuery } from '@switchyard/contracts';
import type { Sql } from '../api/limited-reads.js';

/** Greatest sequence of each emitter and boot in the database. */
export const STORED: Sql = {
  text: `SELECT emitter, epoch, part * 65536 + bitmapMax(groupBitmapMergeState(seen)) AS stored FROM event_sequences
WHERE (emitter, epoch, part) IN (SELECT emitter, epoch, max(part) FROM event_sequences GROUP BY emitter, epoch)
GROUP BY emitter, epoch, part`,
  params: {},
};

/** How long events took until they were stored, of the newest. By the key, so that it reads these and no others. */
export const delaysSql = (tenant: string): Sql => ({
  text: `SELECT count() AS recent, arrayMap(x -> if(isFinite(x), toUInt64(greatest(x, 0)), 0), quantiles(0.5, 0.99)(delay)) AS delays
FROM (
  SELECT toUnixTimestamp64Milli(ingested_at) - toUnixTimestamp64Milli(occurred_at) AS delay FROM events
  WHERE tenant = {tenant:String} AND occurred_at > now64(3) - INTERVAL 1 DAY AND occurred_at < now64(3) + INTERVAL 1 MINUTE
    AND ingested_at > now64(3) - INTERVAL 15 MINUTE
  ORDER BY occurred_at DESC
  LIMIT 100000)`,
  params: { tenant },
});

/** What sinks have refused for good. */
export const sinkDeadLettersSql = (tenant: string): Sql => ({
  text: `SELECT sink, count() AS kept, countIf(dead_at > now64(3) - INTERVAL 1 DAY) AS recent FROM sink_dead_letters FINAL
WHERE tenant = {tenant:String} GROUP BY sink`,
  params: { tenant },
});

/** Lines that are no events, by reason. */
export const DEAD_LETTERS: Sql = {
  text: `SELECT reason, count() AS kept, countIf(dead_at > now64(3) - INTERVAL 1 DAY) AS recent, max(dead_at) AS latest_at
FROM dead_letters FINAL GROUP BY reason`,
  params: {},
};

/** What is missing now. */
export const OPEN_GAPS: Sql = {
  text: `SELECT count() AS open, sum(last - first + 1) AS missing, min(found_at) AS oldest_at
FROM audit_gaps FINAL WHERE closed_at = toDateTime64(0, 3, 'UTC')`,
  params: {},
};

/** When the first event behind a time happened, of those that are a reason to sign. */
export const firstEventBehindSql = (tenant: string, atMs: number): Sql => ({
  text: `SELECT toUnixTimestamp64Milli(occurred_at) AS at_ms FROM events
WHERE tenant = {tenant:String} AND occurred_at > fromUnixTimestamp64Milli({at:Int64}, 'UTC') AND type != 'audit.checkpoint_signed'
ORDER BY occurred_at LIMIT 1`,
  params: { tenant, at: atMs },
});

const STATES: Readonly<Record<GapsQuery['state'], string>> = {
  open: "closed_at = toDateTime64(0, 3, 'UTC')",
  closed: "closed_at != toDateTime64(0, 3, 'UTC')",
  all: '1',
};

/** Gaps, latest found first: one more than are wanted. */
export function gapsSql({ state, from, to, limit }: GapsQuery): Sql {
  const conditions = [
    STATES[state],
    ...(from === undefined ? [] : ["found_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')"]),
    ...(to === undefined ? [] : ["found_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')"]),
  ];
  return {
    text: `SELECT emitter, epoch, first, last, found_at, closed_at FROM audit_gaps FINAL
WHERE ${conditions.join(' AND ')}
ORDER BY found_at DESC, emitter, epoch, first
LIMIT {limit:UInt32}`,
    params: {
      limit: limit + 1,
      ...(from === undefined ? {} : { from: Date.parse(from) }),
      ...(to === undefined ? {} : { to: Date.parse(to) }),
    },
  };
}
