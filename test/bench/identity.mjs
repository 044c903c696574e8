// npm run bench -- identity [--json] [--rounds N] [--edges N]
// Measures how fast what is revoked is enforced: a real authorization server and 20 real edges on one nats-server. Each round somebody signs
// in, uses the token at every edge and opens a stream there, and revokes it at /oauth/revoke. Counted is the time from sending that request
// to the first refusal of each edge, and to the end of each stream. Ends by itself.
// A part measures one thing: it is given the gateway and returns numbers for --json and lines for people. More parts go into PARTS.
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request as httpRequest } from 'node:http';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { URLSearchParams } from 'node:url';
import { create, toJsonString } from '@bufbuild/protobuf';
import { BUCKETS, DEFAULT_TENANT, SnapshotSchema } from '@switchyard/contracts';
import { connectNats } from '@switchyard/messaging';
import { NatsState } from '@switchyard/state';
import { FormBrowser } from '@switchyard/testing';
import { ensureNatsServer } from '../../tools/ensure-nats-server.mjs';
import { startPinned, stopAll } from './processes.mjs';

const PARTS = [measureRevocation];

const BUDGET_MS = 250;
const EDGES_PER_PROCESS = 5;
const REDIRECT_URI = 'http://127.0.0.1:33418/callback';
const REVISION = '2026-07-28';
/** Between two questions to one edge: without it the questions themselves would be what takes the time. */
const ASK_EVERY_MS = 25;
const LIMIT_MS = 300_000;

const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};
const json = process.argv.includes('--json');
const rounds = option('rounds', 15);
const edgeCount = option('edges', 20);
const root = path.resolve(import.meta.dirname, '../..');
const agent = new Agent({ keepAlive: true });

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const percentile = (values, share) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.ceil(values.length * share) - 1)];

async function publishSnapshot(natsUrl, publicUrl) {
  const link = await connectNats({ servers: [natsUrl], name: 'bench' });
  const state = await NatsState.open(link);
  const snapshots = await state.bucket(BUCKETS.snapshots, DEFAULT_TENANT);
  const snapshot = create(SnapshotSchema, {
    ...{ revision: 'bench', tenant: DEFAULT_TENANT, publicUrl },
    servers: [{ slug: 'bench', access: [{ everyone: true, tools: ['*'] }] }],
  });
  await snapshots.put('current', Buffer.from(toJsonString(SnapshotSchema, snapshot)));
  await state.close();
  await link.close();
}

async function startAuthServer(dir, natsUrl, publicUrl) {
  const port = await freePort();
  const gatewayFile = path.join(dir, 'switchyard.json');
  await writeFile(gatewayFile, JSON.stringify({ gateway: { publicUrl }, identity: { mode: 'dev' }, upstreams: {}, servers: {} }));
  const config = {
    gatewayFile,
    listen: { host: '127.0.0.1', port },
    management: { host: '127.0.0.1', port: 0 },
    platform: {
      nats: { servers: [natsUrl] },
      audit: { dir: path.join(dir, 'spool-auth') },
      ...{ emitter: 'auth-bench', logLevel: 'error' },
    },
  };
  const file = path.join(dir, 'auth-server.json');
  await writeFile(file, JSON.stringify(config));
  await startPinned(undefined, process.execPath, [path.join(root, 'services/auth-server/dist/main.js'), '--config', file]);
  return `http://127.0.0.1:${port}`;
}

/** Edges behind one public URL, which is that of the first. */
async function startGateway(dir) {
  const natsPort = await freePort();
  const natsUrl = `nats://127.0.0.1:${natsPort}`;
  await mkdir(path.join(dir, 'nats'));
  await startPinned(
    undefined,
    await ensureNatsServer(),
    ['-js', '-sd', path.join(dir, 'nats'), '-a', '127.0.0.1', '-p', String(natsPort)],
    { stdio: 'ignore', silent: true },
  );
  const ports = [];
  for (let index = 0; index < edgeCount; index += 1) ports.push(await freePort());
  const publicUrl = `http://127.0.0.1:${ports[0]}`;
  await publishSnapshot(natsUrl, publicUrl);
  const authServer = await startAuthServer(dir, natsUrl, publicUrl);
  for (let first = 0; first < edgeCount; first += EDGES_PER_PROCESS) {
    const own = ports.slice(first, first + EDGES_PER_PROCESS);
    const names = own.map((_port, index) => `edge-${first + index + 1}`);
    const told = JSON.stringify({ names, ports: own, natsUrl, publicUrl, authServer, dir });
    await startPinned(undefined, process.execPath, [path.join(import.meta.dirname, 'many-edges.mjs'), told]);
  }
  return { publicUrl, ports };
}

