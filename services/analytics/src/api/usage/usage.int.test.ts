import { costQuery, usageQuery, usageTopQuery, type EventFields, type UsageRow } from '@switchyard/contracts';
import fc from 'fast-check';
import type { Engine } from '../../engine/engine.js';
import { ENGINES, withTables, type OpenedEngine } from '../../engine/engines.fixture.js';
import { everything, insert, startMs, type Given } from '../events.fixture.js';
import { LimitedReads } from '../limited-reads.js';
import { Usage } from './usage.js';

const now = { now: () => startMs + 3_600_000 };
const usageOf = (engine: Engine) => new Usage(new LimitedReads(engine), 'default', now);
const figures = async (engine: Engine, query: Record<string, string>) =>
  (await usageOf(engine).figures(everything, usageQuery.parse(query))).rows;

const ana = { principal_issuer: 'i', principal_subject: 'u1', principal_name: 'ana@example.com', teams: ['all', 'finance'] };
const bob = { principal_issuer: 'i', principal_subject: 'u2', principal_name: 'bob@example.com', teams: ['all'] };
const events: readonly Given[] = [
  call(1, 0, {
    ...ana,
    upstream: 'tracker',
    capability: 'get',
    duration_us: 1_000,
    bytes_in: 10,
    bytes_out: 100,
    cost_micros: 5,
  }),
  call(2, 1_000, {
    ...ana,
    upstream: 'tracker',
    capability: 'get',
    duration_us: 3_000,
    bytes_out: 300,
    cost_micros: 7,
    outcome: 'error',
    origin: 'upstream',
  }),
  call(3, 61_000, { ...bob, upstream: 'files', capability: 'read', duration_us: 5_000, result_tokens: 40, model_tokens_in: 9 }),
  call(4, 62_000, { ...bob, type: 'policy.denied', outcome: 'denied', origin: 'policy', capability: 'delete' }),
  call(5, 63_000, { type: 'request.refused', outcome: 'error', origin: 'client' }),
  // Neither a call of its own, nor one of this tenant.
  call(6, 64_000, { ...ana, type: 'proxy.hop', upstream: 'tracker' }),
  { ...call(7, 65_000, { ...ana, cost_micros: 1_000 }), tenant: 'other' },
];

function call(sequence: number, at: number, fields: Partial<EventFields>): Given {
  return { sequence, at, fields: { client_id: 'c1', client_name: 'claude', server: 'work', ...fields } };
}

const by = (rows: readonly UsageRow[], group: keyof UsageRow['group'], figure: (row: UsageRow) => unknown) =>
  Object.fromEntries(rows.map((row) => [row.group[group], figure(row)]));

