import { usageQuery, usageTopQuery, type EventFields, type UsageRow } from '@switchyard/contracts';
import fc from 'fast-check';
import type { Engine } from '../../engine/engine.js';
import { ENGINES, withTables, type OpenedEngine } from '../../engine/engines.fixture.js';
import { COUNTS, ROLLUPS } from '../../usage/rollup.js';
import { UsageCounter } from '../../usage/usage-counter.js';
import { insert, startMs, type Given } from '../events.fixture.js';
import { LimitedReads } from '../limited-reads.js';
import type { ReadScope } from '../read-scope.js';
import { Usage } from './usage.js';

const dayMs = 86_400_000;
const now = { now: () => startMs + 3 * dayMs };
const everything: ReadScope = { kind: 'all' };
/** What no table of counts can answer, and every event matches. */
const BY_EVENTS = 'sequence > 0';

async function count(engine: Engine): Promise<void> {
  for (const rollup of ROLLUPS) await new UsageCounter(engine, rollup).run();
}

/** Some minutes pass for the database: everything that it has noted is older. */
async function settle(engine: Engine): Promise<void> {
  const older = async (table: string, columns: string) => {
    await engine.command(`DROP TABLE IF EXISTS ${table}_before`);
    await engine.command(`CREATE TABLE ${table}_before ENGINE = Memory AS SELECT * FROM ${table}`);
    await engine.command(`TRUNCATE TABLE ${table}`);
    await engine.command(`INSERT INTO ${table} SELECT ${columns} FROM ${table}_before`);
  };
  await older('usage_marks', 'tenant, minute, marked_at - INTERVAL 300 SECOND');
  await older('usage_progress', 'rollup, through - INTERVAL 300 SECOND');
  await count(engine);
}

/** A reader of usage that notes which tables it asks. */
function usageOf(engine: Engine) {
  const asked: string[] = [];
  const query: Engine['query'] = (sql, params) => {
    asked.push(
      ...['FROM events', ...ROLLUPS.map(({ table }) => `FROM ${table} `)]
        .filter((table) => sql.includes(table))
        .map((it) => it.trim()),
    );
    return engine.query(sql, params);
  };
  return { usage: new Usage(new LimitedReads({ query }), 'default', now), asked };
}

const call = (epoch: number, sequence: number, at: number, fields: Partial<EventFields>): Given => ({
  ...{ epoch, sequence, at },
  fields: { client_id: 'c1', client_name: 'claude', server: 'work', ...fields },
});

