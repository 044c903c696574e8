// The ten questions that an audit trail is asked most: events as the API asks for them, sums as they are in the tables of counts.
import { eventsSql } from '../../../services/analytics/dist/api/events-sql.js';
import { firstDay, lastDay } from './generated-events.mjs';

const dayMs = 86_400_000;
/** As the API limits a question. */
const settings = `SETTINGS max_execution_time = 10, max_memory_usage = 2147483648, max_threads = 2, read_in_order_use_buffering = 0`;
const iso = (ms) => new Date(ms).toISOString();
/** A month in the middle of the 90 days. */
const month = { from: iso(firstDay + 31 * dayMs), to: iso(firstDay + 61 * dayMs) };
const monthOfDays = { from: iso(firstDay + 31 * dayMs).slice(0, 10), to: iso(firstDay + 61 * dayMs).slice(0, 10) };

const events = (filters) => eventsSql({ tenant: 'default', scope: { kind: 'all' }, filters, limit: 101 });
const often = 'user10@example.com';
const seldom = 'user4900@example.com';
const quantiles = 'quantilesBFloat16Merge(0.5, 0.95, 0.99)(durations)';
const days = `FROM usage_days FINAL WHERE tenant = 'default' AND type = 'tool.called' AND day >= {from:Date} AND day < {to:Date}`;

/** @param known what is asked for by value: a request id */
export const questions = (known) => [
  { name: 'the newest hundred', sql: events({}) },
  { name: "a busy person's month, newest hundred", budgetMs: 200, sql: events({ principal: often, ...month }) },
  { name: "a quiet person's month, newest hundred", budgetMs: 200, sql: events({ principal: seldom, ...month }) },
  {
    name: "a busy person's month, by tool and outcome",
    budgetMs: 200,
    sql: {
      text: `SELECT capability, outcome, count() AS calls, avg(duration_us) FROM (
          SELECT event_id, capability, outcome, duration_us FROM events
          WHERE tenant = 'default' AND principal_subject = 'user-10'
            AND occurred_at >= parseDateTime64BestEffort({from:String}, 3, 'UTC') AND occurred_at < parseDateTime64BestEffort({to:String}, 3, 'UTC')
          LIMIT 1 BY event_id)
        GROUP BY capability, outcome ORDER BY calls DESC LIMIT 100`,
      params: month,
    },
  },
  { name: 'one request', sql: events({ request_id: known.request_id }) },
  { name: 'what was denied last week', sql: events({ outcome: 'denied', from: iso(lastDay - 7 * dayMs) }) },
  { name: 'a word in names and errors, a month', sql: events({ q: 'ool_29', ...month }) },
  {
    name: "a server's day by minute, p95",
    sql: {
      text: `SELECT minute, sum(events) AS calls, sum(errors), ${quantiles} FROM usage_minutes FINAL
        WHERE tenant = 'default' AND server = 'server-1' AND type = 'tool.called'
          AND minute >= toDateTime({from:String}, 'UTC') AND minute < toDateTime({from:String}, 'UTC') + INTERVAL 1 DAY
        GROUP BY minute ORDER BY minute`,
      params: { from: `${monthOfDays.from} 00:00:00` },
    },
  },
  {
    name: 'the most used tools of a month, p95',
    sql: {
      text: `SELECT capability, sum(events) AS calls, sum(errors), ${quantiles} ${days} GROUP BY capability ORDER BY calls DESC LIMIT 10`,
      params: monthOfDays,
    },
  },
  {
    name: 'cost of each team in a month',
    sql: {
      text: `SELECT team, sum(cost_micros) AS cost, sum(events) ${days.replace('FINAL', 'FINAL ARRAY JOIN teams AS team')} GROUP BY team ORDER BY cost DESC`,
      params: monthOfDays,
    },
  },
];

const ROUNDS = 20;
const LONGEST_MS = 15_000;

/** Asks each question until it was asked often enough or took long enough. @returns wall times in milliseconds, and the least CPU time */
export async function askAll(engine) {
  const [known] = await engine.query(`SELECT request_id FROM events WHERE type = 'tool.called' LIMIT 1`);
  const answers = [];
  for (const { name, sql, budgetMs } of questions(known)) {
    const times = [];
    const cpu = [];
    let rows = 0;
    const begin = performance.now();
    while (times.length < ROUNDS && (times.length < 3 || performance.now() - begin < LONGEST_MS)) {
      const before = process.cpuUsage();
      const startedAt = performance.now();
      rows = (await engine.query(`${sql.text}\n${settings}`, sql.params)).length;
      times.push(performance.now() - startedAt);
      const { user, system } = process.cpuUsage(before);
      cpu.push((user + system) / 1_000);
    }
    times.sort((a, b) => a - b);
    const at = (share) => times[Math.min(times.length - 1, Math.ceil(times.length * share) - 1)];
    answers.push({ name, rows, budgetMs, bestMs: times[0], p50Ms: at(0.5), p99Ms: at(0.99), cpuMs: Math.min(...cpu) });
  }
  return answers;
}
