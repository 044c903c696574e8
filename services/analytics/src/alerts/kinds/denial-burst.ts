import type { AlertRuleConfigOf } from '@switchyard/gateway-config';
import { z } from 'zod';
import { FINDINGS_LIMIT, type Finding } from '../finding.js';
import { groupOf, groupSql } from '../rule-groups.js';
import { minutesMs, type Evaluation } from '../rule-kind.js';
import { happenedIn, ruleCondition } from '../rule-sql.js';

const row = z.looseObject({ denials: z.coerce.number(), reason: z.string() });

/** Who is denied again and again. */
export async function findDenialBursts(
  rule: AlertRuleConfigOf<'denial-burst'>,
  { rows, tenant, nowMs }: Evaluation,
): Promise<Finding[]> {
  const { windowMinutes, filter, per, count } = rule;
  const { select, by } = groupSql(per);
  const span = { fromMs: nowMs - minutesMs(windowMinutes), toMs: nowMs };
  const { text, params } = ruleCondition(tenant, happenedIn([span]), filter, [{ text: "outcome = 'denied'", params: {} }]);
  const found = await rows({
    text: `SELECT ${select.join(', ')}, count() AS denials, toString(topK(1)(reason)[1]) AS reason
FROM events FINAL
WHERE ${text}
GROUP BY ${by.join(', ')}
HAVING denials >= {count:UInt64}
ORDER BY denials DESC
LIMIT ${FINDINGS_LIMIT}`,
    params: { ...params, count },
  });
  return found.map((one) => {
    const { denials, reason, ...group } = row.parse(one);
    const { key, about, title } = groupOf(per, group);
    const mostly = reason === '' ? '' : `, mostly ${reason}`;
    const says = `${title} was denied ${denials} times in ${windowMinutes} min${mostly} (limit ${count})`;
    return { key, about: { ...about, ...(reason === '' ? {} : { reason }) }, value: denials, limit: count, says };
  });
}
