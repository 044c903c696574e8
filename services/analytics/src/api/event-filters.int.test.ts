import { eventsQuery, type EventJson } from '@switchyard/contracts';
import type { Engine } from '../engine/engine.js';
import { ENGINES, withTables, type OpenedEngine } from '../engine/engines.fixture.js';
import { eventTest } from './event-tests.js';
import { idOf, ids, insert, lineOf, page, type Given } from './events.fixture.js';

const tool = {
  sequence: 1,
  at: 1_000,
  fields: {
    principal_subject: 'u1',
    principal_name: 'ana@example.com',
    client_id: 'c1',
    client_name: 'claude',
    server: 'work',
    upstream: 'tracker',
    capability: 'tracker__get',
    capability_kind: 'tool',
    request_id: 'r-1',
    trace_id: 'ab'.repeat(16),
    session_id: 's1',
    method: 'tools/call',
    era: 'modern',
    revision: '2026-07-28',
    teams: ['finance', 'all'],
    on_behalf_of: 'agent-2 agent-1',
    duration_us: 1_500,
    stage_us: { resolve: 40 },
  },
} satisfies Given;
const denial = {
  sequence: 2,
  at: 2_000,
  fields: {
    type: 'policy.denied',
    outcome: 'denied',
    principal_subject: 'u2',
    server: 'open',
    capability: "it's {x:String}",
    reason: 'policy_denied',
    rule: 'servers.open.access[1]',
    origin: 'policy',
    severity: 'high',
    principal_kind: 'service',
    request_id: 'r-2',
    detail: { because: 'No_Rule_grants' },
  },
} satisfies Given;

const unusual = {
  sequence: 3,
  epoch: 9007199254740994,
  at: 3_000,
  emitter: 'edge-2',
  fields: { type: 'session.closed', capability: 'Über été ß İstanbul', server: 'far', session_id: 's 2', outcome: 'error' },
} satisfies Given;

/** Those that match, by the test that tails make of filters. */
function matching(query: Readonly<Record<string, string>>, given: readonly Given[]): Given[] {
  const { limit: _limit, ...filters } = eventsQuery.parse(query);
  const test = eventTest('default', filters);
  return given.filter((one) => test(JSON.parse(lineOf(one)) as EventJson));
}

