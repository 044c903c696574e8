import type { AlertRuleConfigOf } from '@switchyard/gateway-config';
import { z } from 'zod';
import { FINDINGS_LIMIT, type Finding } from '../finding.js';
import { median, slotsOf } from '../past.js';
import { groupOf, groupSql } from '../rule-groups.js';
import { minutesMs, type Evaluation } from '../rule-kind.js';
import { among, CALL_TYPES, ruleCondition } from '../rule-sql.js';

type Rule = AlertRuleConfigOf<'latency'>;

const row = z.looseObject({ value: z.coerce.number(), past: z.array(z.coerce.number()) });

/** What takes longer than it did before. What was refused takes no time, and does not count. */
export async function findLatencies(rule: Rule, { rows, tenant, nowMs }: Evaluation): Promise<Finding[]> {
  const { windowMinutes, filter, per, past, minCalls, knownFor } = rule;
  const slots = slotsOf(past, minutesMs(windowMinutes), nowMs);
  const { select, by } = groupSql(per);
  const more = [among('calls', 'type', CALL_TYPES), { text: "outcome IN ('ok', 'error')", params: {} }];
  const { text, params } = ruleCondition(tenant, slots.spans, filter, more);
  const found = await rows({
    text: `SELECT ${by.join(', ')}, maxIf(measured, slot = 0) AS value, groupArrayIf(measured, slot > 0) AS past
FROM (
  SELECT ${select.join(', ')}, ${slots.sql} AS slot, toFloat64(quantileBFloat16(0.95)(duration_us)) / 1000 AS measured
  FROM events FINAL
  WHERE ${text}
  GROUP BY ${by.join(', ')}, slot
  HAVING count() >= {min_calls:UInt64}
)
GROUP BY ${by.join(', ')}
HAVING value > 0 AND length(past) >= {known:UInt64}
ORDER BY value DESC
LIMIT 1000`,
    params: { ...params, ...slots.params, min_calls: minCalls, known: knownFor },
  });
  return found.flatMap((one) => judge(one, rule) ?? []).slice(0, FINDINGS_LIMIT);
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
