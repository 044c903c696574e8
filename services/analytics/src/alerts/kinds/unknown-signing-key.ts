import type { AlertRuleConfigOf } from '@switchyard/gateway-config';
import { z } from 'zod';
import type { Finding } from '../finding.js';
import { minutesMs, type Evaluation } from '../rule-kind.js';
import { ruleCondition } from '../rule-sql.js';

const row = z.object({ tokens: z.coerce.number(), keys: z.coerce.number(), key_id: z.string() });

/** Whether tokens come that are signed with keys that the authorization server does not publish. */
export async function findUnknownKeys(
  rule: AlertRuleConfigOf<'unknown-signing-key'>,
  evaluation: Evaluation,
): Promise<Finding[]> {
  const { rows, tenant, nowMs } = evaluation;
  const { windowMinutes, filter, count } = rule;
  const span = { fromMs: nowMs - minutesMs(windowMinutes), toMs: nowMs };
  const unknown = { text: "type = 'auth.rejected' AND detail['because'] = 'unknown_key'", params: {} };
  const { text, params } = ruleCondition(tenant, [span], filter, [unknown]);
  const found = await rows({
    text: `SELECT count() AS tokens, uniqExact(detail['key_id']) AS keys, topK(1)(detail['key_id'])[1] AS key_id
FROM events FINAL
WHERE ${text}
HAVING tokens >= {count:UInt64}`,
    params: { ...params, count },
  });
  return found.map((one) => {
    const { tokens, keys, key_id: keyId } = row.parse(one);
    const which = keys === 1 ? `the key ${keyId}` : `${keys} keys, mostly ${keyId}`;
    const says = `${tokens} tokens in ${windowMinutes} min were signed with ${which}, which the authorization server does not publish (limit ${count})`;
    return { key: '', about: { key_id: keyId }, value: tokens, limit: count, says };
  });
}
