// npm run bench -- analytics [--json] [--rows N] [--step generate] [--minutes N] [--dir FOLDER] [--question TEXT] [--only ingestion|questions] [--events N]
// Measures the audit trail: how long the questions that are asked most take on N generated events (100,000,000 unless told), as the API asks
// them; how many events a second get from the stream into the database and how soon a query finds one, once with everything in this process
// and once over NATS and HTTP; and what an event takes on the disk. Generated events are kept in .cache/bench (or --dir) and taken from there by
// the next run; --step generate only makes them, --minutes ends that after a time, and the next run goes on. --question asks those whose name has
// the text. The engine is chDB: ClickHouse as a library. CPU time is what to compare between runs. Ends by itself.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { askAll } from './analytics/ask.mjs';
import { folderOf, openGenerated } from './analytics/generated-database.mjs';
import { measureIngestion } from './analytics/ingestion.mjs';

const PROFILES = ['embedded', 'NATS and ClickHouse'];
const BUDGETS = { perSecond: 100_000, visibleMs: 2_000 };

const text = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1];
};
const json = process.argv.includes('--json');
const rows = Number(text('rows', 100_000_000));
const events = Number(text('events', 300_000));
const minutes = Number(text('minutes', 240));
const kept = text('dir', undefined);
const step = text('step', undefined);
const question = text('question', undefined);
const only = text('only', undefined);
const say = (line) => (json ? undefined : console.error(line));
const ok = (holds) => (holds ? 'ok' : 'MISSED');

async function sizes(engine) {
  const tables = await engine.query(
    `SELECT table, toUInt32(count()) AS parts, toFloat64(sum(rows)) AS rows, toFloat64(sum(bytes_on_disk)) AS bytes FROM system.parts
     WHERE active AND database = currentDatabase() GROUP BY table ORDER BY bytes DESC`,
  );
  const events = tables.find(({ table }) => table === 'events');
  const usageBytes = tables.filter(({ table }) => table.startsWith('usage_')).reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    tables,
    events: events.rows,
    parts: events.parts,
    bytesPerEvent: events.bytes / events.rows,
    usageBytesPerEvent: usageBytes / events.rows,
  };
}

async function measureQuestions() {
  const dir = kept ?? folderOf(rows);
  const { engine, isComplete, ...it } = await openGenerated({ dir, rows, minutes, say });
  try {
    if (step === 'generate' || !isComplete) return undefined;
    say('asking');
    const answers = await askAll({ engine, dir: path.join(dir, 'database'), firstMs: it.firstMs, only: question, say });
    return { ...it, ...(await sizes(engine)), answers };
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
  const { events, event_lines } = it.mergeUs;
  console.log(
    `  merges of each meanwhile; one more takes    ${it.merges.toFixed(1)}; ${(events + event_lines).toFixed(1)} µs: the event ${events.toFixed(1)}, its line ${event_lines.toFixed(1)}`,
  );
  console.log(
    `  with the merges that are to come, events/s  ${Math.round(it.perSecondWithMerges)}  ${ok(it.perSecondWithMerges >= BUDGETS.perSecond)}`,
  );
  const visible = `${Math.round(it.visibleP50Ms)} / ${Math.round(it.visibleP99Ms)}`;
  console.log(
    `  visible after, ms, p50 / p99                ${visible}  (budget ${BUDGETS.visibleMs}) ${ok(it.visibleP99Ms <= BUDGETS.visibleMs)}`,
  );
  console.log(
    `  bytes of a line, and on the disk            ${Math.round(it.bytesPerLine)} and ${it.diskBytesPerEvent.toFixed(1)}`,
  );
}

const mebibytes = (bytes) => (bytes / 1024 ** 2).toFixed(bytes < 10 * 1024 ** 2 ? 1 : 0);

function printQuestions({ answers, ...it }) {
  console.log(
    `\nquestions on ${it.events} events in ${it.parts} parts; bytes of each: ${it.bytesPerEvent.toFixed(1)}, ${it.usageBytesPerEvent.toFixed(1)} of counts`,
  );
  for (const { table, rows: made, bytes } of it.tables)
    console.log(`  ${table.padEnd(20)}${String(made).padStart(12)} rows${mebibytes(bytes).padStart(9)} MiB`);
  if (answers.some(({ areFilesCold }) => !areFilesCold)) console.log("  cold: with the engine's caches empty, not the system's");
  const heads = ['cold ms', 'p50', 'p95', 'CPU ms', 'rows', 'read', 'MiB'];
  console.log(`${''.padEnd(40)}${heads.map((head) => head.padStart(10)).join('')}`);
  for (const { name, limit, coldMs, p50Ms, p95Ms, cpuMs, rows: found, read, budgetMs } of answers) {
    const budget = budgetMs === undefined ? '' : `  budget ${budgetMs} ${ok(limit === undefined && p95Ms <= budgetMs)}`;
    const figures = [coldMs, p50Ms, p95Ms, cpuMs].map((ms) => ms?.toFixed(0));
    const cells = limit === undefined ? [...figures, found, read.rows, mebibytes(read.bytes)] : [`ended by ${limit}`];
    console.log(`${name.padEnd(40)}${cells.map((cell) => String(cell).padStart(10)).join('')}${budget}`);
  }
}

const dir = await mkdtemp(path.join(os.tmpdir(), 'switchyard-bench-'));
try {
  // Questions first: a process has one folder of chDB open at a time.
  const questions = only === 'ingestion' ? undefined : await measureQuestions();
  const ingestion = [];
  for (const profile of only === 'questions' || step !== undefined ? [] : PROFILES) {
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
