// npm run bench [-- --json] [-- --seconds N] [-- --rounds N] [-- --rows all]
// Measures, in one run on pinned cores, what a small tools/call costs: direct, through nginx's plain proxy_pass, answered by a bare
// node:http responder, and through Switchyard with a JWT, an access rule and the audit trail on. The gateway has core 0 to itself;
// load generator, upstream and NATS share core 1. Rounds are interleaved and medians reported. Ends by itself.
// With --rows all, lists.mjs and shapes.mjs follow: warm lists, large results, streams, calls across eras.
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ensureNatsServer } from '../../tools/ensure-nats-server.mjs';
import { startEdge } from './edge-under-test.mjs';
import { median } from './figures.mjs';
import { load, writeScript } from './load.mjs';
import { startNginx } from './nginx.mjs';
import { option } from './options.mjs';
import { cpuSeconds, freePort, startPinned, stopAll } from './processes.mjs';

const json = process.argv.includes('--json');
const seconds = option('seconds', 5);
const rounds = option('rounds', 3);
const connections = 32;
/** A program of this size is compiled to its final form only after many thousand calls; how long that takes is up to the machine. */
const warmUp = { sliceSeconds: 2, shortestSeconds: 10, longestSeconds: 40, growth: 1.03, slicesWithoutGrowth: 4 };
/** A process that has been idle meanwhile has given memory back, and asks for it again at first. */
const wakeUpSeconds = 2;
const gatewayCore = 0;
const otherCore = 1;

const say = (text) => (json ? undefined : console.error(text));

function program(name, debianPackage) {
  const dirs = `${process.env.PATH}:/usr/sbin:/sbin`.split(':');
  for (const dir of dirs) {
    try {
      execFileSync('test', ['-x', path.join(dir, name)]);
      return path.join(dir, name);
    } catch {
      continue; // not in this folder
    }
  }
  throw new Error(`The benchmark needs ${name}. Install it, on Debian with: apt-get install ${debianPackage}`);
}

async function measure(target, wrk) {
  const run = { binary: wrk, core: otherCore, url: target.url, script: target.script, connections };
  await load({ ...run, seconds: wakeUpSeconds });
  const before = cpuSeconds(target.pid);
  const result = await load({ ...run, seconds });
  if (result.errors > 0) throw new Error(`${target.name}: ${result.errors} of ${result.calls} calls failed`);
  return { ...result, cpuUsPerCall: ((cpuSeconds(target.pid) - before) * 1e6) / result.calls };
}

/** Loads a target until it gets no faster. */
async function warm(target, wrk) {
  const run = { binary: wrk, core: otherCore, url: target.url, script: target.script, connections, seconds: warmUp.sliceSeconds };
  let best = 0;
  let withoutGrowth = 0;
  for (let seconds = 0; seconds < warmUp.longestSeconds; seconds += warmUp.sliceSeconds) {
    if (seconds >= warmUp.shortestSeconds && withoutGrowth >= warmUp.slicesWithoutGrowth) return;
    const { perSecond } = await load(run);
    withoutGrowth = perSecond > best * warmUp.growth ? 0 : withoutGrowth + 1;
    best = Math.max(best, perSecond);
  }
}

async function targets(dir) {
  const nginx = program('nginx', 'nginx-light');
  const upstream = await startPinned(otherCore, process.execPath, [path.join(import.meta.dirname, 'upstream.mjs')]);
  const upstreamUrl = `http://127.0.0.1:${upstream.line}/mcp`;
  const bare = await startPinned(gatewayCore, process.execPath, [path.join(import.meta.dirname, 'bare-responder.mjs')]);
  const bareProxy = await startPinned(gatewayCore, process.execPath, [
    path.join(import.meta.dirname, 'bare-proxy.mjs'),
    upstreamUrl,
  ]);
  const proxy = await startNginx({ dir, core: gatewayCore, binary: nginx, port: await freePort(), upstreamPort: upstream.line });
  const edge = await startEdge({
    dir,
    core: gatewayCore,
    otherCore,
    natsServer: await ensureNatsServer(),
    upstreamUrl,
    port: await freePort(),
    natsPort: await freePort(),
  });
  const plain = await writeScript(dir, 'plain');
  return {
    close: edge.close,
    list: [
      { name: 'direct', url: upstreamUrl, pid: upstream.pid, script: plain },
      { name: 'nginx proxy_pass', ...proxy, script: plain },
      { name: 'bare node:http', url: `http://127.0.0.1:${bare.line}/mcp`, pid: bare.pid, script: plain },
      { name: 'bare proxy', url: `http://127.0.0.1:${bareProxy.line}/mcp`, pid: bareProxy.pid, script: plain },
      { name: 'switchyard', ...edge, script: await writeScript(dir, 'switchyard', edge.token) },
    ],
  };
}

function summarize(results) {
  const rows = results.map(({ name, measured }) => ({
    name,
    perSecond: median(measured.map((round) => round.perSecond)),
    p50Us: median(measured.map((round) => round.p50Us)),
    p99Us: median(measured.map((round) => round.p99Us)),
    cpuUsPerCall: median(measured.map((round) => round.cpuUsPerCall)),
  }));
  const row = (name) => rows.find((candidate) => candidate.name === name);
  return {
    connections,
    seconds,
    rounds,
    rows,
    ratioToNginx: row('switchyard').perSecond / row('nginx proxy_pass').perSecond,
    cpuPerCallVsBareNode: row('switchyard').cpuUsPerCall / row('bare node:http').cpuUsPerCall,
  };
}

function print(summary) {
  const cell = (text, width) => String(text).padStart(width);
  console.log(`${'target'.padEnd(18)}${cell('calls/s', 10)}${cell('p50 µs', 10)}${cell('p99 µs', 10)}${cell('CPU µs/call', 13)}`);
  for (const { name, perSecond, p50Us, p99Us, cpuUsPerCall } of summary.rows) {
    console.log(
      `${name.padEnd(18)}${cell(Math.round(perSecond), 10)}${cell(p50Us, 10)}${cell(p99Us, 10)}${cell(cpuUsPerCall.toFixed(1), 13)}`,
    );
  }
  console.log('');
  console.log(`throughput, switchyard to nginx            ${summary.ratioToNginx.toFixed(3)}   (budget ≥ 0.33)`);
  console.log(`CPU per call, switchyard to bare node:http ${summary.cpuPerCallVsBareNode.toFixed(2)}    (budget ≤ 2.2)`);
}

const dir = await mkdtemp(path.join(os.tmpdir(), 'switchyard-bench-'));
try {
  const wrk = program('wrk', 'wrk');
  const { list, close } = await targets(dir);
  say('warming up');
  for (const target of list) await warm(target, wrk);
  const results = list.map(({ name }) => ({ name, measured: [] }));
  for (let round = 1; round <= rounds; round += 1) {
    say(`round ${round} of ${rounds}`);
    for (const [index, target] of list.entries()) results[index].measured.push(await measure(target, wrk));
  }
  const summary = summarize(results);
  if (json) console.log(JSON.stringify(summary));
  else print(summary);
  close();
} finally {
  await stopAll();
  await rm(dir, { recursive: true, force: true });
}
const rows = process.argv.indexOf('--rows');
if (rows > 0 && process.argv[rows + 1] === 'all') {
  await import('./lists.mjs');
  await import('./shapes.mjs');
}
