import type { AlertRuleConfigOf } from '@switchyard/gateway-config';
import { z } from 'zod';
import type { Sql } from '../../api/limited-reads.js';
import { DURATIONS } from '../../usage/rollup.js';
import { FINDINGS_LIMIT, type Finding } from '../finding.js';
import { median, slotsOf } from '../past.js';
import { groupOf, groupSql } from '../rule-groups.js';
import { minutesMs, type Evaluation } from '../rule-kind.js';
import { among, CALL_TYPES, happenedIn, inMinutes, ruleCondition } from '../rule-sql.js';

type Rule = AlertRuleConfigOf<'latency'>;

const row = z.looseObject({ value: z.coerce.number(), past: z.array(z.coerce.number()) });

/** Calls that were made; what was refused takes no time, and does not count. */
const MADE_TYPES = CALL_TYPES.filter((type) => type !== 'policy.denied' && type !== 'request.refused');

/** What takes longer than it did before. */
export async function findLatencies(rule: Rule, evaluation: Evaluation): Promise<Finding[]> {
  const found = await evaluation.rows(isCounted(rule) ? fromMinutes(rule, evaluation) : fromEvents(rule, evaluation));
  return found.flatMap((one) => judge(one, rule) ?? []).slice(0, FINDINGS_LIMIT);
}

/** Counts by minute know neither teams nor single outcomes. */
const isCounted = ({ filter: { teams, outcomes } }: Rule) => teams === undefined && outcomes === undefined;

/** Asks counts by minute: as many rows as there were tools in a minute, however often they were called. */
function fromMinutes(rule: Rule, { tenant, nowMs }: Evaluation): Sql {
  const { windowMinutes, filter, past, per } = rule;
  // The minute at hand is not counted yet.
  const slots = slotsOf(
    past,
    minutesMs(windowMinutes),
    nowMs - (nowMs % minutesMs(1)),
    'toInt64(toUnixTimestamp(minute)) * 1000',
  );
  const more = [among('calls', 'type', MADE_TYPES)];
  const { text, params } = ruleCondition(tenant, inMinutes(slots.spans), filter, more);
  const measures = { calls: 'sum(events)', p95: `${DURATIONS}(durations)[2]` };
  return compared(
    rule,
    { ...measures, columns: groupSql(per), slot: slots.sql, from: `usage_minutes FINAL\n  WHERE ${text}` },
    {
      ...params,
      ...slots.params,
    },
  );
}

/** Asks events themselves. */
function fromEvents(rule: Rule, { tenant, nowMs }: Evaluation): Sql {
  const { windowMinutes, filter, past, per } = rule;
  const slots = slotsOf(past, minutesMs(windowMinutes), nowMs);
  const more = [among('calls', 'type', CALL_TYPES), { text: "outcome IN ('ok', 'error')", params: {} }];
  const { text, params } = ruleCondition(tenant, happenedIn(slots.spans), filter, more);
  const measures = { calls: 'count()', p95: 'quantileBFloat16(0.95)(duration_us)' };
  return compared(
    rule,
    { ...measures, columns: groupSql(per), slot: slots.sql, from: `events FINAL\n  WHERE ${text}` },
    {
      ...params,
      ...slots.params,
    },
  );
}

/** What differs by where the times are read. All but `columns` are SQL. */
interface Source {
  readonly columns: ReturnType<typeof groupSql>;
  readonly slot: string;
  readonly calls: string;
  /** In microseconds. */
  readonly p95: string;
  readonly from: string;
}

function compared(
  { minCalls, knownFor }: Rule,
  { columns: { select, by }, slot, calls, p95, from }: Source,
  params: Sql['params'],
): Sql {
  return {
    text: `SELECT ${by.join(', ')}, maxIf(measured, slot = 0) AS value, groupArrayIf(measured, slot > 0) AS past
FROM (
  SELECT ${select.join(', ')}, ${slot} AS slot, toFloat64(${p95}) / 1000 AS measured
  FROM ${from}
  GROUP BY ${by.join(', ')}, slot
  HAVING ${calls} >= {min_calls:UInt64}
)
GROUP BY ${by.join(', ')}
HAVING value > 0 AND length(past) >= {known:UInt64}
ORDER BY value DESC
LIMIT 1000`,
    params: { ...params, min_calls: minCalls, known: knownFor },
  };
}

function judge(one: unknown, { per, windowMinutes, factor, minMs }: Rule): Finding | undefined {
  const { value, past, ...group } = row.parse(one);
  const usual = median(past);
  const limit = Math.max(usual * factor, usual + minMs);
  if (value < limit) return undefined;
  const { key, about, title } = groupOf(per, group);
  const ms = (number: number) => `${Math.round(number)} ms`;
  const says = `${title}: 95 % of calls took up to ${ms(value)} in ${windowMinutes} min; usual are ${ms(usual)} (limit ${ms(limit)})`;
  return { key, about, value, limit, says };
}
