// node test/bench/lists.mjs [--upstreams N] [--tools N] [--lists N] [--json]
// Measures what a warm tools/list over many upstreams costs (50 with 10 tools each, unless told): the lists have come once, and are kept
// as the upstreams allow. Modern clients one after another on one connection, so that the time of each is the server's and loopback's;
// a ping of the same connection says what loopback and HTTP are of that. Cold is the first list of all. Ends by itself.
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, createServer, request as httpRequest } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { ensureNatsServer } from '../../tools/ensure-nats-server.mjs';
import { startEdge } from './edge-under-test.mjs';
import { cpuSeconds, stopAll } from './processes.mjs';

const BUDGET_MS = 2;
const REVISION = '2026-07-28';
const WARM_UP = 300;

const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};
const json = process.argv.includes('--json');
const upstreamCount = option('upstreams', 50);
const toolCount = option('tools', 10);
const lists = option('lists', 2_000);

async function freePort() {
  const server = createTcpServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const tool = (index) => ({
  name: `tool_${index}`,
  description: 'Looks up what it is told to look up, and gives back what it has found, page by page.',
  inputSchema: { type: 'object', properties: { query: { type: 'string' }, page: { type: 'integer' } }, required: ['query'] },
});

/** All upstreams in one server, a path for each. */
async function startUpstreams() {
  const page = { tools: Array.from({ length: toolCount }, (_, index) => tool(index)) };
  const kept = { resultType: 'complete', ttlMs: 3_600_000, cacheScope: 'private' };
  const results = {
    'server/discover': { ...kept, supportedVersions: [REVISION], capabilities: { tools: {} } },
    'tools/list': { ...kept, ...page },
  };
  let asked = 0;
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { id, method } = JSON.parse(Buffer.concat(chunks));
    if (method === 'tools/list') asked += 1;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: results[method] ?? {} }));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const urls = Array.from({ length: upstreamCount }, (_, index) => `http://127.0.0.1:${server.address().port}/${index}/mcp`);
  return { urls, asked: () => asked, close: () => server.close() };
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

const bodyOf = (method) =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method,
    params: { _meta: { 'io.modelcontextprotocol/protocolVersion': REVISION, 'io.modelcontextprotocol/clientCapabilities': {} } },
  });

/** One request; its time and what came back. */
function ask({ url, token }, method) {
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': REVISION,
    'mcp-method': method,
  };
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: 'POST', headers, agent }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ ms: performance.now() - startedAt, body: Buffer.concat(chunks) }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(bodyOf(method));
  });
}

const quantile = (values, share) => values.toSorted((a, b) => a - b)[Math.floor(values.length * share)];

async function series(edge, method, count) {
  const times = [];
  const before = cpuSeconds(edge.pid);
  for (let made = 0; made < count; made += 1) times.push((await ask(edge, method)).ms);
  const cpuMs = ((cpuSeconds(edge.pid) - before) * 1_000) / count;
  return { p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), cpuMs };
}

const dir = await mkdtemp(path.join(os.tmpdir(), 'switchyard-bench-'));
const upstreams = await startUpstreams();
try {
  const edge = await startEdge({
    dir,
    core: 0,
    otherCore: 1,
    natsServer: await ensureNatsServer(),
    upstreamUrl: upstreams.urls,
    port: await freePort(),
    natsPort: await freePort(),
  });
  const cold = await ask(edge, 'tools/list');
  const listed = JSON.parse(cold.body).result?.tools?.length;
  if (listed !== upstreamCount * toolCount)
    throw new Error(`the list has ${listed} tools: ${cold.body.toString().slice(0, 300)}`);
  await series(edge, 'tools/list', WARM_UP);
  const asked = upstreams.asked();
  const warm = await series(edge, 'tools/list', lists);
  if (upstreams.asked() !== asked) throw new Error('the lists that were measured were not warm');
  // Answered before any upstream is thought of: what HTTP, authentication and the gate cost.
  const least = await series(edge, 'nothing/known', lists);
  const summary = {
    upstreams: upstreamCount,
    tools: listed,
    bytes: cold.body.length,
    coldMs: cold.ms,
    warm,
    least,
    budgetMs: BUDGET_MS,
  };
  if (json) console.log(JSON.stringify(summary));
  else {
    const row = (name, { p50Ms, p99Ms, cpuMs }) =>
      console.log(`${name.padEnd(38)}${[p50Ms, p99Ms, cpuMs].map((ms) => ms.toFixed(3).padStart(9)).join('')}`);
    console.log(
      `${upstreamCount} upstreams, ${listed} tools, ${cold.body.length} bytes; ms${'p50'.padStart(12)}      p99  CPU/list`,
    );
    row('tools/list, warm (budget p50 2)', warm);
    row('refused before any upstream', least);
    console.log(`tools/list, cold                      ${cold.ms.toFixed(1).padStart(9)}`);
  }
  edge.close();
} finally {
  agent.destroy();
  upstreams.close();
  await stopAll();
  await rm(dir, { recursive: true, force: true });
}
