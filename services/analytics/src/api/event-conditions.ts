import { invalidRequest } from '@switchyard/admin-api';
import type { EventFilters } from '@switchyard/contracts';
import { allOf, type Condition } from './filter/condition.js';
import { filterCondition, wordsCondition } from './filter/filter-sql.js';
import type { Misread } from './filter/filter-words.js';
import { parseFilter, type Filter } from './filter/parse-filter.js';
import { parseWords, type SoughtText } from './filter/parse-words.js';
import { scopeCondition, type ReadScope } from './read-scope.js';

/** Filters that compare a field with a value. */
export type PlainFilter = Exclude<keyof EventFilters, 'q' | 'filter'>;

// What a filter means. The value is only ever the placeholder.
const CONDITIONS: Readonly<Record<PlainFilter, string>> = {
  from: "occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')",
  to: "occurred_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')",
  // Events are sorted by subject as well, so the second condition, which says the same, is what is read by.
  principal: `(principal_subject = {principal:String} OR principal_name = {principal:String})
    AND principal_subject IN (SELECT {principal:String} UNION ALL
      SELECT principal_subject FROM principals WHERE tenant = {tenant:String} AND principal_name = {principal:String})`,
  principal_kind: 'principal_kind = {principal_kind:String}',
  team: 'has(teams, {team:String})',
  on_behalf_of: "has(splitByChar(' ', on_behalf_of), {on_behalf_of:String})",
  client: 'client_id = {client:String} OR client_name = {client:String}',
  server: 'server = {server:String}',
  upstream: 'upstream = {upstream:String}',
  capability: 'capability = {capability:String}',
  capability_kind: 'capability_kind = {capability_kind:String}',
  method: 'method = {method:String}',
  era: 'era = {era:String}',
  revision: 'revision = {revision:String}',
  outcome: 'outcome = {outcome:String}',
  origin: 'origin = {origin:String}',
  severity: 'severity = {severity:String}',
  rule: 'rule = {rule:String}',
  session_id: 'session_id = {session_id:String}',
  reason: 'reason = {reason:String}',
  type: 'type = {type:String}',
  request_id: 'request_id = {request_id:String}',
  trace_id: 'trace_id = {trace_id:String}',
  emitter: 'emitter = {emitter:String}',
};
export const PLAIN_FILTERS = Object.keys(CONDITIONS) as readonly PlainFilter[];
const TIMES: ReadonlySet<PlainFilter> = new Set(['from', 'to']);

function plainConditions(filters: EventFilters): Condition[] {
  return PLAIN_FILTERS.flatMap((name) => {
    const value = filters[name];
    if (value === undefined) return [];
    return [{ text: CONDITIONS[name], params: { [name]: TIMES.has(name) ? Date.parse(value) : value } }];
  });
}

function refuse(field: string, { position, message }: Misread) {
  return invalidRequest([{ field, message: `at position ${position}: ${message}`, position }]);
}

/** What the filter `q` looks for. @throws Problem 400 with the position at which it cannot be read */
export function readSearch(search: string): readonly SoughtText[] {
  const parsed = parseWords(search);
  if (!parsed.ok) throw refuse('q', parsed);
  return parsed.sought;
}

/** What the filter `filter` asks for. @throws Problem 400 with the position at which it cannot be read */
export function readFilter(filter: string): Filter {
  const parsed = parseFilter(filter);
  if (!parsed.ok) throw refuse('filter', parsed);
  return parsed.filter;
}

/**
 * The condition for a tenant's events that match all filters, of those that somebody may read.
 * @throws Problem 400 that names the filter and the position at which it cannot be read
 */
export function eventCondition(tenant: string, scope: ReadScope, filters: EventFilters): Condition {
  const own = scopeCondition(scope);
  return allOf([
    { text: 'tenant = {tenant:String}', params: { tenant } },
    ...(own === undefined ? [] : [own]),
    ...plainConditions(filters),
    ...(filters.q === undefined ? [] : [wordsCondition(readSearch(filters.q))]),
    ...(filters.filter === undefined ? [] : [filterCondition(readFilter(filters.filter))]),
  ]);
}
