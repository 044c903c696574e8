// npm run bench -- analytics [--json] [--rows N] [--minutes N] [--events N] [--dir FOLDER] [--only ingestion|questions]
// Measures the audit trail: how many events a second get from the stream into the database and how soon a query finds one, once with
// everything in this process and once over NATS and HTTP; what an event takes on the disk; and how long the ten questions that are asked most
// take on N generated events (1,000,000 unless told; 100,000,000 takes about 15 minutes of two free cores and 10 GB). With --dir the
// generated events are kept there, and taken from there if they are there already; --minutes ends their generation after that time, and the next
// run with --dir goes on. It does not begin without room on the disk. The engine is chDB: ClickHouse as a library.
// CPU time is what to compare between runs: other work on the machine changes it least. Ends by itself.
import { mkdir, mkdtemp, rm, stat, statfs, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { EmbeddedEngine } from '../../services/analytics/dist/engine/embedded-engine.js';
import { migrate, readMigrations } from '../../services/analytics/dist/engine/migrate.js';
import { USAGE_DAYS, USAGE_MINUTES } from '../../services/analytics/dist/usage/rollup.js';
import { UsageCounter } from '../../services/analytics/dist/usage/usage-counter.js';
import { generateEvents } from './analytics/generated-events.mjs';
import { measureIngestion } from './analytics/ingestion.mjs';
import { askAll } from './analytics/questions.mjs';

const PROFILES = ['embedded', 'NATS and ClickHouse'];
const BUDGETS = { perSecond: 100_000, visibleMs: 2_000 };

const text = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1];
};
const json = process.argv.includes('--json');
const rows = Number(text('rows', 1_000_000));
const events = Number(text('events', 300_000));
const minutes = Number(text('minutes', 240));
const kept = text('dir', undefined);
const only = text('only', undefined);
const say = (line) => (json ? undefined : console.error(line));
const ok = (holds) => (holds ? 'ok' : 'MISSED');

/** Generated events take 80 bytes each, and as much again while parts are merged; 200 leave some for others. */
async function assertRoom(dir) {
  await mkdir(dir, { recursive: true });
  const { bavail, bsize } = await statfs(dir);
  if (bavail * bsize < rows * 200)
    throw new Error(`${rows} events need ${Math.ceil((rows * 200) / 1024 ** 3)} GiB of room in ${dir}.`);
}

async function openGenerated(dir) {
  const isThere = await stat(path.join(dir, 'done')).then(
    () => true,
    () => false,
  );
  if (!isThere) await assertRoom(dir);
  const engine = await EmbeddedEngine.open(dir);
  await migrate(engine, readMigrations(), { info: () => undefined });
  if (!isThere) {
    const startedAt = performance.now();
    let made = 0;
    await generateEvents(engine, rows, (now) => {
      made = now;
      const seconds = (performance.now() - startedAt) / 1_000;
      say(`${made} of ${rows} events made, ${seconds.toFixed(0)} s`);
      return seconds < minutes * 60;
    });
    await engine.command('SYSTEM START MERGES events');
    if (made >= rows) await writeFile(path.join(dir, 'done'), '');
  }
  return engine;
}

/** Counts all usage anew, unless it has been. */
async function countUsage(engine) {
  const startedAt = performance.now();
  const [{ n }] = await engine.query(`SELECT toUInt32(count()) AS n FROM usage_days`);
  if (n === 0) for (const rollup of [USAGE_MINUTES, USAGE_DAYS]) await new UsageCounter(engine, rollup).recount();
  return (performance.now() - startedAt) / 1_000;
}

async function sizes(engine) {
  const [row] = await engine.query(
    `SELECT toUInt64(countIf(table = 'events')) AS parts, sumIf(rows, table = 'events') AS events,
       sumIf(bytes_on_disk, table = 'events') / sumIf(rows, table = 'events') AS bytesPerEvent,
       sumIf(rows, table = 'usage_minutes') AS minuteRows, sumIf(rows, table = 'usage_days') AS dayRows,
       sumIf(bytes_on_disk, table LIKE 'usage_%') / sumIf(rows, table = 'events') AS usageBytesPerEvent
     FROM system.parts WHERE active AND database = currentDatabase()`,
  );
  return row;
}

async function measureQuestions(dir) {
  const engine = await openGenerated(kept ?? path.join(dir, 'generated'));
  try {
    say('counting usage');
    const countingSeconds = await countUsage(engine);
    say('asking');
    const answers = await askAll(engine);
    return { ...(await sizes(engine)), countingSeconds, answers };
  } finally {
    await engine.close();
  }
}

function printIngestion({ profile, ...it }) {
  console.log(`\n${profile}`);
  console.log(
    `  events/s from the stream into the database  ${Math.round(it.perSecond)}  (budget ${BUDGETS.perSecond} on two free cores)`,
  );
  const { own, nats, engine } = it.cpuUs;
  const parts =
    nats === 0
      ? `${own.toFixed(1)} with the engine`
      : `analytics ${own.toFixed(1)}, engine ${engine.toFixed(1)}, NATS ${nats.toFixed(1)}`;
  console.log(`  CPU for each, µs                            ${parts}`);
  console.log(
    `  so on two free cores, events/s              ${Math.round(it.perSecondOnTwoFreeCores)}  ${ok(it.perSecondOnTwoFreeCores >= BUDGETS.perSecond)}`,
  );
  const visible = `${Math.round(it.visibleP50Ms)} / ${Math.round(it.visibleP99Ms)}`;
  console.log(
    `  visible after, ms, p50 / p99                ${visible}  (budget ${BUDGETS.visibleMs}) ${ok(it.visibleP99Ms <= BUDGETS.visibleMs)}`,
  );
  console.log(
    `  bytes of a line, and on the disk            ${Math.round(it.bytesPerLine)} and ${it.diskBytesPerEvent.toFixed(1)}`,
  );
}

function printQuestions({ answers, ...it }) {
  console.log(`\nquestions on ${it.events} events in ${it.parts} parts, ${Number(it.bytesPerEvent).toFixed(1)} bytes each`);
  console.log(`usage: ${it.minuteRows} rows by minute, ${it.dayRows} by day, counted in ${it.countingSeconds.toFixed(0)} s`);
  console.log(
    `${''.padEnd(46)}${'best ms'.padStart(9)}${'p50'.padStart(9)}${'p99'.padStart(9)}${'CPU ms'.padStart(9)}${'rows'.padStart(7)}`,
  );
  for (const { name, bestMs, p50Ms, p99Ms, cpuMs, rows: found, budgetMs } of answers) {
    const cells = [bestMs, p50Ms, p99Ms, cpuMs].map((ms) => ms.toFixed(0).padStart(9)).join('');
    const budget = budgetMs === undefined ? '' : `  budget ${budgetMs} ${ok(p50Ms <= budgetMs)}`;
    console.log(`${name.padEnd(46)}${cells}${String(found).padStart(7)}${budget}`);
  }
}

const dir = await mkdtemp(path.join(os.tmpdir(), 'switchyard-bench-'));
try {
  // Questions first: a process has one folder of chDB open at a time.
  const questions = only === 'ingestion' ? undefined : await measureQuestions(dir);
  const ingestion = [];
  for (const profile of only === 'questions' ? [] : PROFILES) {
    say(`ingestion, ${profile}`);
    ingestion.push(await measureIngestion(profile, events, dir));
    if (!json) printIngestion(ingestion.at(-1));
  }
  if (json) console.log(JSON.stringify({ ingestion, questions }));
  else if (questions) printQuestions(questions);
} finally {
  await rm(dir, { recursive: true, force: true });
}
process.exit(0);