async function register(publicUrl) {
  const response = await fetch(`${publicUrl}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_name: 'bench', redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'none' }),
  });
  return (await response.json()).client_id;
}

/** A person who goes through the whole flow. @returns their tokens */
async function signIn({ publicUrl }, clientId, email) {
  const verifier = randomBytes(32).toString('base64url');
  const url = new URL('/oauth/authorize', publicUrl);
  const asked = {
    ...{ response_type: 'code', client_id: clientId, redirect_uri: REDIRECT_URI, state: 's', code_challenge_method: 'S256' },
    ...{ code_challenge: createHash('sha256').update(verifier).digest('base64url'), resource: `${publicUrl}/mcp/bench` },
  };
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  const browser = new FormBrowser(publicUrl);
  const consent = await browser.submit(await browser.open(url), { email, do: 'sign-in' });
  const end = await browser.submit(consent, { do: 'approve' });
  const code = end.searchParams.get('code');
  const body = {
    grant_type: 'authorization_code',
    client_id: clientId,
    code,
    code_verifier: verifier,
    redirect_uri: REDIRECT_URI,
  };
  const response = await fetch(`${publicUrl}/oauth/token`, { method: 'POST', body: new URLSearchParams(body) });
  return response.json();
}

/** One request to one edge, as a modern client makes it. Resolves with the header section. */
function ask(gateway, port, token, method, params = {}) {
  const _meta = { 'io.modelcontextprotocol/protocolVersion': REVISION, 'io.modelcontextprotocol/clientCapabilities': {} };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } });
  const headers = {
    ...{ host: new URL(gateway.publicUrl).host, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...{ accept: 'application/json, text/event-stream', 'mcp-protocol-version': REVISION, 'mcp-method': method },
    'content-length': Buffer.byteLength(body),
  };
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path: '/mcp/bench', method: 'POST', headers, agent }, resolve);
    request.once('error', reject);
    request.end(body);
  });
}

async function statusOf(gateway, port, token) {
  const response = await ask(gateway, port, token, 'tools/list');
  response.resume();
  await new Promise((resolve) => response.once('end', resolve));
  return response.statusCode;
}

/** Resolves with the moment at which the edge first refuses the token. */
async function refusedAt(gateway, port, token) {
  for (;;) {
    const status = await statusOf(gateway, port, token);
    if (status === 401) return performance.now();
    if (status !== 200) throw new Error(`an edge answered ${status}`);
    await pause(ASK_EVERY_MS);
  }
}

/** Opens a stream. @returns what resolves with the moment of its end */
async function openStream(gateway, port, token) {
  const response = await ask(gateway, port, token, 'subscriptions/listen', { notifications: { toolsListChanged: true } });
  if (response.statusCode !== 200) throw new Error(`a stream was answered with ${response.statusCode}`);
  response.resume();
  return { ended: new Promise((resolve) => response.once('close', () => resolve(performance.now()))) };
}

async function measureRevocation(gateway) {
  const clientId = await register(gateway.publicUrl);
  const [refusals, streamEnds, answers] = [[], [], []];
  for (let round = 0; round <= rounds; round += 1) {
    const tokens = await signIn(gateway, clientId, `person-${round}@example.com`);
    const token = tokens.access_token;
    for (const port of gateway.ports) {
      const status = await statusOf(gateway, port, token);
      if (status !== 200) throw new Error(`an edge answered ${status} before anything was revoked`);
    }
    const streams = await Promise.all(gateway.ports.map((port) => openStream(gateway, port, token)));
    // By turns the access token itself, and what it was issued under.
    const body = new URLSearchParams({ client_id: clientId, token: round % 2 === 0 ? token : tokens.refresh_token });
    const waiting = gateway.ports.map((port) => refusedAt(gateway, port, token));
    await pause(50);
    const sentAt = performance.now();
    const response = await fetch(`${gateway.publicUrl}/oauth/revoke`, { method: 'POST', body });
    const answeredAt = performance.now();
    if (response.status !== 200) throw new Error(`the revocation was answered with ${response.status}`);
    const refused = await Promise.all(waiting);
    const ended = await Promise.all(streams.map((stream) => stream.ended));
    // The first round finds programs that have not been compiled.
    if (round === 0) continue;
    refusals.push(...refused.map((at) => at - sentAt));
    streamEnds.push(...ended.map((at) => at - sentAt));
    answers.push(answeredAt - sentAt);
  }
  const numbers = {
    edges: edgeCount,
    rounds,
    revocationP50Ms: percentile([...refusals, ...streamEnds], 0.5),
    revocationP99Ms: percentile([...refusals, ...streamEnds], 0.99),
    revocationMaxMs: Math.max(...refusals, ...streamEnds),
    refusedP99Ms: percentile(refusals, 0.99),
    streamsEndedP99Ms: percentile(streamEnds, 0.99),
    revokeAnsweredP99Ms: percentile(answers, 0.99),
    budgetMs: BUDGET_MS,
  };
  const ms = (value) => `${value.toFixed(1)} ms`;
  const lines = [
    `revocation at ${edgeCount} edges, ${rounds} times: p50 ${ms(numbers.revocationP50Ms)}, p99 ${ms(numbers.revocationP99Ms)} (budget ${BUDGET_MS} ms), longest ${ms(numbers.revocationMaxMs)}`,
    `  refused p99 ${ms(numbers.refusedP99Ms)}, streams ended p99 ${ms(numbers.streamsEndedP99Ms)}, /oauth/revoke answered p99 ${ms(numbers.revokeAnsweredP99Ms)}`,
  ];
  return { numbers, lines };
}

const dir = await mkdtemp(path.join(os.tmpdir(), 'switchyard-identity-'));
const deadline = setTimeout(() => {
  console.error(`not done within ${LIMIT_MS / 1000} s`);
  void stopAll().then(() => process.exit(1));
}, LIMIT_MS);
try {
  const gateway = await startGateway(dir);
  const measured = [];
  for (const part of PARTS) measured.push(await part(gateway));
  if (json) console.log(JSON.stringify(Object.assign({}, ...measured.map(({ numbers }) => numbers))));
  else for (const { lines } of measured) console.log(lines.join('\n'));
} finally {
  clearTimeout(deadline);
  agent.destroy();
  await stopAll();
  await rm(dir, { recursive: true, force: true });
}
