// node test/bench/lists.mjs [--upstreams N] [--tools N] [--lists N] [--legacy] [--json]
// Measures what a warm tools/list over many upstreams costs (50 with 10 tools each, unless told): the lists have come once, and are kept
// as the upstreams allow. One client asks again and again on one connection, so that the time of each is the server's and loopback's; a
// request that is refused at once says what HTTP, authentication and the gate are of that. Cold is the first list of all. Clients and
// upstreams are of revision 2026-07-28, or with --legacy of 2025-11-25, a session with every upstream. Ends by itself.
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, createServer, request as httpRequest } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { ensureNatsServer } from '../../tools/ensure-nats-server.mjs';
import { startEdge } from './edge-under-test.mjs';
import { option } from './options.mjs';
import { cpuSeconds, freePort, stopAll } from './processes.mjs';

const BUDGET_MS = 2;
const REVISION = '2026-07-28';
const WARM_UP = 300;

const legacy = process.argv.includes('--legacy');
const json = process.argv.includes('--json');
const upstreamCount = option('upstreams', 50);
const toolCount = option('tools', 10);
const lists = option('lists', 2_000);

const tool = (index) => ({
  name: `tool_${index}`,
  description: 'Looks up what it is told to look up, and gives back what it has found, page by page.',
  inputSchema: { type: 'object', properties: { query: { type: 'string' }, page: { type: 'integer' } }, required: ['query'] },
});

/** All upstreams in one server, a path for each. */
async function startUpstreams() {
  const page = { tools: Array.from({ length: toolCount }, (_, index) => tool(index)) };
  const kept = { resultType: 'complete', ttlMs: 3_600_000, cacheScope: 'private' };
  const info = { name: 'up', version: '1' };
  const legacyResults = {
    initialize: { protocolVersion: '2025-11-25', capabilities: { tools: { listChanged: true } }, serverInfo: info },
    'tools/list': page,
  };
  const modernResults = {
    'server/discover': { ...kept, supportedVersions: [REVISION], capabilities: { tools: {} } },
    'tools/list': { ...kept, ...page },
  };
  const results = legacy ? legacyResults : modernResults;
  let asked = 0;
  let sessions = 0;
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { id, method } = JSON.parse(Buffer.concat(chunks));
    if (method === 'tools/list') asked += 1;
    if (id === undefined) return response.writeHead(202).end();
    if (results[method] === undefined) return response.writeHead(404).end();
    if (method === 'initialize') response.setHeader('mcp-session-id', `s-${(sessions += 1)}`);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: results[method] }));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const urls = Array.from({ length: upstreamCount }, (_, index) => `http://127.0.0.1:${server.address().port}/${index}/mcp`);
  return { urls, asked: () => asked, close: () => server.close() };
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

const META = { 'io.modelcontextprotocol/protocolVersion': REVISION, 'io.modelcontextprotocol/clientCapabilities': {} };
const INITIALIZE = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1' } };

/** One request; its time and what came back. */
function ask({ url, token, session }, method) {
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(legacy ? session && { 'mcp-session-id': session } : { 'mcp-protocol-version': REVISION, 'mcp-method': method }),
  };
  const params = legacy ? (method === 'initialize' ? INITIALIZE : {}) : { _meta: META };
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: 'POST', headers, agent }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ ms: performance.now() - startedAt, body: Buffer.concat(chunks), session: response.headers['mcp-session-id'] }),
      );
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
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
  const started = await startEdge({
    dir,
    core: 0,
    otherCore: 1,
    natsServer: await ensureNatsServer(),
    upstreamUrl: upstreams.urls,
    port: await freePort(),
    natsPort: await freePort(),
  });
  const edge = { ...started, session: legacy ? (await ask(started, 'initialize')).session : undefined };
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
    era: legacy ? 'legacy' : 'modern',
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
