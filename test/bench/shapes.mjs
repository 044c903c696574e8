// node test/bench/shapes.mjs [--json] [--seconds N] [--rounds N]
// What calls of other shapes than the small one cost: results of 1 MiB and streams with ten progress notifications, beside nginx; and small
// calls from era to era, beside calls within one. Core 0 is the gateway's, as in run.mjs. Ends by itself.
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
const seconds = option('seconds', 3);
const rounds = option('rounds', 3);
const warmUpSeconds = 5;
const connections = 32;
const gatewayCore = 0;
const otherCore = 1;
const MODERN = '2026-07-28';
const LEGACY = '2025-11-25';

const upstreamOf = async (era) => {
  const { line } = await startPinned(otherCore, process.execPath, [path.join(import.meta.dirname, 'shapes-upstream.mjs'), era]);
  return line;
};

/** A call as wrk sends it. @param session of a legacy client */
function callOf(name, session) {
  const progressToken = name.endsWith('steps') ? { progressToken: 7 } : {};
  const envelope = { 'io.modelcontextprotocol/protocolVersion': MODERN, 'io.modelcontextprotocol/clientCapabilities': {} };
  const _meta = session === undefined ? { ...envelope, ...progressToken } : progressToken;
  const params = { name, arguments: { note: 'a small call' }, _meta };
  return {
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
    headers:
      session === undefined
        ? { 'Mcp-Name': name }
        : { 'MCP-Protocol-Version': LEGACY, 'Mcp-Session-Id': session, 'Mcp-Method': undefined, 'Mcp-Name': undefined },
  };
}

async function openSession({ url, token }) {
  const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo: { name: 'bench', version: '1' } };
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params }),
  });
  await answer.text();
  return answer.headers.get('mcp-session-id');
}

async function targets(dir) {
  const ports = { modern: await upstreamOf('modern'), legacy: await upstreamOf('legacy') };
  const proxy = await startNginx({
    dir,
    core: gatewayCore,
    binary: 'nginx',
    port: await freePort(),
    upstreamPort: ports.modern,
  });
  const edge = await startEdge({
    dir,
    core: gatewayCore,
    otherCore,
    natsServer: await ensureNatsServer(),
    port: await freePort(),
    natsPort: await freePort(),
    behind: {
      upstreams: Object.entries(ports).map(([name, port]) => ({
        name,
        timeoutMs: 10_000,
        transport: { case: 'http', value: { url: `http://127.0.0.1:${port}/mcp` } },
      })),
      sources: Object.keys(ports).map((name) => ({ upstream: name, prefix: `${name}__`, tools: ['*'] })),
    },
  });
  const session = await openSession(edge);
  let count = 0;
  const target = async (name, at, call) => ({
    name,
    ...at,
    script: await writeScript(dir, `shape-${(count += 1)}`, at.token, call),
  });
  const through = (shape, tool) => [
    target(`${shape}, nginx`, proxy, callOf(tool)),
    target(`${shape}, switchyard`, edge, callOf(`modern__${tool}`)),
  ];
  const list = await Promise.all([
    ...through('1 MiB', 'big'),
    ...through('streamed', 'steps'),
    target('modern to modern', edge, callOf('modern__hello')),
    target('legacy to legacy', edge, callOf('legacy__hello', session)),
    target('legacy to modern', edge, callOf('modern__hello', session)),
    target('modern to legacy', edge, callOf('legacy__hello')),
  ]);
  return { close: edge.close, list };
}

async function measure(target) {
  const before = cpuSeconds(target.pid);
  const result = await load({ binary: 'wrk', core: otherCore, url: target.url, script: target.script, connections, seconds });
  if (result.errors > 0) throw new Error(`${target.name}: ${result.errors} of ${result.calls} calls failed`);
  return { ...result, cpuUsPerCall: ((cpuSeconds(target.pid) - before) * 1e6) / result.calls };
}

function summarize(results) {
  const rows = results.map(({ name, measured }) => ({
    name,
    perSecond: median(measured.map((round) => round.perSecond)),
    p50Us: median(measured.map((round) => round.p50Us)),
    cpuUsPerCall: median(measured.map((round) => round.cpuUsPerCall)),
  }));
  const of = (name) => rows.find((row) => row.name === name);
  const toNginx = (shape) => of(`${shape}, switchyard`).perSecond / of(`${shape}, nginx`).perSecond;
  const toSameEra = (name, same) => of(name).cpuUsPerCall / of(same).cpuUsPerCall;
  return {
    connections,
    seconds,
    rounds,
    rows,
    mebibyteToNginx: toNginx('1 MiB'),
    streamedToNginx: toNginx('streamed'),
    legacyToModernCpu: toSameEra('legacy to modern', 'legacy to legacy'),
    modernToLegacyCpu: toSameEra('modern to legacy', 'modern to modern'),
  };
}

function print(summary) {
  const cell = (text, width) => String(text).padStart(width);
  console.log(`\n${'shape'.padEnd(24)}${cell('calls/s', 10)}${cell('p50 µs', 10)}${cell('CPU µs/call', 13)}`);
  for (const { name, perSecond, p50Us, cpuUsPerCall } of summary.rows)
    console.log(`${name.padEnd(24)}${cell(Math.round(perSecond), 10)}${cell(p50Us, 10)}${cell(cpuUsPerCall.toFixed(1), 13)}`);
  console.log('');
  console.log(`throughput, 1 MiB results, switchyard to nginx         ${summary.mebibyteToNginx.toFixed(3)}   (budget ≥ 0.7)`);
  console.log(`throughput, ten progress messages, switchyard to nginx ${summary.streamedToNginx.toFixed(3)}`);
  console.log(`CPU per call, legacy client on modern to on legacy     ${summary.legacyToModernCpu.toFixed(2)}`);
  console.log(`CPU per call, modern client on legacy to on modern     ${summary.modernToLegacyCpu.toFixed(2)}`);
}

const dir = await mkdtemp(path.join(os.tmpdir(), 'switchyard-shapes-'));
try {
  const { list, close } = await targets(dir);
  const results = list.map(({ name }) => ({ name, measured: [] }));
  for (const { url, script } of list)
    await load({ binary: 'wrk', core: otherCore, url, script, connections, seconds: warmUpSeconds });
  for (let round = 0; round < rounds; round += 1)
    for (const [index, target] of list.entries()) results[index].measured.push(await measure(target));
  const summary = summarize(results);
  if (json) console.log(JSON.stringify(summary));
  else print(summary);
  close();
} finally {
  await stopAll();
  await rm(dir, { recursive: true, force: true });
}
