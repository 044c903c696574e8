import type { InteropClient } from './clients.js';
import { CONNECT } from './connect.js';
import { type Cell, cellId, type ClientId, CLIENTS, FEATURES, limitOf, UPSTREAMS } from './expectations.js';
import { assertFeature } from './assert-feature.js';
import { type InteropGateway, startInteropGateway } from './gateway.js';
import { type RunningUpstream, startUpstreams } from './upstreams.js';

const pairIdOf = ({ client, upstream }: Pick<Cell, 'client' | 'upstream'>) => `${client.id} × ${upstream.id}`;
/** Far over what a cell takes: machines that run tests may stand still for half a minute. */
const CELL_MS = 60_000;

/**
 * A client on every upstream through one gateway, feature by feature: each pair shares one connection, all pairs share the gateway and the
 * upstreams. docs/compatibility.md says in a table what is asserted here. Each client has a file, so that jest runs them side by side.
 */
export function describeMatrix(clientId: ClientId): void {
  const pairs = CLIENTS.filter(({ id }) => id === clientId).flatMap((client) =>
    UPSTREAMS.map((upstream) => ({ client, upstream })),
  );
  const undo = new AsyncDisposableStack();
  const connections = new Map<string, Promise<InteropClient>>();
  let upstreams: Readonly<Record<Cell['upstream']['id'], RunningUpstream>>;
  let gateway: InteropGateway;

  beforeAll(async () => {
    upstreams = await startUpstreams(undo);
    gateway = await startInteropGateway(undo, upstreams);
    for (const pair of pairs) {
      const { client, upstream } = pair;
      const endpoint = client.id === '2024-11-05' ? gateway.sseEndpoint(upstream.id) : gateway.endpoint(upstream.id);
      connections.set(pairIdOf(pair), CONNECT[client.id](endpoint));
    }
    await Promise.allSettled(connections.values());
  }, 300_000);

  afterAll(async () => {
    const settled = await Promise.allSettled(connections.values());
    const open = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    await Promise.all(open.map((client) => client[Symbol.asyncDispose]()));
    await undo.disposeAsync();
  }, 300_000);

  describe.each(pairs.map((pair) => [pairIdOf(pair), pair] as const))('%s', (pairId, pair) => {
    const cells = FEATURES.map(({ id: feature }): Cell => ({ ...pair, feature }));

    it.each(cells.map((cell) => [cellId(cell), cell] as const))(
      '%s',
      async (id, cell) => {
        const client = await connections.get(pairId)!;
        const unique = id.replace(/\W+/g, '-');
        await assertFeature(cell.feature, { client, offer: upstreams[cell.upstream.id].offer, unique }, limitOf(cell));
      },
      CELL_MS,
    );
  });
}
