import { ENGINES, withTables } from '../../../services/analytics/src/engine/engines.fixture.js';
import { storeBatch } from '../../../services/analytics/src/ingest/store-batch.js';
import { messagesOf } from './call-lines.mjs';
import { generateEvents } from './generated-events.mjs';

const generated = 40_000;
const firstMs = Date.UTC(2026, 0, 5);
const [, chdb] = ENGINES[1] ?? [];

// Bytes of a column for each call, on the disk.
const SIZES = `SELECT column, sumIf(column_bytes_on_disk / rows, table = 'generated') AS made, sumIf(column_bytes_on_disk / rows, table = 'ingested') AS came
  FROM system.parts_columns WHERE active AND database = currentDatabase() AND table IN ('generated', 'ingested') GROUP BY column ORDER BY column`;

interface Size {
  readonly column: string;
  readonly made: number;
  readonly came: number;
}

it('generated calls take in no column less room than those that an edge recorded, so that what they take on the disk can be believed', async () => {
  if (chdb === undefined) throw new Error('there is no chDB among the engines');
  await using opened = await withTables(chdb);
  const { engine } = opened;
  const keepCalls = async (table: string) => {
    await engine.command(`CREATE TABLE ${table} AS events ENGINE = MergeTree ORDER BY (tenant, occurred_at, emitter, epoch, sequence, event_id)
      SETTINGS min_bytes_for_wide_part = 0, min_compress_block_size = 16384`);
    await engine.command(`INSERT INTO ${table} SELECT * FROM events WHERE type = 'tool.called'`);
    await engine.command('TRUNCATE TABLE events');
  };
  await generateEvents(engine, { rows: generated, firstMs, made: 0 }, async () => true);
  await keepCalls('generated');
  const messages = messagesOf(17_500).map(({ id, data }) => ({ subject: 'events', messageId: id, sequence: '1', data }));
  expect(await storeBatch(engine, messages)).toEqual({ rows: 17_500, deadLetters: [] });
  await keepCalls('ingested');
  const sizes = (await engine.query(SIZES)) as readonly Size[];
  expect(sizes.length).toBeGreaterThan(50);
  // Small columns of so few calls are mostly what each file has besides its rows.
  expect(sizes.filter(({ made, came }) => made < 0.98 * came - 0.6)).toEqual([]);
  expect(sizes.reduce((sum, { made }) => sum + made, 0)).toBeGreaterThan(sizes.reduce((sum, { came }) => sum + came, 0));
}, 300_000);
