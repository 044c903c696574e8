import { ENGINES, tablesForEach } from '../engine/engines.fixture.js';
import { KEPT_TABLES, RETAINED_TABLES } from './retained-tables.js';

jest.setTimeout(300_000);

describe('tables of the database', () => {
  const open = tablesForEach(ENGINES[1]![1]);
  // The same migrations make the same tables in both.
  it('D11: are each either deleted from or kept for good, so that none is forgotten', async () => {
    await using opened = await open();
    const found = (await opened.engine.query(
      `SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' ORDER BY name`,
    )) as { name: string }[];
    const known = new Set<string>([...KEPT_TABLES, ...RETAINED_TABLES.map(({ table }) => table)]);
    // One that is missing here needs a row in retained-tables.ts.
    expect(found.map(({ name }) => name).filter((name) => !known.has(name))).toEqual([]);
  });

  it.each(RETAINED_TABLES)('D11: $name has the columns that are asked for', async ({ table, time, heldBy, only = '1' }) => {
    await using opened = await open();
    const expressions = heldBy === undefined ? [] : 'inEvents' in heldBy ? [heldBy.id] : Object.values(heldBy).flat();
    await opened.engine.query(`SELECT ${[time, only, ...expressions].join(', ')} FROM ${table} LIMIT 0`);
  });
});
