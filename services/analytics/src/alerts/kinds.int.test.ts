import { emitterProgressKey } from '@switchyard/contracts';
import { alertRuleSchema } from '@switchyard/gateway-config';
import type { Sql } from '../api/limited-reads.js';
import { ENGINES, withTables, type OpenedEngine } from '../engine/engines.fixture.js';
import { countUsage, insertEvents, linesOf, openAlertingBench, type AlertingBench, type GivenEvents } from './alerts.fixture.js';
import { findOf } from './rule-kinds.js';

const NOW = Date.now();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const call = { server: 'work', upstream: 'tracker', capability: 'search', origin: '' } as const;
const ana = { principal_issuer: 'idp', principal_subject: 'u1', principal_name: 'ana@example.com' };
const bob = { principal_issuer: 'idp', principal_subject: 'u2', principal_name: 'bob@example.com' };
const cyd = { principal_issuer: 'idp', principal_subject: 'u3', principal_name: 'cyd@example.com' };
const dee = { principal_issuer: 'idp', principal_subject: 'u4', principal_name: 'dee@example.com' };
const denied = { ...call, type: 'policy.denied', outcome: 'denied', reason: 'policy_denied' } as const;
const forged = { type: 'auth.rejected', outcome: 'denied', reason: 'token_invalid', server: 'work' } as const;
const unknownKey = { because: 'unknown_key' };

const days = (count: number, event: GivenEvents) =>
  Array.from({ length: count }, (_, index) => ({ ...event, agoMs: event.agoMs + (index + 1) * DAY }));

interface Row {
  readonly rule: Readonly<Record<string, unknown>>;
  readonly events: readonly GivenEvents[];
  /** Whether usage by day is asked for. */
  readonly isCounted?: true;
  /** What is found, in the order of its weight: what it is about, and what it says. */
  readonly finds: readonly (readonly [about: Readonly<Record<string, string>>, says: RegExp])[];
}

