import type { EventFilters, UsageGroup, UsageInterval, UsageMeasure } from '@switchyard/contracts';
import { ARE_CALLS, COUNTS, DURATIONS, MERGED_DURATIONS, type Rollup } from '../../usage/rollup.js';
import { eventCondition } from '../event-conditions.js';
import type { Sql } from '../limited-reads.js';
import { knownTeams, type ReadScope } from '../read-scope.js';
import type { Span } from './usage-plan.js';

/** Which figures of which calls. */
export interface UsageWanted {
  readonly tenant: string;
  readonly scope: ReadScope;
  readonly filters: EventFilters;
  readonly groupBy: readonly UsageGroup[];
  readonly interval?: UsageInterval | undefined;
  /** The most of this first, and no more than so many. */
  readonly top?: { readonly measure: UsageMeasure; readonly limit: number } | undefined;
  /** Which counts, `events` among them; all unless told. What takes longest is `durations`: each row of counts has a state of them. */
  readonly counts?: readonly string[] | undefined;
}

/** Which part of a time is read from where. */
export interface UsageParts {
  readonly counted: readonly { readonly rollup: Rollup; readonly spans: readonly Span[] }[];
  readonly events: readonly Span[];
}

/** A row of the answer. 64-bit numbers are text. */
export type UsageSqlRow = Readonly<Record<string, string | number>>;

const INTERVALS: Readonly<Record<UsageInterval, (time: string) => string>> = {
  minute: (time) => `toStartOfMinute(${time})`,
  hour: (time) => `toStartOfHour(${time})`,
  day: (time) => `toStartOfDay(${time}, 'UTC')`,
  month: (time) => `toDateTime(toStartOfMonth(${time}), 'UTC')`,
};

const COLUMNS: Readonly<Record<Exclude<UsageGroup, 'team'>, string>> = {
  principal: 'principal_subject',
  client: 'client_id',
  server: 'server',
  upstream: 'upstream',
  capability: 'capability',
};

/** Names that go with a group: those of the latest day, of several on a day the last. */
const NAMES: Readonly<Partial<Record<UsageGroup, string>>> = { principal: 'principal_name', client: 'client_name' };

const MEASURES: Readonly<Record<UsageMeasure, string>> = {
  calls: 'events',
  errors: 'errors',
  denied: 'denied',
  error_rate: 'errors / events',
  p95: 'durations[2]',
  bytes: 'bytes_in + bytes_out',
  tokens: 'arguments_tokens + result_tokens',
  cost: 'cost_micros',
};

/** What figures are read from. Rows of all have the same columns: keys, names, and counts as `c_…`. */
interface Source {
  readonly from: string;
  /** When, as a DateTime. */
  readonly time: string;
  readonly count: (name: string) => string;
  readonly within: (span: Span) => string;
}

const alias = (name: string) => `c_${name}`;

/** Events, each taken once. */
const EVENTS: Source = {
  from: 'events AS e FINAL',
  time: 'occurred_at',
  count: (name) => `${COUNTS[name] ?? ''} AS ${alias(name)}`,
  within: ({ fromMs, toMs }) =>
    `occurred_at >= fromUnixTimestamp64Milli(${fromMs}, 'UTC') AND occurred_at < fromUnixTimestamp64Milli(${toMs}, 'UTC')`,
};

const ofRollup = (rollup: Rollup): Source => ({
  from: `${rollup.table} AS e FINAL`,
  time: rollup.time,
  count: (name) =>
    name === 'durations' ? `${MERGED_DURATIONS}(e.durations) AS ${alias(name)}` : `sum(e.${name}) AS ${alias(name)}`,
  within: ({ fromMs, toMs }) =>
    `${rollup.bucket} >= ${rollup.bucketAt(fromMs / 1000)} AND ${rollup.bucket} < ${rollup.bucketAt(toMs / 1000)}`,
});

/**
 * Writes the query for figures of calls. The one place that says where figures come from.
 * @throws Problem 400 where a filter cannot be read
 */
export function usageSql(wanted: UsageWanted, parts: UsageParts): Sql {
  const { tenant, scope, filters, groupBy, interval, top, counts: counted = Object.keys(COUNTS) } = wanted;
  const { from: _from, to: _to, ...others } = filters;
  const condition = eventCondition(tenant, scope, others);
  const part = (source: Source, spans: readonly Span[]) => {
    const at = interval === undefined ? [] : [`${INTERVALS[interval](source.time)} AS k_at`];
    const keys = [...at, ...groupBy.map((group) => `${groupColumn(group, scope)} AS group_${group}`)];
    const names = groupBy.flatMap((group) =>
      NAMES[group] === undefined ? [] : [`max((toDate(${source.time}), toString(${NAMES[group]}))) AS n_${group}`],
    );
    return `SELECT ${[...keys, ...names, ...counted.map(source.count)].join(',\n    ')}
  FROM ${source.from}
  WHERE ${condition.text}
    AND ${ARE_CALLS}
    AND (${spans.map((span) => `(${source.within(span)})`).join(' OR ')})${groupedBy(aliases)}`;
  };
  const aliases = [...(interval === undefined ? [] : ['k_at']), ...groupBy.map((group) => `group_${group}`)];
  const sources = [
    ...parts.counted.map(({ rollup, spans }) => ({ source: ofRollup(rollup), spans })),
    { source: EVENTS, spans: parts.events },
  ];
  const selects = sources.filter(({ spans }) => spans.length > 0).map(({ source, spans }) => part(source, spans));
  const at = interval === undefined ? [] : [`formatDateTime(k_at, '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS at`];
  const names = groupBy.flatMap((group) =>
    NAMES[group] === undefined ? [] : [`tupleElement(max(n_${group}), 2) AS named_${group}`],
  );
  const counts = counted.map((name) =>
    name === 'durations' ? `${DURATIONS}(${alias(name)}) AS durations` : `sum(${alias(name)}) AS ${name}`,
  );
  const order = top === undefined ? [...aliases.slice(0, at.length), 'events DESC'] : [`${MEASURES[top.measure]} DESC`];
  const sql = `SELECT ${[...at, ...groupBy.map((group) => `group_${group}`), ...names, ...counts].join(', ')}
FROM (
  ${selects.join('\n  UNION ALL\n  ')}
)${groupedBy(aliases)}
HAVING events > 0
ORDER BY ${[...order, ...aliases].join(', ')}`;
  const { params } = condition;
  return top === undefined
    ? { text: sql, params }
    : { text: `${sql}\nLIMIT {top:UInt32}`, params: { ...params, top: top.limit } };
}

const groupedBy = (aliases: readonly string[]) => (aliases.length === 0 ? '' : `\n  GROUP BY ${aliases.join(', ')}`);

/** Each of the caller's teams, or "" where there is none: of those that the reader may know of. */
function groupColumn(group: UsageGroup, scope: ReadScope): string {
  if (group !== 'team') return `toString(${COLUMNS[group]})`;
  const teams = knownTeams(scope);
  return `arrayJoin(if(empty(${teams}), [''], ${teams}))`;
}
