import type { AlertRuleConfigOf } from '@switchyard/gateway-config';
import { z } from 'zod';
import { FINDINGS_LIMIT, type Finding } from '../finding.js';
import { groupOf, groupSql } from '../rule-groups.js';
import { minutesMs, type Evaluation } from '../rule-kind.js';
import { among, CALL_TYPES, happenedIn, ruleCondition } from '../rule-sql.js';

const row = z.looseObject({ calls: z.coerce.number(), errors: z.coerce.number() });

/** What fails more often than it should. */
export async function findErrorRates(
  rule: AlertRuleConfigOf<'error-rate'>,
  { rows, tenant, nowMs }: Evaluation,
): Promise<Finding[]> {
  const { windowMinutes, filter, per, percent, minCalls } = rule;
  const { select, by } = groupSql(per);
  const span = { fromMs: nowMs - minutesMs(windowMinutes), toMs: nowMs };
  const { text, params } = ruleCondition(tenant, happenedIn([span]), filter, [among('calls', 'type', CALL_TYPES)]);
  const found = await rows({
    text: `SELECT ${select.join(', ')}, count() AS calls, countIf(outcome IN ('error', 'unknown')) AS errors
FROM events FINAL
WHERE ${text}
GROUP BY ${by.join(', ')}
HAVING calls >= {min_calls:UInt64} AND errors * 100 >= calls * {percent:Float64}
ORDER BY errors / calls DESC, errors DESC
LIMIT ${FINDINGS_LIMIT}`,
    params: { ...params, min_calls: minCalls, percent },
  });
  return found.map((one) => {
    const { calls, errors, ...group } = row.parse(one);
    const { key, about, title } = groupOf(per, group);
    const value = Math.round((errors / calls) * 1000) / 10;
    const says = `${title}: ${errors} of ${calls} calls failed in ${windowMinutes} min, ${value} % (limit ${percent} %)`;
    return { key, about, value, limit: percent, says };
  });
}