const ROWS: Readonly<Record<string, Row>> = {
  'AL1-a error rate: above the share and with enough calls': {
    rule: { kind: 'error-rate' },
    events: [
      { ...call, agoMs: MINUTE, count: 20 },
      { ...call, agoMs: MINUTE, count: 10, outcome: 'error' },
      { ...call, upstream: 'fine', agoMs: MINUTE, count: 40 },
      { ...call, upstream: 'fine', agoMs: MINUTE, count: 2, outcome: 'error' },
      { ...call, upstream: 'rare', agoMs: MINUTE, count: 5, outcome: 'error' },
      { ...call, upstream: 'before', agoMs: 6 * MINUTE, count: 40, outcome: 'error' },
      { ...call, type: 'proxy.hop', upstream: 'hops', agoMs: MINUTE, count: 40, outcome: 'error' },
    ],
    finds: [[{ upstream: 'tracker' }, /^upstream tracker: 10 of 30 calls failed in 5 min, 33\.3 % \(limit 20 %\)$/]],
  },
  'AL1-b error rate: of each tool, where it is filtered': {
    rule: {
      kind: 'error-rate',
      per: 'tool',
      minCalls: 2,
      filter: { servers: ['work'], upstreams: ['tracker'], teams: ['ops', 'dev'] },
    },
    events: [
      { ...call, agoMs: MINUTE, count: 3, outcome: 'error', teams: ['dev'] },
      { ...call, capability: 'other', agoMs: MINUTE, count: 3, outcome: 'error', teams: ['sales'] },
      { ...call, server: 'play', agoMs: MINUTE, count: 3, outcome: 'error', teams: ['dev'] },
      { ...call, upstream: 'files', agoMs: MINUTE, count: 3, outcome: 'error', teams: ['dev'] },
    ],
    finds: [[{ server: 'work', upstream: 'tracker', tool: 'search' }, /^search on work: 3 of 3 calls failed/]],
  },
  'AL3-a volume: far more than on the days before, at the same time': {
    rule: { kind: 'volume', minimum: 20 },
    events: [
      { ...call, ...ana, agoMs: 10 * MINUTE, count: 60 },
      ...days(14, { ...call, ...ana, agoMs: 10 * MINUTE, count: 5 }),
      { ...call, ...bob, agoMs: 10 * MINUTE, count: 60 },
      ...days(14, { ...call, ...bob, agoMs: 10 * MINUTE, count: 40 }),
    ],
    finds: [[{ name: 'ana@example.com' }, /^ana@example\.com used 60 calls in 60 min; usual are 5 \(limit 20\)$/]],
  },
  'AL3-b volume: somebody known at an unusual hour, not somebody new': {
    isCounted: true,
    rule: { kind: 'volume', minimum: 20 },
    events: [
      { ...call, ...cyd, agoMs: 10 * MINUTE, count: 60 },
      { ...call, ...dee, agoMs: 10 * MINUTE, count: 30 },
      ...days(4, { ...call, ...dee, agoMs: 5 * HOUR, count: 1 }),
    ],
    finds: [[{ subject: 'u4' }, /^dee@example\.com used 30 calls in 60 min; usual are 0/]],
  },
  'AL3-c volume: of bytes, of an agent that acts for somebody': {
    rule: { kind: 'volume', per: 'agent', measure: 'bytes', minimum: 1_000, past: { every: 'window', count: 6 } },
    events: [
      { ...call, ...ana, on_behalf_of: 'robot helper', bytes_in: 100, bytes_out: 900, agoMs: 10 * MINUTE, count: 20 },
      ...[1, 2, 3, 4].map((hours) => ({
        ...call,
        on_behalf_of: 'robot helper',
        bytes_out: 900,
        agoMs: hours * HOUR + 10 * MINUTE,
      })),
      { ...call, ...ana, bytes_out: 90_000, agoMs: 10 * MINUTE, count: 20 },
    ],
    finds: [[{ agent: 'robot' }, /^agent robot used 20000 bytes in 60 min; usual are 900/]],
  },
  'AL4-a denials of one caller; calls that fail are none': {
    rule: { kind: 'denial-burst' },
    events: [
      { ...denied, ...ana, agoMs: MINUTE, count: 25 },
      { ...denied, ...bob, agoMs: MINUTE, count: 19 },
      { ...call, ...bob, outcome: 'error', agoMs: MINUTE, count: 30 },
      { ...forged, agoMs: MINUTE, count: 30 },
    ],
    finds: [
      [
        { reason: 'token_invalid' },
        /^somebody who is not known was denied 30 times in 5 min, mostly token_invalid \(limit 20\)$/,
      ],
      [{ name: 'ana@example.com' }, /^ana@example\.com was denied 25 times in 5 min, mostly policy_denied \(limit 20\)$/],
    ],
  },
  'AL4-b denials: what is filtered by type': {
    rule: { kind: 'denial-burst', count: 5, filter: { types: ['policy.*'] } },
    events: [
      { ...denied, ...ana, agoMs: MINUTE, count: 5 },
      { ...forged, agoMs: MINUTE, count: 30 },
    ],
    finds: [[{ subject: 'u1' }, /^ana@example\.com was denied 5 times/]],
  },
  'AL4-c denials: a name that would be SQL, a mention or a control sequence stays a name': {
    rule: { kind: 'denial-burst', per: 'client', count: 5 },
    events: [{ ...denied, client_id: "x' OR 1=1 --", client_name: '<!channel>\u001b[31m\n', agoMs: MINUTE, count: 5 }],
    finds: [[{ client: "x' OR 1=1 --", name: '<!channel>\u001b[31m\n' }, /^client <!channel>/]],
  },
  'AL5 latency: a tool that takes far longer than on the days before': {
    isCounted: true,
    rule: { kind: 'latency', minCalls: 10 },
    events: [
      { ...call, duration_us: 2_000_000, agoMs: 5 * MINUTE, count: 20 },
      ...days(4, { ...call, duration_us: 100_000, agoMs: 5 * MINUTE, count: 20 }),
      { ...call, capability: 'steady', duration_us: 2_000_000, agoMs: 5 * MINUTE, count: 20 },
      ...days(4, { ...call, capability: 'steady', duration_us: 1_900_000, agoMs: 5 * MINUTE, count: 20 }),
      { ...call, capability: 'new', duration_us: 2_000_000, agoMs: 5 * MINUTE, count: 20 },
      { ...call, capability: 'quick', duration_us: 900, agoMs: 5 * MINUTE, count: 20 },
      ...days(4, { ...call, capability: 'quick', duration_us: 100, agoMs: 5 * MINUTE, count: 20 }),
    ],
    finds: [
      [
        { tool: 'search', server: 'work' },
        /^search on work: 95 % of calls took up to (?:1999|2000) ms in 15 min; usual are 100 ms \(limit 300 ms\)$/,
      ],
    ],
  },
  'AL5-b latency: of what counts by minute cannot tell, from events': {
    rule: { kind: 'latency', minCalls: 10, filter: { teams: ['dev'] } },
    events: [
      { ...call, teams: ['dev'], duration_us: 2_000_000, agoMs: 5 * MINUTE, count: 20 },
      ...days(4, { ...call, teams: ['dev'], duration_us: 100_000, agoMs: 5 * MINUTE, count: 20 }),
      { ...call, capability: 'other', duration_us: 2_000_000, agoMs: 5 * MINUTE, count: 20 },
      ...days(4, { ...call, capability: 'other', duration_us: 100_000, agoMs: 5 * MINUTE, count: 20 }),
    ],
    finds: [[{ tool: 'search', server: 'work' }, /^search on work: 95 % of calls took up to (?:1999|2000) ms in 15 min/]],
  },
  'AL7 A21 tokens of a key that is not published': {
    rule: { kind: 'unknown-signing-key' },
    events: [
      { ...forged, agoMs: MINUTE, count: 18, detail: unknownKey },
      { ...forged, agoMs: MINUTE, count: 3, detail: unknownKey },
      { ...forged, agoMs: MINUTE, count: 30 },
    ],
    finds: [[{}, /^21 tokens in 5 min were signed with keys that the authorization server does not publish \(limit 20\)$/]],
  },
  'AL7-b A21 fewer of them are nothing': {
    rule: { kind: 'unknown-signing-key' },
    events: [{ ...forged, agoMs: MINUTE, count: 19, detail: unknownKey }],
    finds: [],
  },
};

