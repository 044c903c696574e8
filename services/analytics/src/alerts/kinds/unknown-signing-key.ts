import type { AlertRuleConfigOf } from '@switchyard/gateway-config';
import { z } from 'zod';
import type { Finding } from '../finding.js';
import { minutesMs, type Evaluation } from '../rule-kind.js';
import { happenedIn, ruleCondition } from '../rule-sql.js';

const row = z.object({ tokens: z.coerce.number() });

/** Whether tokens come that are signed with keys that the authorization server does not publish. */
export async function findUnknownKeys(
  rule: AlertRuleConfigOf<'unknown-signing-key'>,
  evaluation: Evaluation,
): Promise<Finding[]> {
  const { rows, tenant, nowMs } = evaluation;
  const { windowMinutes, filter, count } = rule;
  const span = { fromMs: nowMs - minutesMs(windowMinutes), toMs: nowMs };
  const unknown = { text: "type = 'auth.rejected' AND detail['because'] = 'unknown_key'", params: {} };
  const { text, params } = ruleCondition(tenant, happenedIn([span]), filter, [unknown]);
  const found = await rows({
    text: `SELECT count() AS tokens
FROM events FINAL
WHERE ${text}
HAVING tokens >= {count:UInt64}`,
    params: { ...params, count },
  });
  return found.map((one) => {
    const { tokens } = row.parse(one);
    const says = `${tokens} tokens in ${windowMinutes} min were signed with keys that the authorization server does not publish (limit ${count})`;
    return { key: '', about: {}, value: tokens, limit: count, says };
  });
}
