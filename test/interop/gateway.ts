import { tempDir, freePort } from '@switchyard/testing';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AdminApi } from '../e2e/admin-api.js';
import { SWITCHYARD } from '../e2e/targets/embedded.js';
import { startNode } from '../e2e/targets/logged-process.js';
import type { Endpoint } from './clients.js';
import type { UpstreamId } from './expectations.js';
import type { RunningUpstream } from './upstreams.js';

/** The gateway of the matrix: everything in one process, one virtual server in front of each upstream. */
export interface InteropGateway {
  /** Streamable HTTP. */
  endpoint(upstream: UpstreamId): Endpoint;
  /** Where a client of revision 2024-11-05 opens its stream. */
  sseEndpoint(upstream: UpstreamId): Endpoint;
  /** Everything that it has written. */
  output(): string;
}

const slugOf = (upstream: UpstreamId) => upstream.replace('+', '-');

/** Starts it with the command that people start it with. JSON is YAML. */
export async function startInteropGateway(
  undo: AsyncDisposableStack,
  upstreams: Readonly<Record<UpstreamId, RunningUpstream>>,
): Promise<InteropGateway> {
  const { path: dir } = undo.use(await tempDir());
  const port = await freePort();
  const publicUrl = `http://localhost:${port}`;
  const all = Object.entries(upstreams) as [UpstreamId, RunningUpstream][];
  const reachOf = ({ reach }: RunningUpstream) =>
    reach.kind === 'http' ? { url: reach.url } : { command: reach.command, args: reach.args };
  const serverOf = (slug: string) => ({ sources: [{ upstream: slug }], access: [{ everyone: true }] });
  const file = {
    gateway: { publicUrl, host: '127.0.0.1', port },
    identity: { mode: 'dev' },
    upstreams: Object.fromEntries(all.map(([id, upstream]) => [slugOf(id), reachOf(upstream)])),
    servers: Object.fromEntries(all.map(([id]) => [slugOf(id), serverOf(slugOf(id))])),
  };
  await writeFile(path.join(dir, 'switchyard.yaml'), JSON.stringify(file));
  const gateway = startNode({ name: 'switchyard up', args: [SWITCHYARD, 'up', '--verbose'], cwd: dir });
  undo.defer(async () => void (await gateway.end('SIGTERM')));
  await gateway.written(/^Switchyard serves /m);
  const { key: adminKey } = JSON.parse(await readFile(path.join(dir, '.switchyard/cli.json'), 'utf8')) as { key: string };
  const { key } = await new AdminApi(publicUrl, adminKey).createKey({ name: 'interop', servers: ['*'] });
  const headers = { authorization: `Bearer ${key}` };
  return {
    endpoint: (upstream) => ({ kind: 'http', url: `${publicUrl}/mcp/${slugOf(upstream)}`, headers }),
    sseEndpoint: (upstream) => ({ kind: 'http', url: `${publicUrl}/mcp/${slugOf(upstream)}/sse`, headers }),
    output: () => gateway.output(),
  };
}
