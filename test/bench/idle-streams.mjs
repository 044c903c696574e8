// node test/bench/idle-streams.mjs [--streams N] [--json]
// Measures what an idle standing stream (GET) costs an edge: opens a session and its stream N times (10,000 unless told), lets them lie,
// and divides the growth of the edge's resident memory, beside 2,000 that lie already. The session is counted too. Ends by itself.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ensureNatsServer } from '../../tools/ensure-nats-server.mjs';
import { startEdge } from './edge-under-test.mjs';
import { option } from './options.mjs';
import { freePort, startPinned, stopAll } from './processes.mjs';

const BUDGET_BYTES = 24 * 1024;
/** Opened before, and not counted: with them the heap's young generation comes to its size, which is the same for any number of streams. */
const WARM_UP = 2_000;
const AT_ONCE = 32;
const SETTLE_MS = 5_000;
/** Files that a process needs beside its sockets. */
const OTHER_FILES = 200;
const LIMIT_MS = 540_000;

const json = process.argv.includes('--json');
const wanted = option('streams', 10_000);

/** Node.js raises its soft limit to the hard one when it starts. */
async function filesLimit() {
  const [, hard] = /^Max open files\s+\S+\s+(\S+)/m.exec(await readFile('/proc/self/limits', 'utf8'));
  return hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
}

async function residentBytes(pid) {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'));
  return Number(kibibytes) * 1024;
}

const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1' } },
});

function openSession(url, token) {
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
  };
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: 'POST', agent, headers }, (response) => {
      const session = response.headers['mcp-session-id'];
      response.resume().once('end', () => {
        if (session === undefined) reject(new Error(`initialize was answered with HTTP ${response.statusCode}`));
        else resolve(session);
      });
    });
    request.once('error', reject);
    request.end(INITIALIZE);
  });
}

/** Resolves with the socket once the stream has begun. */
function openStream({ hostname, port, pathname }, token, session) {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    socket.once('error', reject);
    socket.once('data', (head) => {
      if (!head.toString('latin1').startsWith('HTTP/1.1 200')) reject(new Error(head.toString('latin1').slice(0, 200)));
      socket.on('data', () => undefined);
      resolve(socket);
    });
    socket.write(
      `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${token}\r\nAccept: text/event-stream\r\n` +
        `Mcp-Session-Id: ${session}\r\n\r\n`,
    );
  });
}

async function openMany(count, url, token) {
  const sockets = [];
  let left = count;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      sockets.push(await openStream(new URL(url), token, await openSession(url, token)));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return sockets;
}

const room = (await filesLimit()) - OTHER_FILES - WARM_UP;
if (wanted > room)
  throw new Error(`${wanted} streams need more open files than the ${room} that this process may have: ulimit -Hn`);
const dir = await mkdtemp(path.join(os.tmpdir(), 'switchyard-streams-'));
const deadline = setTimeout(() => {
  console.error(`not done within ${LIMIT_MS / 1000} s`);
  void stopAll().then(() => process.exit(1));
}, LIMIT_MS);
let close = () => undefined;
try {
  const { line: upstreamPort } = await startPinned(1, process.execPath, [path.join(import.meta.dirname, 'upstream.mjs')]);
  const edge = await startEdge({
    dir,
    core: 0,
    otherCore: 1,
    natsServer: await ensureNatsServer(),
    upstreamUrl: `http://127.0.0.1:${upstreamPort}/mcp`,
    port: await freePort(),
    natsPort: await freePort(),
    limits: { sessionsPerPrincipal: wanted + WARM_UP },
  });
  ({ close } = edge);
  const early = await openMany(WARM_UP, edge.url, edge.token);
  await pause(SETTLE_MS);
  const before = await residentBytes(edge.pid);
  const sockets = await openMany(wanted, edge.url, edge.token);
  await pause(SETTLE_MS);
  const after = await residentBytes(edge.pid);
  const held = sockets.filter((socket) => !socket.destroyed).length;
  const perStream = Math.round((after - before) / held);
  const result = { streams: held, beforeBytes: before, afterBytes: after, perStreamBytes: perStream, budgetBytes: BUDGET_BYTES };
  if (json) console.log(JSON.stringify(result));
  else
    console.log(
      `${held} idle streams: ${(perStream / 1024).toFixed(1)} KiB of resident memory each (budget ${BUDGET_BYTES / 1024} KiB); ` +
        `the edge grew from ${Math.round(before / 2 ** 20)} to ${Math.round(after / 2 ** 20)} MiB`,
    );
  for (const socket of [...early, ...sockets]) socket.destroy();
} finally {
  clearTimeout(deadline);
  agent.destroy();
  await stopAll();
  close();
  await rm(dir, { recursive: true, force: true });
}
