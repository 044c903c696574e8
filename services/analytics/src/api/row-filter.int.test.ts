import { ENGINES, withTables, type OpenedEngine } from '../engine/engines.fixture.js';
import { ROLLUPS } from '../usage/rollup.js';
import { UsageCounter } from '../usage/usage-counter.js';
import { insert, lineOf, type Given } from './events.fixture.js';
import { LimitedReads } from './limited-reads.js';
import { rowFilter } from './row-filter.js';

const hostile = "it's \\ other";

describe.each(ENGINES)('T4 rows of one tenant on %s', (_name, open) => {
  let opened: OpenedEngine;
  let reads: LimitedReads;
  const tenantsIn = async (table: string) => {
    const rows = (await reads.rows({ text: `SELECT DISTINCT tenant FROM ${table} ORDER BY tenant`, params: {} })) as {
      tenant: string;
    }[];
    return rows.map(({ tenant }) => tenant);
  };
  const count = async (text: string) => Number(((await reads.rows({ text, params: {} })) as { n: string }[])[0]?.n);

  beforeAll(async () => {
    opened = await withTables(open);
    const { engine } = opened;
    const given = ['default', 'other', hostile].flatMap((tenant, index): Given[] =>
      [1, 2].map((sequence) => ({
        sequence,
        epoch: index + 1,
        at: sequence,
        tenant,
        fields: { principal_subject: 'u', principal_name: 'ana' },
      })),
    );
    await insert(engine, given);
    await engine.insertLines(
      'event_lines',
      Buffer.from(given.map((one) => `${JSON.stringify({ line: lineOf(one).trimEnd() })}\n`).join('')),
      'lines',
    );
    for (const rollup of ROLLUPS) await new UsageCounter(engine, rollup).run();
    for (const tenant of ['default', 'other']) {
      const rows = { checkpoints: { tenant, number: 1, jws: 'x' }, sink_dead_letters: { tenant, sink: 's', event_id: 'e' } };
      for (const [table, row] of Object.entries(rows))
        await engine.insertLines(table, Buffer.from(`${JSON.stringify(row)}\n`), `${table} ${tenant}`);
    }
    reads = new LimitedReads(engine, await rowFilter(engine, 'default'));
  }, 300_000);
  afterAll(() => opened[Symbol.asyncDispose]());

  it.each([
    'events',
    'event_lines',
    'usage_marks',
    ...ROLLUPS.map(({ table }) => table),
    'principals',
    'checkpoints',
    'sink_dead_letters',
  ])('a query of %s that forgets its condition has only the own tenant’s', async (table) => {
    const all = await opened.engine.query(`SELECT uniqExact(tenant) > 1 AS several FROM ${table}`);
    expect(all).toEqual([{ several: 1 }]);
    expect(await tenantsIn(table)).toEqual(['default']);
    expect(await tenantsIn(`${table} AS own`)).toEqual(['default']);
  });

  it('every table of tenants is among them', async () => {
    const rows = (await opened.engine.query(
      `SELECT DISTINCT table FROM system.columns WHERE database = currentDatabase() AND name = 'tenant'`,
    )) as { table: string }[];
    const filter = await rowFilter(opened.engine, 'default');
    expect(rows.length).toBeGreaterThan(7);
    for (const { table } of rows) expect(filter).toContain(`'${table}': `);
  });

  it.each([
    ['final', 'SELECT count() AS n FROM events FINAL', 2],
    ['joined', 'SELECT count() AS n FROM events AS a JOIN events AS b ON a.sequence = b.sequence', 2],
    ['union', 'SELECT count() AS n FROM (SELECT * FROM events UNION ALL SELECT * FROM events)', 4],
    ['subquery', "SELECT count() AS n FROM events WHERE event_id IN (SELECT event_id FROM events WHERE tenant = 'other')", 0],
    ['or', "SELECT count() AS n FROM events WHERE tenant = 'other' OR 1", 2],
    ['scalar', "SELECT (SELECT count() FROM events WHERE tenant != 'default') AS n", 0],
    ['with', "WITH theirs AS (SELECT * FROM events WHERE tenant = 'other') SELECT count() AS n FROM theirs", 0],
    ['by-person', "SELECT count() AS n FROM events WHERE principal_subject = 'u'", 2],
  ])('%s: there is no way around it', async (_id, text, expected) => {
    expect(await count(text)).toBe(expected);
  });

  it('the name of a tenant is only ever a name', async () => {
    reads = new LimitedReads(opened.engine, await rowFilter(opened.engine, hostile));
    expect(await tenantsIn('events')).toEqual([hostile]);
    reads = new LimitedReads(opened.engine, await rowFilter(opened.engine, 'default'));
  });

  it.each([
    'SELECT count() AS n FROM events SETTINGS additional_table_filters = {}',
    'SELECT count() AS n FROM (SELECT * FROM events settings additional_table_filters = {})',
  ])('no query takes it back: %s', async (text) => {
    await expect(count(text)).rejects.toThrow('settings of its own');
  });
});
