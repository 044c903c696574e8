import type { AlertRuleConfigOf } from '@switchyard/gateway-config';
import { z } from 'zod';
import { FINDINGS_LIMIT, type Finding } from '../finding.js';
import { slotsOf, usualOf } from '../past.js';
import { groupOf, groupSql } from '../rule-groups.js';
import { minutesMs, type Evaluation } from '../rule-kind.js';
import { among, CALL_TYPES, happenedIn, ruleCondition } from '../rule-sql.js';

type Rule = AlertRuleConfigOf<'volume'>;

const row = z.looseObject({ value: z.coerce.number(), past: z.array(z.coerce.number()) });

const MEASURES: Readonly<Record<Rule['measure'], { readonly sql: string; readonly unit: string }>> = {
  calls: { sql: 'count()', unit: 'calls' },
  bytes: { sql: 'sum(bytes_in) + sum(bytes_out)', unit: 'bytes' },
  tokens: { sql: 'sum(arguments_tokens) + sum(result_tokens)', unit: 'tokens' },
  cost: { sql: 'sum(cost_micros)', unit: 'millionths of the currency' },
};

/**
 * Whose past is long enough. An empty time of somebody known counts as nothing used, so that a known caller who becomes active at an
 * unusual hour is noticed; somebody new has no past. Agents are in no count by day, so theirs is told by the times that are read.
 */
const KNOWN: Readonly<Record<Rule['per'], string>> = {
  principal: knownBy('group_subject', 'principal_subject'),
  client: knownBy('group_client', 'client_id'),
  agent: 'length(past) >= {known:UInt64}',
};

function knownBy(group: string, column: string): string {
  return `(length(past) >= {known:UInt64} OR ${group} IN (
    SELECT ${column} FROM usage_days FINAL
    WHERE tenant = {tenant:String} AND day >= toDate({past_from:UInt32}, 'UTC') AND day < toDate({past_to:UInt32}, 'UTC')
    GROUP BY ${column} HAVING uniqExact(day) >= {known:UInt64}))`;
}

/** Who uses far more than they did before. */
export async function findVolumes(rule: Rule, { rows, tenant, nowMs }: Evaluation): Promise<Finding[]> {
  const { windowMinutes, filter, per, measure, minimum, past, knownFor } = rule;
  const slots = slotsOf(past, minutesMs(windowMinutes), nowMs);
  const { select, by } = groupSql(per);
  const more = [among('calls', 'type', CALL_TYPES), ...(per === 'agent' ? [{ text: "on_behalf_of != ''", params: {} }] : [])];
  const { text, params } = ruleCondition(tenant, happenedIn(slots.spans), filter, more);
  const names = select.length > by.length ? ['argMin(named, slot) AS named'] : [];
  const found = await rows({
    text: `SELECT ${[...by, ...names].join(', ')}, sumIf(measured, slot = 0) AS value, groupArrayIf(measured, slot > 0) AS past
FROM (
  SELECT ${select.join(', ')}, ${slots.sql} AS slot, toFloat64(${MEASURES[measure].sql}) AS measured
  FROM events FINAL
  WHERE ${text}
  GROUP BY ${by.join(', ')}, slot
)
GROUP BY ${by.join(', ')}
HAVING value >= {minimum:Float64} AND ${KNOWN[per]}
ORDER BY value DESC
LIMIT 1000`,
    params: { ...params, ...slots.params, ...daysOf(slots.spans), minimum, known: knownFor },
  });
  return found.flatMap((one) => judge(one, rule) ?? []).slice(0, FINDINGS_LIMIT);
}

const seconds = (ms: number) => Math.max(0, Math.floor(ms / 1000));

/** The days of the past, without today. */
function daysOf(spans: readonly { readonly fromMs: number; readonly toMs: number }[]) {
  const [now] = spans;
  return { past_from: seconds(spans.at(-1)?.fromMs ?? 0), past_to: seconds(now?.fromMs ?? 0) };
}

function judge(
  one: unknown,
  { per, measure, windowMinutes, past: { count }, deviations, factor, minimum }: Rule,
): Finding | undefined {
  const { value, past, ...group } = row.parse(one);
  const nothing = Array.from({ length: Math.max(0, count - past.length) }, () => 0);
  const { middle, deviation } = usualOf([...past, ...nothing]);
  const limit = Math.max(minimum, middle * factor, middle + deviations * deviation);
  if (value < limit) return undefined;
  const { key, about, title } = groupOf(per, group);
  const rounded = (number: number) => String(Math.round(number));
  const says = `${title} used ${rounded(value)} ${MEASURES[measure].unit} in ${windowMinutes} min; usual are ${rounded(middle)} (limit ${rounded(limit)})`;
  return { key, about, value, limit, says };
}
