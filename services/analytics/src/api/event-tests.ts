import type { EventFilters } from '@switchyard/contracts';
import { PLAIN_FILTERS, readFilter, readSearch, type PlainFilter } from './event-conditions.js';
import { textIn, textsIn, timeIn } from './filter/event-values.js';
import { filterTest, wordsTest, type EventTest } from './filter/filter-test.js';
import type { ReadScope } from './read-scope.js';

const isEqual =
  (...fields: readonly string[]) =>
  (value: string): EventTest =>
  (event) =>
    fields.some((field) => textIn(event, field) === value);

// What `event-conditions.ts` says to the database, said of events in memory.
const TESTS: Readonly<Record<PlainFilter, (value: string) => EventTest>> = {
  from: (value) => {
    const fromMs = Date.parse(value);
    return (event) => timeIn(event, 'occurred_at') >= fromMs;
  },
  to: (value) => {
    const toMs = Date.parse(value);
    return (event) => timeIn(event, 'occurred_at') < toMs;
  },
  principal: isEqual('principal_subject', 'principal_name'),
  principal_kind: isEqual('principal_kind'),
  team: (value) => (event) => textsIn(event, 'teams').includes(value),
  on_behalf_of: (value) => (event) => textIn(event, 'on_behalf_of').split(' ').includes(value),
  client: isEqual('client_id', 'client_name'),
  server: isEqual('server'),
  upstream: isEqual('upstream'),
  capability: isEqual('capability'),
  capability_kind: isEqual('capability_kind'),
  method: isEqual('method'),
  era: isEqual('era'),
  revision: isEqual('revision'),
  outcome: isEqual('outcome'),
  origin: isEqual('origin'),
  severity: isEqual('severity'),
  rule: isEqual('rule'),
  session_id: isEqual('session_id'),
  reason: isEqual('reason'),
  type: isEqual('type'),
  request_id: isEqual('request_id'),
  trace_id: isEqual('trace_id'),
  emitter: isEqual('emitter'),
};

/**
 * The test for a tenant's events that match all filters: what `eventCondition` is for rows, without what somebody may read.
 * @throws Problem 400 that names the filter and the position at which it cannot be read
 */
export function eventTest(tenant: string, filters: EventFilters): EventTest {
  const plain = PLAIN_FILTERS.flatMap((name) => {
    const value = filters[name];
    return value === undefined ? [] : [TESTS[name](value)];
  });
  const tests = [
    isEqual('tenant')(tenant),
    ...plain,
    ...(filters.q === undefined ? [] : [wordsTest(readSearch(filters.q))]),
    ...(filters.filter === undefined ? [] : [filterTest(readFilter(filters.filter))]),
  ];
  return (event) => tests.every((test) => test(event));
}

/** The test for events that somebody may read: what `scopeCondition` is for rows. */
export function scopeTest(scope: ReadScope): EventTest {
  if (scope.kind === 'all') return () => true;
  const { issuer, subject, teams } = scope;
  return (event) =>
    (textIn(event, 'principal_issuer') === issuer && textIn(event, 'principal_subject') === subject) ||
    textsIn(event, 'teams').some((team) => teams.includes(team));
}
