import type { UsageGroup, UsageRow } from '@switchyard/contracts';
import type { UsageSqlRow } from './usage-sql.js';

/** Makes a row of an answer of what the database gives. */
export function usageRow(row: UsageSqlRow, groupBy: readonly UsageGroup[]): UsageRow {
  const number = (name: string) => Number(row[name] ?? 0);
  const [p50 = 0, p95 = 0, p99 = 0] = (row['durations'] as unknown as readonly number[] | undefined) ?? [];
  const calls = number('events');
  return {
    ...(row['at'] === undefined ? {} : { at: String(row['at']) }),
    group: groupOf(row, groupBy),
    calls,
    errors: number('errors'),
    denied: number('denied'),
    cancelled: number('cancelled'),
    error_rate: calls === 0 ? 0 : number('errors') / calls,
    failures: {
      client: number('failed_client'),
      policy: number('failed_policy'),
      gateway: number('failed_gateway'),
      upstream: number('failed_upstream'),
    },
    duration_us: { p50: Math.round(p50), p95: Math.round(p95), p99: Math.round(p99) },
    bytes_in: number('bytes_in'),
    bytes_out: number('bytes_out'),
    tokens: {
      arguments: number('arguments_tokens'),
      result: number('result_tokens'),
      model_in: number('model_tokens_in'),
      model_out: number('model_tokens_out'),
    },
    cost_micros: number('cost_micros'),
  };
}

function groupOf(row: UsageSqlRow, groupBy: readonly UsageGroup[]): UsageRow['group'] {
  const keys = groupBy.map((group) => [group, String(row[`group_${group}`] ?? '')]);
  const names = (['principal', 'client'] as const)
    .filter((group) => groupBy.includes(group))
    .map((group) => [`${group}_name`, String(row[`named_${group}`] ?? '')]);
  return Object.fromEntries([...keys, ...names]) as UsageRow['group'];
}