describe.each(ENGINES)('usage on %s', (_name, open) => {
  let opened: OpenedEngine;
  let engine: Engine;
  beforeAll(async () => {
    opened = await withTables(open);
    engine = opened.engine;
    await insert(engine, events);
    await insert(engine, events.slice(1, 4));
  });
  afterAll(() => opened[Symbol.asyncDispose]());

  it('counts every call once, however often it was delivered', async () => {
    expect(await figures(engine, {})).toEqual([
      {
        group: {},
        calls: 5,
        errors: 2,
        denied: 1,
        cancelled: 0,
        error_rate: 0.4,
        failures: { client: 1, policy: 1, gateway: 0, upstream: 1 },
        duration_us: { p50: expect.any(Number), p95: expect.any(Number), p99: expect.any(Number) },
        bytes_in: 10,
        bytes_out: 400,
        tokens: { arguments: 0, result: 40, model_in: 9, model_out: 0 },
        cost_micros: 12,
      },
    ]);
  });

  it.each<readonly [keyof UsageRow['group'], Record<string, number>]>([
    ['principal', { u1: 2, u2: 2, '': 1 }],
    ['team', { all: 4, finance: 2, '': 1 }],
    ['client', { c1: 5 }],
    ['server', { work: 5 }],
    ['upstream', { tracker: 2, files: 1, '': 2 }],
    ['capability', { get: 2, read: 1, delete: 1, '': 1 }],
  ])('groups by %s', async (group, expected) => {
    expect(by(await figures(engine, { group_by: group }), group, ({ calls }) => calls)).toEqual(expected);
  });

  it('gives the latest name with a principal and a client', async () => {
    const rows = await figures(engine, { group_by: 'principal,client' });
    expect(rows.find(({ group }) => group.principal === 'u1')?.group).toEqual({
      principal: 'u1',
      principal_name: 'ana@example.com',
      client: 'c1',
      client_name: 'claude',
    });
  });

  it.each([
    ['minute', ['2026-01-31T23:59:00Z', 2], ['2026-02-01T00:00:00Z', 3]],
    ['hour', ['2026-01-31T23:00:00Z', 2], ['2026-02-01T00:00:00Z', 3]],
    ['day', ['2026-01-31T00:00:00Z', 2], ['2026-02-01T00:00:00Z', 3]],
    ['month', ['2026-01-01T00:00:00Z', 2], ['2026-02-01T00:00:00Z', 3]],
  ])('cuts into intervals of a %s', async (interval, ...expected) => {
    expect((await figures(engine, { interval })).map(({ at, calls }) => [at, calls])).toEqual(expected);
  });

  it('takes filters of events', async () => {
    expect(await figures(engine, { team: 'finance', filter: 'duration_us > 2000' })).toMatchObject([
      { calls: 1, cost_micros: 7 },
    ]);
    expect(await figures(engine, { principal: 'nobody' })).toEqual([]);
    expect(await figures(engine, { principal: 'nobody', group_by: 'team' })).toEqual([]);
  });

  it.each([
    ['calls', 'team', 'all'],
    ['errors', 'capability', ''],
    ['denied', 'capability', 'delete'],
    ['error_rate', 'upstream', ''],
    ['p95', 'upstream', 'files'],
    ['bytes', 'capability', 'get'],
    ['tokens', 'capability', 'read'],
    ['cost', 'principal', 'u1'],
  ] as const)('ranks by %s', async (measure, group, first) => {
    const query = usageTopQuery.parse({ by: group, measure, limit: '1' });
    const { rows } = await usageOf(engine).top(everything, query);
    expect(rows.map((row) => row.group[group])).toEqual([first]);
  });

  it('says what each team costs in a month, and all of them together, each call once', async () => {
    const { months } = await usageOf(engine).cost(everything, costQuery.parse({ from: '2026-01', to: '2026-02' }));
    expect(months).toEqual([
      {
        month: '2026-01',
        calls: 2,
        cost_micros: 12,
        teams: [
          { team: 'all', calls: 2, cost_micros: 12 },
          { team: 'finance', calls: 2, cost_micros: 12 },
        ],
      },
      {
        month: '2026-02',
        calls: 3,
        cost_micros: 0,
        teams: [expect.objectContaining({ team: 'all', calls: 2 }), { team: '', calls: 1, cost_micros: 0 }],
      },
    ]);
  });

  it.each([
    ['range', { from: '2020-01-01T00:00:00Z' }, 'range_days'],
    ['intervals', { from: '2026-01-01T00:00:00Z', interval: 'minute' }, 'intervals'],
    ['future', { from: '2030-01-01T00:00:00Z' }, 'range_order'],
  ])('X7 T4 %s: a question about too much names the limit', async (_id, query, name) => {
    await expect(figures(engine, query)).rejects.toMatchObject({
      status: 400,
      details: { reason: 'limit_exceeded', limit: { name } },
    });
  });

  it('is exact for any events, delivered in any number of overlapping parts', async () => {
    const given = fc.record({
      at: fc.integer({ min: 0, max: 3_599_000 }),
      upstream: fc.constantFrom('a', 'b', ''),
      outcome: fc.constantFrom('ok', 'error', 'denied', 'cancelled'),
      cost: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      duration: fc.integer({ min: 0, max: 10_000_000 }),
    });
    let epoch = 1;
    const property = fc.asyncProperty(
      fc.array(given, { minLength: 1, maxLength: 60 }),
      fc.array(fc.nat(59), { maxLength: 4 }),
      async (list, cuts) => {
        epoch += 1;
        const marked = list.map(({ at, upstream, outcome, cost, duration }, index): Given => ({
          ...call(index + 1, at, {
            upstream,
            outcome,
            cost_micros: cost,
            duration_us: duration,
            snapshot: `run-${epoch}`,
          }),
          epoch,
        }));
        await insert(engine, marked);
        for (const cut of cuts) if (cut < marked.length) await insert(engine, marked.slice(cut).toReversed());
        const rows = await figures(engine, { filter: `snapshot = run-${epoch}`, group_by: 'upstream' });
        const expected = Map.groupBy(list, ({ upstream }) => upstream);
        expect(rows).toHaveLength(expected.size);
        for (const { group, calls, errors, cost_micros, duration_us } of rows) {
          const own = expected.get(group.upstream as 'a') ?? [];
          expect([calls, cost_micros]).toEqual([own.length, own.reduce((sum, { cost }) => sum + cost, 0)]);
          expect(errors).toBe(own.filter(({ outcome }) => outcome === 'error').length);
          const longest = Math.max(...own.map(({ duration }) => duration));
          expect(duration_us.p99).toBeLessThanOrEqual(longest * 1.005 + 1);
        }
      },
    );
    await fc.assert(property, { numRuns: 6 });
  }, 300_000);
});