describe.each(ENGINES)('usage from counts on %s', (_name, open) => {
  let opened: OpenedEngine;
  let engine: Engine;
  beforeAll(async () => {
    opened = await withTables(open);
    engine = opened.engine;
  });
  afterAll(() => opened[Symbol.asyncDispose]());
  const empty = async () => {
    for (const table of ['events', 'usage_marks', 'usage_progress', ...ROLLUPS.map((rollup) => rollup.table)])
      await engine.command(`TRUNCATE TABLE ${table}`);
  };

  it('has tables of the same counts, and dimensions as the code says', async () => {
    const typesOf = async (table: string) => {
      const rows = (await engine.query(`DESCRIBE TABLE ${table}`)) as { name: string; type: string }[];
      return new Map(rows.map(({ name, type }) => [name, type]));
    };
    const days = await typesOf('usage_days');
    for (const { table, dimensions } of ROLLUPS) {
      const types = await typesOf(table);
      expect([...types.keys()]).toEqual(['tenant', ...Object.keys(dimensions), ...Object.keys(COUNTS)]);
      for (const name of Object.keys(COUNTS)) expect(types.get(name)).toBe(days.get(name));
    }
  });

  it.each<readonly [string, Readonly<Record<string, string>>, readonly string[]]>([
    [
      'people',
      { group_by: 'principal,team', from: '2026-01-31T00:00:00Z', to: '2026-02-02T00:00:00Z' },
      ['FROM usage_day_people'],
    ],
    ['tools', { group_by: 'capability', from: '2026-01-31T00:00:00Z', to: '2026-02-02T00:00:00Z' }, ['FROM usage_day_tools']],
    [
      'people-and-tools',
      { group_by: 'principal,capability', from: '2026-01-31T00:00:00Z', to: '2026-02-02T00:00:00Z' },
      ['FROM usage_days'],
    ],
    [
      'tools-of-a-person',
      { principal: 'u1', group_by: 'capability', from: '2026-01-31T00:00:00Z', to: '2026-02-02T00:00:00Z' },
      ['FROM usage_days'],
    ],
    ['month', { interval: 'month', from: '2026-01-01T00:00:00Z', to: '2026-03-01T00:00:00Z' }, ['FROM usage_day_tools']],
    [
      'hours-by-server',
      { interval: 'hour', group_by: 'server', from: '2026-01-31T12:00:00Z', to: '2026-02-01T12:00:00Z' },
      ['FROM usage_minutes'],
    ],
    [
      'hours-by-person',
      { interval: 'hour', group_by: 'principal', from: '2026-01-31T12:00:00Z', to: '2026-02-01T12:00:00Z' },
      ['FROM events'],
    ],
    [
      'part-of-a-day-by-person',
      { group_by: 'principal', from: '2026-01-31T12:00:00Z', to: '2026-02-02T00:00:00Z' },
      ['FROM events', 'FROM usage_day_people'],
    ],
    ['teams', { group_by: 'team', from: '2026-01-31T00:00:00Z', to: '2026-02-02T00:00:00Z' }, ['FROM usage_day_teams']],
    [
      'a-team',
      { team: 'ops', group_by: 'team', interval: 'month', from: '2026-01-31T00:00:00Z', to: '2026-02-02T00:00:00Z' },
      ['FROM usage_day_teams'],
    ],
    [
      'people-of-a-team',
      { team: 'ops', group_by: 'principal', from: '2026-01-31T00:00:00Z', to: '2026-02-02T00:00:00Z' },
      ['FROM usage_day_people'],
    ],
    ['ends-of-minutes', { from: '2026-01-30T23:59:30Z', to: '2026-02-02T00:00:00Z' }, ['FROM events', 'FROM usage_day_tools']],
    [
      'filter-of-a-dimension',
      { filter: 'upstream ~ a and not principal_name = x', from: '2026-01-31T00:00:00Z', to: '2026-02-02T00:00:00Z' },
      ['FROM usage_days'],
    ],
    ['filter-of-something-else', { outcome: 'ok', from: '2026-01-31T00:00:00Z', to: '2026-02-02T00:00:00Z' }, ['FROM events']],
    ['search', { q: 'a', from: '2026-01-31T00:00:00Z', to: '2026-02-02T00:00:00Z' }, ['FROM events']],
  ])('%s: asks the tables that can answer', async (_id, query, expected) => {
    await empty();
    await insert(engine, [call(1, 1, 0, {}), call(1, 2, 61_000, {})]);
    await count(engine);
    await settle(engine);
    const { usage, asked } = usageOf(engine);
    await usage.figures(everything, usageQuery.parse(query));
    expect([...new Set(asked)].sort()).toEqual(expected);
  });

  it('asks events themselves for what may not be counted yet, and still answers when they are gone', async () => {
    await empty();
    const query = usageQuery.parse({
      from: '2026-01-31T00:00:00Z',
      to: '2026-02-02T00:00:00Z',
      group_by: 'principal',
      interval: 'day',
    });
    const callsBy = async () => {
      const { usage, asked } = usageOf(engine);
      const { rows } = await usage.figures(everything, query);
      return [rows.map(({ at, calls }) => [at, calls]), [...new Set(asked)].sort()];
    };
    const before = [['2026-01-31T00:00:00Z', 1]];
    const both = [...before, ['2026-02-01T00:00:00Z', 1]];
    await insert(engine, [call(1, 1, 0, {})]);
    expect(await callsBy()).toEqual([before, ['FROM events', 'FROM usage_day_people']]);
    await count(engine);
    // Counted once, a minute may still get events of an insert that has not ended.
    expect(await callsBy()).toEqual([before, ['FROM events', 'FROM usage_day_people']]);
    await settle(engine);
    expect(await callsBy()).toEqual([before, ['FROM usage_day_people']]);
    await insert(engine, [call(1, 2, 120_000, {})]);
    expect(await callsBy()).toEqual([both, ['FROM events', 'FROM usage_day_people']]);
    await count(engine);
    await settle(engine);
    await engine.command('TRUNCATE TABLE events');
    expect(await callsBy()).toEqual([both, ['FROM usage_day_people']]);
  });

  it('T4 D3: answers as events do, whoever asks, whatever is asked, counted or not, delivered however often', async () => {
    const scopes: readonly ReadScope[] = [
      everything,
      { kind: 'some', issuer: 'i', subject: 'u1', teams: [] },
      { kind: 'some', issuer: 'i', subject: 'u2', teams: ['finance', 'ops'] },
    ];
    const event = fc.record({
      at: fc.integer({ min: -2 * dayMs, max: 2 * dayMs - 61_000 }),
      who: fc.constantFrom('u1', 'u2', ''),
      name: fc.constantFrom('ana', 'zoe', ''),
      teams: fc.constantFrom<string[]>([], ['finance'], ['finance', 'all'], ['ops']),
      client: fc.constantFrom('c1', 'c2'),
      upstream: fc.constantFrom('a', 'b', ''),
      type: fc.constantFrom('tool.called', 'prompt.got', 'proxy.hop', 'request.refused'),
      outcome: fc.constantFrom('ok', 'error', 'denied', 'unknown'),
      origin: fc.constantFrom('', 'client', 'upstream'),
      cost: fc.nat(2 ** 32 - 1),
      duration: fc.nat(10_000_000),
    });
    const question = fc.record({
      scope: fc.constantFrom(...scopes),
      groupBy: fc.subarray(['principal', 'team', 'client', 'server', 'upstream', 'capability'] as const, { maxLength: 3 }),
      interval: fc.constantFrom(undefined, 'hour', 'day', 'month'),
      from: fc.integer({ min: -3 * dayMs, max: 0 }),
      to: fc.integer({ min: 1, max: 3 * dayMs }),
      isWhole: fc.boolean(),
      filters: fc.constantFrom(
        {},
        { team: 'finance' },
        { principal: 'ana' },
        { upstream: 'a' },
        { client: 'c2', type: 'tool.called' },
      ),
    });
    let epoch = 1;
    const property = fc.asyncProperty(
      fc.array(event, { minLength: 1, maxLength: 40 }),
      fc.array(fc.nat(39), { maxLength: 3 }),
      fc.array(question, { minLength: 4, maxLength: 4 }),
      fc.nat(2),
      async (list, cuts, questions, counted) => {
        await empty();
        epoch += 1;
        const given = list.map(({ at, who, name, teams, client, upstream, type, outcome, origin, cost, duration }, index) =>
          call(epoch, index + 1, at, {
            ...{ principal_issuer: 'i', principal_subject: who, principal_name: name, teams, client_id: client },
            ...{ client_name: `name of ${client}`, upstream, capability: upstream, type, outcome, origin },
            ...{ cost_micros: cost, duration_us: duration, bytes_in: duration % 1_000 },
          }),
        );
        await insert(engine, given);
        if (counted > 0) await count(engine);
        if (counted > 1) await settle(engine);
        for (const cut of cuts) if (cut < given.length) await insert(engine, given.slice(cut).toReversed());
        for (const { scope, groupBy, interval, from, to, isWhole, filters } of questions) {
          const round = (ms: number) => (isWhole ? Math.floor(ms / dayMs) * dayMs : ms);
          const query = {
            ...filters,
            from: new Date(round(startMs + from)).toISOString(),
            to: new Date(round(startMs + to + (isWhole ? dayMs : 0))).toISOString(),
            ...(groupBy.length === 0 ? {} : { group_by: groupBy.join(',') }),
            ...(interval === undefined ? {} : { interval }),
          };
          const { usage } = usageOf(engine);
          const rowsOf = async (more: object) =>
            sorted((await usage.figures(scope, usageQuery.parse({ ...query, ...more }))).rows);
          expect(await rowsOf({})).toEqual(await rowsOf({ filter: BY_EVENTS }));
        }
      },
    );
    await fc.assert(property, { numRuns: 4 });
  }, 300_000);

  it('ranks as events do', async () => {
    await empty();
    const given = Array.from({ length: 60 }, (_, index) =>
      call(1, index + 1, index * 3_600_000 - dayMs, {
        upstream: `u${index % 7}`,
        duration_us: 1_000 * index,
        cost_micros: index * index,
        outcome: index % 5 === 0 ? 'error' : 'ok',
      }),
    );
    await insert(engine, given);
    await count(engine);
    await settle(engine);
    const range = { from: '2026-01-29T00:00:00Z', to: '2026-02-04T00:00:00Z' };
    for (const measure of ['calls', 'errors', 'error_rate', 'p95', 'bytes', 'tokens', 'cost'] as const) {
      const { usage, asked } = usageOf(engine);
      const top = async (more: object) =>
        (await usage.top(everything, usageTopQuery.parse({ by: 'upstream', measure, limit: '4', ...range, ...more }))).rows;
      const counted = await top({});
      expect([...new Set(asked)]).toEqual(['FROM usage_day_tools']);
      expect(counted).toEqual(await top({ filter: BY_EVENTS }));
    }
  }, 300_000);
});

/** Of equally many calls the order is by group, which counts and events have alike; compared without relying on it. */
const sorted = (rows: readonly UsageRow[]) => rows.map((row) => JSON.stringify(row)).sort();