describe.each(ENGINES)('kinds of alerts on %s', (_name, open) => {
  let opened: OpenedEngine;
  let bench: AlertingBench;
  const names = Object.keys(ROWS);
  const tenantOf = (name: string) => `tenant-${names.indexOf(name)}`;
  const find = (rule: Readonly<Record<string, unknown>>, tenant: string) =>
    findOf(alertRuleSchema.parse(rule), { ...bench.deps, tenant, nowMs: bench.clock.now() });

  beforeAll(async () => {
    opened = await withTables(open);
    bench = await openAlertingBench(opened.engine, { nowMs: NOW });
    const { engine } = opened;
    const insert = async (some: readonly string[]) => {
      const lines = linesOf(
        NOW,
        some.map((name) => [tenantOf(name), ROWS[name]?.events ?? []] as const),
      );
      // Delivered a second time (D3): nothing counts twice.
      for (const delivery of ['first', 'again']) await engine.insertLines('events', lines, `${delivery}-${some.length}`);
    };
    await insert(names.filter((name) => ROWS[name]?.isCounted === true));
    await countUsage(engine);
    await insert(names.filter((name) => ROWS[name]?.isCounted !== true));
    // Counting every minute of every row would take its time, and none of them asks for it.
    await engine.command('TRUNCATE TABLE usage_marks');
  }, 300_000);
  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
    await opened[Symbol.asyncDispose]();
  });

  it.each(names)('%s', async (name) => {
    const { rule, finds } = ROWS[name]!;
    const found = await find(rule, tenantOf(name));
    expect(found.map(({ about, says }) => [about, says])).toEqual(
      finds.map(([about, says]) => [expect.objectContaining(about), expect.stringMatching(says)]),
    );
    expect(new Set(found.map(({ key }) => key)).size).toBe(found.length);
    for (const { value, limit } of found) expect(value).toBeGreaterThanOrEqual(limit);
  });

  it('AL5-c latency reads counts, of which there are as many as tools were used in a minute, and no event', async () => {
    const { engine } = opened;
    const asked: Sql[] = [];
    const rows = async (sql: Sql) => {
      asked.push(sql);
      return [];
    };
    const evaluation = {
      ...bench.deps,
      rows,
      tenant: tenantOf('AL5 latency: a tool that takes far longer than on the days before'),
    };
    for (const filter of [{}, { teams: ['dev'] }])
      await findOf(alertRuleSchema.parse({ kind: 'latency', filter }), { ...evaluation, nowMs: bench.clock.now() });
    const estimates = await Promise.all(asked.map(({ text, params }) => engine.query(`EXPLAIN ESTIMATE ${text}`, params)));
    const read = estimates.map((some) => [...new Set((some as { table: string }[]).map(({ table }) => table))]);
    expect(read).toEqual([['usage_minutes'], ['events']]);
  });

  it('AL2 a tool that was never called before; not one that went badly, nor one of before', async () => {
    const { engine } = opened;
    const tenant = 'tools';
    const rule = { kind: 'new-tool' };
    await insertEvents(engine, tenant, NOW, [
      { ...call, capability: 'old', agoMs: 3 * DAY },
      { ...call, capability: 'this-morning', agoMs: 2 * MINUTE },
    ]);
    await countUsage(engine);
    // As after an update of the gateway, which begins to note tools.
    await engine.command('TRUNCATE TABLE tools_seen');
    await insertEvents(engine, tenant, NOW, [
      { ...call, capability: 'old', agoMs: 1_000 },
      { ...call, capability: 'this-morning', agoMs: 0 },
      { ...call, capability: 'new', agoMs: 500 },
      { ...call, server: 'play', capability: 'old', agoMs: 500 },
      { ...call, capability: 'made-up', outcome: 'error', agoMs: 500, count: 3 },
      { ...call, type: 'prompt.got', capability: 'prompt', agoMs: 500 },
    ]);
    await countUsage(engine);
    const found = await find(rule, tenant);
    expect(found.map(({ about }) => `${about['server']} ${about['tool']}`).sort()).toEqual(['play old', 'work new']);
    expect(found[0]?.says).toMatch(/ \(upstream tracker\) was called for the first time, at \d{4}-\d\d-\d\dT\d\d:\d\d UTC$/);
    expect(await find({ ...rule, filter: { servers: ['play'] } }, tenant)).toHaveLength(1);
    bench.clock.advance(2 * HOUR);
    expect(await find(rule, tenant)).toEqual([]);
    bench.clock.advance(-2 * HOUR);
  });

  it('AL6-a the audit trail: a sink that is behind, a spool that fills, refused events, gaps', async () => {
    const { engine } = opened;
    const rule = { kind: 'pipeline', waitingEvents: 1_000 };
    expect(await find(rule, 'quiet')).toEqual([]);
    const status = {
      type: 'file',
      state: 'failing',
      reason: 'http_503',
      backlog: 5,
      delivered: 0,
      refused: 0,
      dropped: 0,
    } as const;
    bench.sinks.push({ ...status, name: 'siem', oldestMs: 11 * MINUTE }, { ...status, name: 'soon', oldestMs: 9 * MINUTE });
    const progress = { written: 5_000, forwarded: 1, at_ms: NOW };
    await bench.emitters.put(emitterProgressKey('edge-7', 1), Buffer.from(JSON.stringify({ ...progress, forwarded: 4_999 })));
    await bench.emitters.put(emitterProgressKey('edge-7', 2), Buffer.from(JSON.stringify({ ...progress, forwarded: 0 })));
    const letter = { tenant: 'quiet', sink: 'siem', event_id: 'e1', reason: 'http_400', event: '{}', text: '{}' };
    await engine.insertLines('sink_dead_letters', Buffer.from(`${JSON.stringify(letter)}\n`), 'letter');
    const times = { found_at: new Date(NOW).toISOString(), closed_at: new Date(0).toISOString() };
    const gap = { emitter: 'edge-7', epoch: '1', first: '5', last: '9', version: '1', ...times };
    await engine.insertLines('audit_gaps', Buffer.from(`${JSON.stringify(gap)}\n`), 'gap');
    expect((await find(rule, 'quiet')).map(({ says }) => says).sort()).toEqual([
      'events of edge-7 that are missing, from 1/5 on: 5',
      'events that sink siem refused for good in 15 min: 1 (limit 1)',
      'events that wait in the spool of edge-7: 5000 (limit 1000)',
      'sink siem has not taken events of 11 min ago: http_503 (limit 10)',
    ]);
    bench.sinks.length = 0;
    for (const key of await bench.emitters.keys()) await bench.emitters.delete(key);
    await engine.command('TRUNCATE TABLE audit_gaps');
  });

  it('AL6-b the audit trail: what the stream has and the database has not', async () => {
    const rule = { kind: 'pipeline' };
    const say = (forwarded: number) =>
      bench.emitters.put(
        emitterProgressKey('edge-8', 1),
        Buffer.from(JSON.stringify({ written: forwarded, forwarded, at_ms: NOW })),
      );
    const after = async (minutes: number) => {
      bench.clock.advance(minutes * MINUTE);
      return (await find(rule, 'calm')).map(({ says }) => says);
    };
    await say(10);
    expect(await after(0)).toEqual([]);
    // More comes meanwhile: what was there first is waited for.
    await say(20);
    expect(await after(4)).toEqual([]);
    expect(await after(2)).toEqual(['events of edge-8 that left it 6 min ago are not stored (limit 5)']);
    const identity = (at: number) => ({
      event_id: `edge-8/1/${at}`,
      tenant: 'quiet',
      type: 'tool.called',
      emitter: 'edge-8',
      epoch: '1',
      sequence: String(at),
      occurred_at: new Date(NOW).toISOString(),
    });
    await opened.engine.insertLines('events', Buffer.from(`${JSON.stringify(identity(10))}\n`), 'edge-8');
    expect(await after(1)).toEqual([]);
    await bench.emitters.delete(emitterProgressKey('edge-8', 1));
    bench.clock.advance(-7 * MINUTE);
  });
});
