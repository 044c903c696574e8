import type { EventFilters, UsageGroup } from '@switchyard/contracts';
import type { Rollup } from '../../usage/rollup.js';
import { readFilter, type PlainFilter } from '../event-conditions.js';
import type { Filter } from '../filter/parse-filter.js';
import type { ReadScope } from '../read-scope.js';

/** Columns that each filter reads, besides the time. Those of `q` are in no table of counts. */
const OF_FILTERS: Readonly<Record<Exclude<PlainFilter, 'from' | 'to'> | 'q', readonly string[]>> = {
  principal: ['principal_subject', 'principal_name'],
  principal_kind: ['principal_kind'],
  team: ['teams'],
  on_behalf_of: ['on_behalf_of'],
  client: ['client_id', 'client_name'],
  server: ['server'],
  upstream: ['upstream'],
  capability: ['capability'],
  capability_kind: ['capability_kind'],
  method: ['method'],
  era: ['era'],
  revision: ['revision'],
  outcome: ['outcome'],
  origin: ['origin'],
  rule: ['rule'],
  session_id: ['session_id'],
  reason: ['reason'],
  severity: ['severity'],
  type: ['type'],
  request_id: ['request_id'],
  trace_id: ['trace_id'],
  emitter: ['emitter'],
  q: ['detail'],
};

const OF_GROUPS: Readonly<Record<UsageGroup, readonly string[]>> = {
  principal: ['principal_subject', 'principal_name'],
  team: ['teams'],
  client: ['client_id', 'client_name'],
  server: ['server'],
  upstream: ['upstream'],
  capability: ['capability'],
};

/** What a question about usage reads, besides the time. @throws Problem 400 where a filter cannot be read */
export function columnsOf(o: {
  readonly scope: ReadScope;
  readonly filters: EventFilters;
  readonly groupBy: readonly UsageGroup[];
}): ReadonlySet<string> {
  const { scope, filters, groupBy } = o;
  const named = Object.keys(filters) as (keyof EventFilters)[];
  return new Set([
    ...(scope.kind === 'all' ? [] : ['principal_issuer', 'principal_subject', 'teams']),
    ...groupBy.flatMap((group) => OF_GROUPS[group]),
    ...named.flatMap((name) =>
      filters[name] === undefined || name === 'from' || name === 'to' || name === 'filter' ? [] : OF_FILTERS[name],
    ),
    ...(filters.filter === undefined ? [] : namesIn(readFilter(filters.filter))),
  ]);
}

function namesIn(filter: Filter): readonly string[] {
  if (filter.kind === 'comparison') return [filter.name];
  return filter.kind === 'not' ? namesIn(filter.part) : filter.parts.flatMap(namesIn);
}

/** Whether a table of counts has all of these. */
export const hasColumns = ({ dimensions }: Rollup, columns: ReadonlySet<string>): boolean =>
  [...columns].every((column) => Object.hasOwn(dimensions, column));
