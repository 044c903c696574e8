import type { EventFilters, UsageGroup, UsageInterval, UsageMeasure } from '@switchyard/contracts';
import { eventCondition } from '../event-conditions.js';
import type { Sql } from '../limited-reads.js';
import { knownTeams, type ReadScope } from '../read-scope.js';

/** Which figures of which calls. */
export interface UsageWanted {
  readonly tenant: string;
  readonly scope: ReadScope;
  readonly filters: EventFilters;
  readonly groupBy: readonly UsageGroup[];
  readonly interval?: UsageInterval | undefined;
  /** The most of this first, and no more than so many. */
  readonly top?: { readonly measure: UsageMeasure; readonly limit: number } | undefined;
}

/** A row of the answer. 64-bit numbers are text. */
export type UsageSqlRow = Readonly<Record<string, string | number>>;

/** What counts as a call: a request's own event, whether it was done or refused; not its hops, nor its lists and sessions. */
const CALLS = ['tool.called', 'prompt.got', 'resource.read', 'completion.made', 'task.used', 'policy.denied', 'request.refused'];

const INTERVALS: Readonly<Record<UsageInterval, string>> = {
  minute: 'toStartOfMinute(occurred_at)',
  hour: 'toStartOfHour(occurred_at)',
  day: "toStartOfDay(occurred_at, 'UTC')",
  month: "toDateTime(toStartOfMonth(occurred_at), 'UTC')",
};

const COLUMNS: Readonly<Record<Exclude<UsageGroup, 'team'>, string>> = {
  principal: 'principal_subject',
  client: 'client_id',
  server: 'server',
  upstream: 'upstream',
  capability: 'capability',
};

/** Names that go with a group, the latest. */
const NAMES: Readonly<Partial<Record<UsageGroup, string>>> = {
  principal: 'argMax(principal_name, occurred_at) AS named_principal',
  client: 'argMax(client_name, occurred_at) AS named_client',
};

const FIGURES = `count() AS calls,
  countIf(outcome IN ('error', 'unknown')) AS errors, countIf(outcome = 'denied') AS denied, countIf(outcome = 'cancelled') AS cancelled,
  countIf(origin = 'client') AS failed_client, countIf(origin = 'policy') AS failed_policy,
  countIf(origin = 'gateway') AS failed_gateway, countIf(origin = 'upstream') AS failed_upstream,
  quantilesBFloat16(0.5, 0.95, 0.99)(duration_us) AS durations,
  sum(bytes_in) AS sum_bytes_in, sum(bytes_out) AS sum_bytes_out,
  sum(arguments_tokens) AS sum_arguments_tokens, sum(result_tokens) AS sum_result_tokens,
  sum(model_tokens_in) AS sum_model_tokens_in, sum(model_tokens_out) AS sum_model_tokens_out,
  sum(cost_micros) AS sum_cost_micros`;

const MEASURES: Readonly<Record<UsageMeasure, string>> = {
  calls: 'calls',
  errors: 'errors',
  denied: 'denied',
  error_rate: 'errors / calls',
  p95: 'durations[2]',
  bytes: 'sum_bytes_in + sum_bytes_out',
  tokens: 'sum_arguments_tokens + sum_result_tokens',
  cost: 'sum_cost_micros',
};

/**
 * Writes the query for figures of calls. The one place that says where figures come from: events, each taken once (FINAL).
 * @throws Problem 400 where a filter cannot be read
 */
export function usageSql({ tenant, scope, filters, groupBy, interval, top }: UsageWanted): Sql {
  const { text, params } = eventCondition(tenant, scope, filters);
  const at = interval === undefined ? [] : [`formatDateTime(${INTERVALS[interval]}, '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS at`];
  const keys = [...at, ...groupBy.map((group) => `${groupColumn(group, scope)} AS group_${group}`)];
  const names = groupBy.flatMap((group) => NAMES[group] ?? []);
  const aliases = [...(interval === undefined ? [] : ['at']), ...groupBy.map((group) => `group_${group}`)];
  const order = [...(top === undefined ? orderOf(interval) : [`${MEASURES[top.measure]} DESC`]), ...aliases];
  const sql = `SELECT ${[...keys, ...names, FIGURES].join(',\n  ')}
FROM events FINAL
WHERE ${text}
  AND type IN (${CALLS.map((type) => `'${type}'`).join(', ')})
${aliases.length === 0 ? 'HAVING calls > 0' : `GROUP BY ${aliases.join(', ')}`}
ORDER BY ${order.join(', ')}`;
  return top === undefined
    ? { text: sql, params }
    : { text: `${sql}\nLIMIT {top:UInt32}`, params: { ...params, top: top.limit } };
}

const orderOf = (interval: UsageInterval | undefined) => [...(interval === undefined ? [] : ['at']), 'calls DESC'];

/** Each of the caller's teams, or "" where there is none: of those that the reader may know of. */
function groupColumn(group: UsageGroup, scope: ReadScope): string {
  if (group !== 'team') return COLUMNS[group];
  const teams = knownTeams(scope);
  return `arrayJoin(if(empty(${teams}), [''], ${teams}))`;
}
