// Asks questions of a database: once with empty caches, then until it is known how long they take; and what the engine reads for each.
import { execFileSync } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { createChdbConnection } from 'chdb/connection';
import { EventTrail } from '../../../services/analytics/dist/api/event-trail.js';
import { LimitedReads } from '../../../services/analytics/dist/api/limited-reads.js';
import { rowFilter } from '../../../services/analytics/dist/api/row-filter.js';
import { Usage } from '../../../services/analytics/dist/api/usage/usage.js';
import { DAYS } from './generated-columns.mjs';
import { questions } from './questions.mjs';

const MOST_ROUNDS = 30;
const LEAST_ROUNDS = 3;
const LONGEST_MS = 10_000;
const TENANT = 'default';

/** Takes the folder's files out of the system's memory. @returns whether that could be done */
function forgetFiles(dir) {
  const program = `import os, sys
os.sync()
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        try:
            file = os.open(os.path.join(folder, name), os.O_RDONLY)
        except FileNotFoundError:
            continue
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)`;
  try {
    execFileSync('python3', ['-c', program, dir], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function forget(engine, dir) {
  for (const cache of ['MARK', 'UNCOMPRESSED', 'QUERY CONDITION']) await engine.command(`SYSTEM DROP ${cache} CACHE`);
  return forgetFiles(dir);
}

/** The API over an engine, which notes the statements that it is given. */
async function apiOver(engine, firstMs) {
  const statements = [];
  const noting = {
    query: (sql, params) => {
      statements.push({ sql, params });
      return engine.query(sql, params);
    },
  };
  const reads = new LimitedReads(noting, await rowFilter(engine, TENANT));
  const clock = { now: () => firstMs + DAYS * 86_400_000 };
  return { api: { trail: new EventTrail(reads, TENANT), usage: new Usage(reads, TENANT, clock) }, statements };
}

/** Rows and bytes that the engine reads for some statements. */
async function readBy(dir, statements) {
  const connection = createChdbConnection({ path: dir });
  try {
    let rows = 0;
    let bytes = 0;
    for (const { sql, params } of statements) {
      // The one format that says so.
      const { stream } = await connection.query({
        query: sql,
        query_params: params,
        clickhouse_settings: { default_format: 'JSON' },
      });
      const { statistics } = JSON.parse(await text(stream));
      rows += statistics.rows_read;
      bytes += statistics.bytes_read;
    }
    return { rows, bytes };
  } finally {
    await connection.close();
  }
}

async function timed(ask) {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  const rows = await ask();
  const ms = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(before);
  return { rows, ms, cpuMs: (user + system) / 1_000 };
}

/** @returns of each question: milliseconds cold, warm (p50, p95), CPU time, rows of the answer, rows and bytes read; or the limit it met */
export async function askAll({ engine, dir, firstMs, only, say }) {
  // What generation has left unmerged stays so: merges would be measured too.
  await engine.command('SYSTEM STOP MERGES');
  const { api, statements } = await apiOver(engine, firstMs);
  const middle = (firstMs + (DAYS / 2) * 86_400_000) / 1_000;
  const [known] = await engine.query(
    `SELECT request_id FROM events WHERE tenant = '${TENANT}' AND type = 'tool.called' AND occurred_at > toDateTime(${middle}, 'UTC')
     ORDER BY occurred_at LIMIT 1`,
  );
  const answers = [];
  for (const { name, budgetMs, isLong, ask } of questions({ firstMs, requestId: known.request_id })) {
    if (only && !name.includes(only)) continue;
    say(name);
    const areFilesCold = await forget(engine, dir);
    try {
      answers.push({
        name,
        budgetMs,
        areFilesCold,
        ...(await measure(() => ask(api), isLong)),
        read: await reading(() => ask(api)),
      });
    } catch (error) {
      if (error.details?.limit === undefined) throw error;
      answers.push({ name, budgetMs, limit: error.details.limit.name });
    }
  }
  return answers;

  async function reading(ask) {
    statements.length = 0;
    await ask();
    return readBy(dir, statements.splice(0));
  }
}

async function measure(ask, isLong = false) {
  const cold = await timed(ask);
  const warm = [];
  const begin = performance.now();
  while (warm.length < (isLong ? 1 : LEAST_ROUNDS) || (warm.length < MOST_ROUNDS && performance.now() - begin < LONGEST_MS))
    warm.push(await timed(ask));
  const sorted = warm.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
  return {
    coldMs: cold.ms,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    cpuMs: Math.min(...warm.map(({ cpuMs }) => cpuMs)),
    rows: cold.rows,
  };
}
