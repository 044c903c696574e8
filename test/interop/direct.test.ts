import type { InteropClient } from './clients.js';
import { CONNECT } from './connect.js';
import { cellId, type ClientId, CLIENTS, FEATURES, limitOf, type UpstreamId, UPSTREAMS } from './expectations.js';
import { assertFeature } from './assert-feature.js';
import { type RunningUpstream, startUpstreams } from './upstreams.js';

// The tests of the matrix, on pairs that need no gateway: they show that clients, upstreams and assertions are right.

const PAIRS: readonly (readonly [ClientId, UpstreamId])[] = [
  ['v1', 'v1-http'],
  ['v1', 'v1-stdio'],
  ['v1', 'everything'],
  ['v2-legacy', 'v1-http'],
  ['v2-legacy', 'v1-stdio'],
  ['v2-legacy', 'everything'],
  ['v2-modern', 'modern-http'],
  ['v2-modern', 'modern-stdio'],
  ['2024-11-05', 'http+sse'],
];

// Node's servers drop idle connections after 5 s, which on a busy machine may be the moment in which fetch() uses one again.
const UNPOOLED = { connection: 'close' };

const undo = new AsyncDisposableStack();
let upstreams: Readonly<Record<UpstreamId, RunningUpstream>>;

beforeAll(async () => {
  upstreams = await startUpstreams(undo);
});

afterAll(() => undo.disposeAsync());

describe.each(PAIRS)('%s × %s', (clientId, upstreamId) => {
  const client = CLIENTS.find(({ id }) => id === clientId)!;
  const upstream = UPSTREAMS.find(({ id }) => id === upstreamId)!;
  let connected: InteropClient;

  beforeAll(async () => {
    const { reach } = upstreams[upstreamId];
    connected = await CONNECT[clientId](reach.kind === 'http' ? { ...reach, headers: UNPOOLED } : reach);
  });

  afterAll(() => connected[Symbol.asyncDispose]());

  const cells = FEATURES.map(({ id: feature }) => ({ client, upstream, feature }));
  // Only a gateway converts.
  const unconverted = cells.filter((cell) => limitOf(cell)?.outcome !== 'converted');

  it.each(unconverted.map((cell) => [cellId(cell), cell] as const))('%s', async (id, cell) => {
    const bench = { client: connected, offer: upstreams[upstreamId].offer, unique: id.replace(/\W+/g, '-') };
    await assertFeature(cell.feature, bench, limitOf(cell));
  });
});
