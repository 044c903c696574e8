import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { startNode } from './program.mjs';

const SWITCHYARD = path.resolve(import.meta.dirname, '../../services/standalone/bin/switchyard.mjs');
const READY_MS = 60_000;
const TAKEN_UP_MS = 10_000;

/**
 * Starts Switchyard as people do, with a server for each upstream that anyone may use and that renames nothing.
 * @param upstreams their URLs by name
 */
export async function startGateway(upstreams) {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'switchyard-conformance-'));
  const port = await freePort();
  const publicUrl = `http://localhost:${port}`;
  const names = Object.keys(upstreams);
  const file = path.join(dir, 'switchyard.yaml');
  const content = {
    gateway: { publicUrl, host: '127.0.0.1', port },
    identity: { mode: 'dev' },
    upstreams: Object.fromEntries(names.map((name) => [name, { url: upstreams[name] }])),
    servers: Object.fromEntries(names.map((name) => [name, serverOf(name)])),
  };
  await writeFile(file, stringify(content));
  const gateway = startNode([SWITCHYARD, 'up', '--verbose'], { cwd: dir });
  const close = async () => {
    await gateway.end();
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await gateway.written(/^Switchyard serves /m, READY_MS);
  } catch (error) {
    await close();
    throw error;
  }
  return { publicUrl, url: (name) => `${publicUrl}/mcp/${name}`, file, output: gateway.output, close };
}

const serverOf = (upstream) => ({ sources: [{ upstream }], access: [{ anonymous: true }] });

/**
 * Puts another upstream behind a running gateway, with a server of its own, until disposed.
 * @param file the gateway's switchyard.yaml
 */
export async function offerUpstream({ file, name, url }) {
  const before = await readFile(file, 'utf8');
  const content = parse(before);
  content.upstreams[name] = { url };
  content.servers[name] = serverOf(name);
  const serverUrl = `${content.gateway.publicUrl}/mcp/${name}`;
  await replace(file, stringify(content));
  await served(serverUrl, true);
  return {
    url: serverUrl,
    [Symbol.asyncDispose]: async () => {
      await replace(file, before);
      await served(serverUrl, false);
    },
  };
}

async function replace(file, text) {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

/** Waits until the gateway has a server at a URL, or has it no longer. */
async function served(url, wanted) {
  const until = Date.now() + TAKEN_UP_MS;
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  while (((await fetch(url, { method: 'POST', headers, body: '{}' })).status === 404) === wanted) {
    if (Date.now() > until) throw new Error(`the gateway ${wanted ? 'does not serve' : 'still serves'} ${url}`);
    await pause(20);
  }
}

/** A port that nobody listens on. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
