/** A table of counts, made from events. All have the same counts, and differ in what a row is of. */
export interface Rollup {
  /** Its table, which is also its name in usage_progress. */
  readonly table: string;
  /** The dimension that says when. */
  readonly bucket: string;
  /** The same, as a DateTime. */
  readonly time: string;
  /** The bucket that begins at some seconds since 1970. */
  readonly bucketAt: (seconds: number) => string;
  /** Columns that a row is of, besides the tenant, as expressions over an event. */
  readonly dimensions: Readonly<Record<string, string>>;
  /** Condition for the events that it counts. */
  readonly counted: string;
  /** Seconds of one bucket. A bucket is counted as a whole. */
  readonly bucketSeconds: number;
}

/** What counts as a call: a request's own event, whether it was done or refused; not its hops, nor its lists and sessions. */
const CALLS = ['tool.called', 'prompt.got', 'resource.read', 'completion.made', 'task.used', 'policy.denied', 'request.refused'];
export const ARE_CALLS = `type IN (${CALLS.map((type) => `'${type}'`).join(', ')})`;
/** Every hop belongs to another event, which has its time and bytes. */
const ARE_NO_HOPS = `type != 'proxy.hop'`;

const capability = { type: 'type', server: 'server', upstream: 'upstream', capability: 'capability' };

/** By minute: what happened on servers, upstreams and capabilities. */
export const USAGE_MINUTES: Rollup = {
  table: 'usage_minutes',
  bucket: 'minute',
  time: 'minute',
  bucketAt: (seconds) => `toDateTime(${seconds}, 'UTC')`,
  dimensions: { minute: 'toStartOfMinute(occurred_at)', ...capability },
  counted: ARE_NO_HOPS,
  bucketSeconds: 60,
};

const person = {
  principal_issuer: 'principal_issuer',
  principal_subject: 'principal_subject',
  principal_name: 'principal_name',
  principal_kind: 'principal_kind',
  teams: 'teams',
  client_id: 'client_id',
  client_name: 'client_name',
};

const byDay = (table: string, dimensions: Rollup['dimensions'], counted: string): Rollup => ({
  table,
  bucket: 'day',
  time: "toDateTime(day, 'UTC')",
  bucketAt: (seconds) => `toDate(toDateTime(${seconds}, 'UTC'))`,
  dimensions: { day: 'toDate(occurred_at)', ...dimensions },
  counted,
  bucketSeconds: 86_400,
});

/** By day (UTC): who did what, with which client. */
export const USAGE_DAYS = byDay('usage_days', { ...person, ...capability }, ARE_NO_HOPS);
/** Calls alone, without what was called: a hundredth of the rows. */
export const USAGE_DAY_PEOPLE = byDay('usage_day_people', { ...person, type: 'type' }, ARE_CALLS);
/** Calls alone, by the teams of who called: fewer still. */
export const USAGE_DAY_TEAMS = byDay('usage_day_teams', { teams: 'teams', type: 'type' }, ARE_CALLS);
/** Calls alone, without who called. */
export const USAGE_DAY_TOOLS = byDay('usage_day_tools', capability, ARE_CALLS);

/** All of them: where several can answer a question, the first does. */
export const ROLLUPS: readonly Rollup[] = [USAGE_DAY_TOOLS, USAGE_DAY_TEAMS, USAGE_DAY_PEOPLE, USAGE_DAYS, USAGE_MINUTES];

/** What is counted of the events `e` of a group. All but `durations` are sums. */
export const COUNTS: Readonly<Record<string, string>> = {
  events: 'count()',
  errors: "countIf(outcome IN ('error', 'unknown'))",
  denied: "countIf(outcome = 'denied')",
  cancelled: "countIf(outcome = 'cancelled')",
  failed_client: "countIf(origin = 'client')",
  failed_policy: "countIf(origin = 'policy')",
  failed_gateway: "countIf(origin = 'gateway')",
  failed_upstream: "countIf(origin = 'upstream')",
  bytes_in: 'sum(e.bytes_in)',
  bytes_out: 'sum(e.bytes_out)',
  arguments_tokens: 'sum(e.arguments_tokens)',
  result_tokens: 'sum(e.result_tokens)',
  model_tokens_in: 'sum(e.model_tokens_in)',
  model_tokens_out: 'sum(e.model_tokens_out)',
  cost_micros: 'sum(e.cost_micros)',
  duration_us: 'sum(e.duration_us)',
  upstream_us: 'sum(e.upstream_us)',
  durations: 'quantilesBFloat16State(0.5, 0.95, 0.99)(e.duration_us)',
};

/** How states of `durations` become one. */
export const MERGED_DURATIONS = 'quantilesBFloat16MergeState(0.5, 0.95, 0.99)';
/** What they say. */
export const DURATIONS = 'quantilesBFloat16Merge(0.5, 0.95, 0.99)';

/** Buckets of one tenant without a gap: from the start of one to the start of another, seconds since 1970. */
export interface BucketRange {
  readonly tenant: string;
  readonly from: number;
  readonly to: number;
}

// Counting gives way: to inserts and to people's questions.
const settings = `max_threads = 1, max_execution_time = 600, max_memory_usage = 2147483648, max_bytes_before_external_group_by = 536870912,
  max_partitions_per_insert_block = 0`;

/**
 * Writes the statement that counts a range of buckets anew, from events that are each taken once. Placeholders: tenant, from and to.
 * Running it again, also at the same time, changes nothing unless there are more events: docs/adr/0049-usage-counts.md.
 */
export function countSql({ table, dimensions, counted }: Rollup): string {
  const columns = ['tenant', ...Object.keys(dimensions), ...Object.keys(COUNTS)];
  const values = ['tenant', ...Object.values(dimensions), ...Object.values(COUNTS)];
  const groups = ['tenant', ...Object.values(dimensions)];
  return `INSERT INTO ${table} (${columns.join(', ')})
SELECT ${values.join(', ')} FROM events AS e FINAL
WHERE tenant = {tenant:String} AND ${counted}
  AND occurred_at >= fromUnixTimestamp64Milli({from:Int64} * 1000, 'UTC') AND occurred_at < fromUnixTimestamp64Milli({to:Int64} * 1000, 'UTC')
GROUP BY ${groups.join(', ')}
SETTINGS ${settings}`;
}

/** Puts neighbours together. @param starts of buckets, ascending within each tenant */
export function rangesOf(
  starts: readonly { readonly tenant: string; readonly start: number }[],
  bucketSeconds: number,
): BucketRange[] {
  const ranges: { tenant: string; from: number; to: number }[] = [];
  for (const { tenant, start } of starts) {
    const last = ranges.at(-1);
    if (last?.tenant === tenant && last.to === start && last.to - last.from < longestSeconds(bucketSeconds))
      last.to += bucketSeconds;
    else ranges.push({ tenant, from: start, to: start + bucketSeconds });
  }
  return ranges;
}

/** One statement counts at most an hour of minutes, or a day: more would need memory without need. */
const longestSeconds = (bucketSeconds: number) => Math.max(3_600, bucketSeconds);
