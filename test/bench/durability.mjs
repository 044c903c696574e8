// npm run bench -- durability [-- --seconds N] [-- --rounds N] [-- --rate N] [-- --dir PATH] [-- --json]
// Measures what the audit trail adds to a small tools/call at a constant rate of calls (500 a second), however long they take: direct,
// through Switchyard in standard durability, and in strict. The spool is on the disk of --dir, unless told that of the system's
// temporary files. Prints medians of the rounds; the budget for what strict adds over direct is 1.5 ms at p50.
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { ensureNatsServer } from '../../tools/ensure-nats-server.mjs';
import { startEdge } from './edge-under-test.mjs';
import { median } from './figures.mjs';
import { CALL } from './load.mjs';
import { option, textOption } from './options.mjs';
import { cpuSeconds, freePort, startPinned, stopAll } from './processes.mjs';

const [seconds, rounds, rate] = [option('seconds', 10), option('rounds', 3), option('rate', 500)];
const warmUpSeconds = 5;

const agent = new Agent({ keepAlive: true });

/** @returns milliseconds until the whole answer was there */
function call({ url, token }) {
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': 'hello',
    ...(token && { authorization: `Bearer ${token}` }),
  };
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      if (response.statusCode !== 200) reject(new Error(`answered ${response.statusCode}`));
      response.on('end', () => resolve(performance.now() - startedAt));
    });
    sent.on('error', reject);
    sent.end(CALL);
  });
}

/** Begins calls at a constant rate, whether the ones before have ended or not. */
async function measure(target, forSeconds) {
  const calls = [];
  const total = rate * forSeconds;
  const startedAt = performance.now();
  const cpuBefore = cpuSeconds(target.pid);
  await new Promise((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(total, ((performance.now() - startedAt) * rate) / 1000);
      while (calls.length < due) calls.push(call(target));
      if (calls.length < total) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  const times = (await Promise.all(calls)).toSorted((a, b) => a - b);
  const at = (share) => times[Math.floor(times.length * share)];
  return { p50Ms: at(0.5), p99Ms: at(0.99), cpuUsPerCall: ((cpuSeconds(target.pid) - cpuBefore) * 1e6) / total };
}

const dir = await mkdtemp(path.join(textOption('dir', os.tmpdir()), 'switchyard-durability-'));
const closing = [];
try {
  const upstream = await startPinned(1, process.execPath, [path.join(import.meta.dirname, 'upstream.mjs')]);
  const upstreamUrl = `http://127.0.0.1:${upstream.line}/mcp`;
  const targets = [{ name: 'direct', url: upstreamUrl, pid: upstream.pid }];
  for (const strict of [false, true]) {
    const name = strict ? 'strict' : 'standard';
    const [natsServer, port, natsPort] = [await ensureNatsServer(), await freePort(), await freePort()];
    const edge = await startEdge({
      dir: path.join(dir, name),
      ...{ core: 0, otherCore: 1, natsServer, upstreamUrl, port, natsPort, strict },
    });
    closing.push(edge.close);
    targets.push({ name, ...edge });
  }
  for (const target of targets) await measure(target, warmUpSeconds);
  const measured = targets.map(() => []);
  for (let round = 0; round < rounds; round++)
    for (const [index, target] of targets.entries()) measured[index].push(await measure(target, seconds));
  const rows = targets.map(({ name }, index) => {
    const of = (field) => median(measured[index].map((one) => one[field]));
    return { name, p50Ms: of('p50Ms'), p99Ms: of('p99Ms'), cpuUsPerCall: of('cpuUsPerCall') };
  });
  if (process.argv.includes('--json')) console.log(JSON.stringify({ rate, seconds, rounds, rows }));
  else {
    console.log(`${rate} calls/s, ${rounds} rounds of ${seconds} s; ms${'p50'.padStart(8)}   added      p99  CPU µs/call`);
    for (const { name, p50Ms, p99Ms, cpuUsPerCall } of rows) {
      const cells = [p50Ms.toFixed(3), (p50Ms - rows[0].p50Ms).toFixed(3), p99Ms.toFixed(3), cpuUsPerCall.toFixed(0)];
      console.log(`${name.padEnd(34)}${cells.map((cell) => cell.padStart(8)).join('')}`);
    }
  }
} finally {
  for (const close of closing) close();
  agent.destroy();
  await stopAll();
  await rm(dir, { recursive: true, force: true });
}
