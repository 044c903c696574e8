import type { AlertRuleConfigOf } from '@switchyard/gateway-config';
import { z } from 'zod';
import { allOf, type Condition } from '../../api/filter/condition.js';
import { FINDINGS_LIMIT, type Finding } from '../finding.js';
import { groupOf } from '../rule-groups.js';
import { minutesMs, type Evaluation } from '../rule-kind.js';
import { filterConditions } from '../rule-sql.js';

const row = z.looseObject({
  first_ms: z.coerce.number(),
  group_server: z.string(),
  group_upstream: z.string(),
  group_tool: z.string(),
});
type Row = z.infer<typeof row>;

/** Which tools went well for the first time within the window. */
export async function findNewTools(rule: AlertRuleConfigOf<'new-tool'>, evaluation: Evaluation): Promise<Finding[]> {
  const { rows, tenant, nowMs } = evaluation;
  const { windowMinutes, filter } = rule;
  const condition = allOf([{ text: 'tenant = {tenant:String}', params: { tenant } }, ...filterConditions(filter)]);
  const noted = await rows({
    text: `SELECT server AS group_server, upstream AS group_upstream, capability AS group_tool,
  toInt64(toUnixTimestamp(min(first_at))) * 1000 AS first_ms
FROM tools_seen
WHERE ${condition.text}
GROUP BY server, upstream, capability
HAVING min(noted_at) >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
ORDER BY first_ms DESC
LIMIT ${FINDINGS_LIMIT}`,
    params: { ...condition.params, since: nowMs - minutesMs(windowMinutes) },
  });
  const candidates = noted.map((one) => row.parse(one));
  if (candidates.length === 0) return [];
  const known = await usedBefore(candidates, evaluation);
  return candidates.flatMap((one) => {
    const { key, about, title } = groupOf('tool', one);
    if (known.has(key)) return [];
    const at = new Date(one.first_ms).toISOString().slice(0, 16);
    const says = `${title} (upstream ${one.group_upstream}) was called for the first time, at ${at} UTC`;
    return [{ key, about, value: 1, limit: 0, says }];
  });
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/**
 * Of those, the keys of the ones that went well before. tools_seen begins with the version of the gateway that made it; counts by day and
 * by minute are older, and stay when events end.
 */
async function usedBefore(candidates: readonly Row[], { rows, tenant }: Evaluation): Promise<ReadonlySet<string>> {
  const times = candidates.map(({ first_ms: ms }) => ms);
  const { text, params } = allOf([
    { text: "tenant = {tenant:String} AND type = 'tool.called' AND events > errors + denied + cancelled", params: { tenant } },
    toolsAmong(candidates),
  ]);
  const firsts = (table: string, column: string, least: number, most: number) =>
    rows({
      text: `SELECT server AS group_server, upstream AS group_upstream, capability AS group_tool,
  toInt64(toUnixTimestamp(toDateTime(min(${column}), 'UTC'))) * 1000 AS first_ms
FROM ${table} FINAL
WHERE toDateTime(${column}, 'UTC') >= toDateTime({least:UInt32}, 'UTC') AND toDateTime(${column}, 'UTC') < toDateTime({most:UInt32}, 'UTC')
  AND ${text}
GROUP BY server, upstream, capability`,
      params: { ...params, least: Math.floor(least / 1000), most: Math.ceil(most / 1000) },
    });
  // Minutes tell apart what happened on the day itself.
  const latest = Math.max(...times);
  const byDay = await firsts('usage_days', 'day', 0, latest);
  const byMinute = await firsts('usage_minutes', 'minute', startOf(Math.min(...times), DAY_MS), latest);
  const known = (found: readonly unknown[], bucketMs: number) => {
    const starts = new Map(found.map((one) => keyed(row.parse(one))));
    return candidates.filter((one) => (starts.get(keyed(one)[0]) ?? Infinity) < startOf(one.first_ms, bucketMs));
  };
  return new Set([...known(byDay, DAY_MS), ...known(byMinute, MINUTE_MS)].map((one) => keyed(one)[0]));
}

const startOf = (ms: number, bucketMs: number) => ms - (ms % bucketMs);
const keyed = (one: Row): readonly [string, number] => [groupOf('tool', one).key, one.first_ms];

function toolsAmong(candidates: readonly Row[]): Condition {
  const params: Record<string, string> = {};
  const tuples = candidates.map((one, index) => {
    params[`server_${index}`] = one.group_server;
    params[`upstream_${index}`] = one.group_upstream;
    params[`tool_${index}`] = one.group_tool;
    return `({server_${index}:String}, {upstream_${index}:String}, {tool_${index}:String})`;
  });
  return { text: `(server, upstream, capability) IN (${tuples.join(', ')})`, params };
}
