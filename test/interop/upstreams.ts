import { freePort } from '@switchyard/testing';
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { REPOSITORY } from '../e2e/targets/gateway-file.js';
import { startNode } from '../e2e/targets/logged-process.js';
import type { UpstreamId } from './expectations.js';
import { everything, FIXTURE, FIXTURE_V1, type Offer } from './offers.js';

/** How something reaches an upstream: over HTTP, or by starting its program. */
export type Reach =
  { readonly kind: 'http'; readonly url: string } | { readonly kind: 'stdio'; readonly command: string; readonly args: string[] };

/** An upstream of the matrix. Those over HTTP run until they are disposed; those over stdio are run by whoever speaks to them. */
export interface RunningUpstream {
  readonly reach: Reach;
  readonly offer: Offer;
}

const PROGRAM = path.join(__dirname, 'upstream.fixture.mjs');
const EVERYTHING = path.join(REPOSITORY, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');
/** Does not compress; as base64 it is more than 5 MiB. */
const BIG_BYTES = 4 * 1024 * 1024;

const offerOf = ([sdk]: readonly string[]) => (sdk === 'v1' ? FIXTURE_V1 : FIXTURE);

const stdio = (...args: string[]): RunningUpstream => ({
  reach: { kind: 'stdio', command: process.execPath, args: [PROGRAM, ...args] },
  offer: offerOf(args),
});

async function overHttp(undo: AsyncDisposableStack, ...args: string[]): Promise<RunningUpstream> {
  const program = startNode({ name: args.join(' '), args: [PROGRAM, ...args] });
  undo.defer(async () => void (await program.end('SIGKILL')));
  const [url = ''] = await program.written(/^http:\S+/m);
  return { reach: { kind: 'http', url }, offer: offerOf(args) };
}

async function startEverything(undo: AsyncDisposableStack): Promise<RunningUpstream> {
  const bytes = randomBytes(BIG_BYTES);
  const digestOf = (data: Buffer) => createHash('sha256').update(data).digest('hex');
  const files = createServer((_request, response) => void response.end(bytes));
  await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
  undo.defer(() => new Promise((resolve) => void files.close(() => resolve())));
  const port = await freePort();
  const program = startNode({ name: 'everything', args: [EVERYTHING, 'streamableHttp'], env: { PORT: String(port) } });
  undo.defer(async () => void (await program.end('SIGKILL')));
  await program.written(/listening on port/);
  const digest = digestOf(bytes);
  const isPacked = (blob: string) =>
    blob.length > 5 * 1024 * 1024 && digestOf(gunzipSync(Buffer.from(blob, 'base64'))) === digest;
  return {
    reach: { kind: 'http', url: `http://127.0.0.1:${port}/mcp` },
    offer: everything({ url: `http://127.0.0.1:${(files.address() as AddressInfo).port}/`, isPacked }),
  };
}

/** Starts all of them, each in a process of its own, on free ports of loopback. */
export async function startUpstreams(undo: AsyncDisposableStack): Promise<Readonly<Record<UpstreamId, RunningUpstream>>> {
  const [v1, modern, sse, reference] = await Promise.all([
    overHttp(undo, 'v1', 'http'),
    overHttp(undo, 'v2', 'http'),
    overHttp(undo, 'v1', 'sse'),
    startEverything(undo),
  ]);
  return {
    'v1-http': v1,
    'v1-stdio': stdio('v1', 'stdio'),
    'modern-http': modern,
    'modern-stdio': stdio('v2', 'stdio'),
    'http+sse': sse,
    everything: reference,
  };
}
