// A database of generated events in a folder that outlives the run: the next one only asks.
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EmbeddedEngine } from '../../../services/analytics/dist/engine/embedded-engine.js';
import { migrate, readMigrations } from '../../../services/analytics/dist/engine/migrate.js';
import { countSql, ROLLUPS } from '../../../services/analytics/dist/usage/rollup.js';
import { SETTLED_SECONDS } from '../../../services/analytics/dist/usage/usage-counter.js';
import { DAYS, selectEvents } from './generated-columns.mjs';
import { generateEvents } from './generated-events.mjs';

const DAY_MS = 86_400_000;
/** On the disk, with counts; and as much again of what is being written, while it is. */
const BYTES_PER_EVENT = 150;
const kept = path.resolve(import.meta.dirname, '../../../.cache/bench');
/** Tables that are filled. Migrations of others leave what was generated as good as it was. */
const filled = /\b(?:events|usage_\w+|principals|event_sequences)\b/;

/** Where a database of so many rows is kept: another schema, or other events, have another folder. */
export function folderOf(rows) {
  const schema = readMigrations().filter(({ sql }) => filled.test(sql));
  const hash = createHash('sha256').update(selectEvents());
  for (const { sha256 } of schema) hash.update(sha256);
  return path.join(kept, `analytics-${rows}-${hash.digest('hex').slice(0, 12)}`);
}

async function assertRoom(dir, rows) {
  await mkdir(dir, { recursive: true });
  const { bavail, bsize } = await statfs(dir);
  const bytes = rows * BYTES_PER_EVENT;
  if (bavail * bsize < bytes) throw new Error(`${rows} events need ${Math.ceil(bytes / 1024 ** 3)} GiB of room in ${dir}.`);
}

/** What is known of a folder: rows, when the first event happened, how many are made, which counts are. */
async function readState(dir, rows) {
  try {
    return JSON.parse(await readFile(path.join(dir, 'state.json'), 'utf8'));
  } catch {
    // Retention goes by the clock: the last day is the one before this one.
    return { rows, firstMs: Math.floor(Date.now() / DAY_MS) * DAY_MS - DAYS * DAY_MS, made: 0, counted: {} };
  }
}

async function writeState(dir, state) {
  const file = path.join(dir, 'state.json');
  await writeFile(`${file}.new`, JSON.stringify(state));
  await rename(`${file}.new`, file);
}

/** Counts a day at a time, as analytics does of marked buckets, but on all cores. */
async function count(engine, rollup, state, save, say) {
  const sql = countSql(rollup).replace('max_threads = 1', 'max_threads = 2');
  const startedAt = performance.now();
  for (let day = state.counted[rollup.table] ?? 0; day <= DAYS; day++) {
    const from = state.firstMs / 1000 + (day - 1) * 86_400;
    await engine.command(sql, { tenant: 'default', from, to: from + 86_400 });
    state.counted[rollup.table] = day + 1;
    await save();
    if (day % 10 === 0) say(`${rollup.table}: ${day} of ${DAYS} days counted, ${seconds(startedAt)} s`);
  }
}

/** Merges the months that are over, as the engine does in time. */
async function mergeMonths(engine, state, save, say) {
  const startedAt = performance.now();
  const months = await engine.query(
    `SELECT partition_id AS id, toUInt32(count()) AS parts FROM system.parts WHERE active AND database = currentDatabase() AND table = 'events'
     GROUP BY id ORDER BY max(max_time)`,
  );
  await engine.command('SYSTEM START MERGES events');
  const over = months.slice(0, -1);
  for (const [index, { id, parts }] of over.entries()) {
    if (parts > 1) await engine.command(`OPTIMIZE TABLE events PARTITION ID '${id}' FINAL`);
    say(`month ${index + 1} of ${over.length} that are over merged, ${seconds(startedAt)} s`);
  }
  state.areMonthsMerged = true;
  await save();
}

const seconds = (startedAt) => ((performance.now() - startedAt) / 1_000).toFixed(0);

/** Says that everything is counted, as it is two minutes after the last insert. */
async function rememberCounts(engine) {
  for (const { table } of ROLLUPS)
    await engine.command(
      `INSERT INTO usage_progress SELECT {table:String}, max(marked_at) + toIntervalSecond(${SETTLED_SECONDS}) FROM usage_marks`,
      { table },
    );
}

/**
 * Opens the database in a folder, and makes what is missing there; the next run goes on where one was ended.
 * @returns the engine; when the first event happened; the folder; seconds that making took in this run
 */
export async function openGenerated({ dir, rows, minutes, say }) {
  const state = await readState(dir, rows);
  if (state.made < rows) await assertRoom(dir, rows - state.made);
  const engine = await EmbeddedEngine.open(path.join(dir, 'database'));
  await migrate(engine, readMigrations(), { info: () => undefined });
  const save = () => writeState(dir, state);
  const startedAt = performance.now();
  if (state.made < state.rows) {
    say(`making ${state.rows - state.made} events in ${dir}`);
    await generateEvents(engine, state, (made) => {
      state.made = made;
      const spent = (performance.now() - startedAt) / 1_000;
      say(`${made} of ${state.rows} events made, ${spent.toFixed(0)} s`);
      return save().then(() => spent < minutes * 60);
    });
  }
  const madeSeconds = (performance.now() - startedAt) / 1_000;
  const isComplete = state.made >= state.rows;
  if (isComplete && state.areMonthsMerged !== true) await mergeMonths(engine, state, save, say);
  const uncounted = isComplete ? ROLLUPS.filter(({ table }) => (state.counted[table] ?? 0) <= DAYS) : [];
  for (const rollup of uncounted) await count(engine, rollup, state, save, say);
  if (uncounted.length > 0) await rememberCounts(engine);
  const countedSeconds = (performance.now() - startedAt) / 1_000 - madeSeconds;
  return { engine, dir, firstMs: state.firstMs, rows: state.made, isComplete, madeSeconds, countedSeconds };
}