describe.each(ENGINES)('filters of events on %s', (_name, open) => {
  let opened: OpenedEngine;
  let engine: Engine;
  beforeAll(async () => {
    opened = await withTables(open);
    engine = opened.engine;
    await insert(engine, [tool, denial]);
  });
  afterAll(() => opened[Symbol.asyncDispose]());

  it.each<readonly [string, Readonly<Record<string, string>>, readonly Given[]]>([
    ['none', {}, [denial, tool]],
    ['from', { from: '2026-01-31T23:59:02Z' }, [denial]],
    ['to', { to: '2026-01-31T23:59:02Z' }, [tool]],
    ['from-to-zone', { from: '2026-02-01T00:59:01+01:00', to: '2026-02-01T00:59:01.001+01:00' }, [tool]],
    ['far-from', { from: '0001-01-01T00:00:00Z' }, [denial, tool]],
    ['far-to', { to: '9999-12-31T23:59:59Z' }, [denial, tool]],
    ['principal-subject', { principal: 'u1' }, [tool]],
    ['principal-name', { principal: 'ana@example.com' }, [tool]],
    ['client-id', { client: 'c1' }, [tool]],
    ['client-name', { client: 'claude' }, [tool]],
    ['server', { server: 'open' }, [denial]],
    ['upstream', { upstream: 'tracker' }, [tool]],
    ['capability', { capability: 'tracker__get' }, [tool]],
    ['capability-hostile', { capability: "it's {x:String}" }, [denial]],
    ['outcome', { outcome: 'denied' }, [denial]],
    ['type', { type: 'tool.called' }, [tool]],
    ['request', { request_id: 'r-2' }, [denial]],
    ['reason', { reason: 'policy_denied' }, [denial]],
    ['principal-kind', { principal_kind: 'service' }, [denial]],
    ['team', { team: 'finance' }, [tool]],
    ['team-other', { team: 'fin' }, []],
    ['on-behalf-of', { on_behalf_of: 'agent-1' }, [tool]],
    ['on-behalf-of-part', { on_behalf_of: 'agent' }, []],
    ['capability-kind', { capability_kind: 'tool' }, [tool]],
    ['method', { method: 'tools/call' }, [tool]],
    ['era', { era: 'modern' }, [tool]],
    ['revision', { revision: '2026-07-28' }, [tool]],
    ['origin', { origin: 'policy' }, [denial]],
    ['severity', { severity: 'high' }, [denial]],
    ['severity-critical', { severity: 'critical' }, []],
    ['rule', { rule: 'servers.open.access[1]' }, [denial]],
    ['trace', { trace_id: 'ab'.repeat(16) }, [tool]],
    ['session', { session_id: 's1' }, [tool]],
    ['emitter', { emitter: 'edge-1' }, [denial, tool]],
    ['q-capability', { q: 'TRACKER' }, [tool]],
    ['q-reason', { q: 'policy' }, [denial]],
    ['q-detail', { q: 'no_rule' }, [denial]],
    ['q-both', { q: "it's policy" }, [denial]],
    ['q-quoted', { q: '"it\'s {x"' }, [denial]],
    ['q-excluded', { q: '-policy' }, [tool]],
    ['q-percent', { q: '%' }, []],
    ['filter-text', { filter: 'server = work' }, [tool]],
    ['filter-quoted', { filter: 'capability = "it\'s {x:String}"' }, [denial]],
    ['filter-contains', { filter: 'capability ~ TRACKER' }, [tool]],
    ['filter-not-contains', { filter: 'capability !~ tracker' }, [denial]],
    ['filter-number', { filter: 'duration_us >= 1500' }, [tool]],
    ['filter-negative', { filter: 'rpc_code > -1 and sequence = 2' }, [denial]],
    ['filter-time', { filter: 'occurred_at > 2026-02-01T00:59:01.500+01:00' }, [denial]],
    ['filter-list', { filter: 'teams = all' }, [tool]],
    ['filter-not-in-list', { filter: 'teams != all' }, [denial]],
    ['filter-list-contains', { filter: 'teams ~ FINA' }, [tool]],
    ['filter-map', { filter: 'detail.because ~ rule' }, [denial]],
    ['filter-map-number', { filter: 'stage_us.resolve > 39' }, [tool]],
    ['filter-precedence', { filter: 'server = work or server = open and outcome = ok' }, [tool]],
    ['filter-parentheses', { filter: '(server = work or server = open) and not outcome = ok' }, [denial]],
    ['filter-injection', { filter: `server = "x' OR 1=1 --"` }, []],
    ['filter-injection-key', { filter: "detail.x'] = a" }, []],
    [
      'all',
      {
        principal: 'u1',
        client: 'c1',
        server: 'work',
        upstream: 'tracker',
        outcome: 'ok',
        type: 'tool.called',
        request_id: 'r-1',
      },
      [tool],
    ],
    ['contradiction', { principal: 'u1', server: 'open' }, []],
    ['injection', { principal: "u1' OR '1'='1" }, []],
  ])('filter %s: shows what matches, in the database as in memory', async (_id, query, expected) => {
    expect(ids(await page(engine, query))).toEqual(expected.map(idOf));
    expect(matching(query, [denial, tool])).toEqual(expected);
  });
});

describe.each(ENGINES)('filters of unusual values on %s', (_name, open) => {
  let opened: OpenedEngine;
  beforeAll(async () => {
    opened = await withTables(open);
    await insert(opened.engine, [tool, denial, unusual]);
  });
  afterAll(() => opened[Symbol.asyncDispose]());

  it.each<readonly [string, Readonly<Record<string, string>>, readonly Given[]]>([
    ['q-not-ascii', { q: 'ÜBER' }, [unusual]],
    ['q-as-many-characters', { q: 'i̇stanbul' }, []],
    ['filter-not-ascii', { filter: 'capability ~ "ÉTÉ ß"' }, [unusual]],
    ['filter-wide-number', { filter: 'epoch > 9007199254740992' }, [unusual]],
    ['filter-empty', { filter: 'upstream = "" and rule != "" or session_id = "s 2"' }, [unusual, denial]],
    ['filter-no-time', { filter: 'recorded_at < 2000-01-01T00:00:00Z' }, [unusual, denial, tool]],
    ['filter-no-such-key', { filter: 'detail.nothing = ""' }, [unusual, denial, tool]],
  ])('filter %s: shows what matches, in the database as in memory', async (_id, query, expected) => {
    expect(ids(await page(opened.engine, query))).toEqual(expected.map(idOf));
    expect(matching(query, [unusual, denial, tool])).toEqual(expected);
  });
});
