import { create, toJsonString } from '@bufbuild/protobuf';
import { encodeApiKeyRecord, mintApiKey } from '@switchyard/api-keys';
import { BUCKETS, DEFAULT_TENANT, SnapshotSchema } from '@switchyard/contracts';
import { connectNats } from '@switchyard/messaging';
import { NatsState } from '@switchyard/state';
import { type NatsServer, startNats, tempDir, freePorts } from '@switchyard/testing';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { REPOSITORY } from './gateway-file.js';
import { type LoggedProcess, startNode } from './logged-process.js';
import { type RoundRobinProxy, startRoundRobinProxy } from './round-robin-proxy.js';

/** Two edges, as processes of their own on a real nats-server, behind a balancer that knows nothing of sessions. */
export interface TwoEdges extends AsyncDisposable {
  readonly proxy: RoundRobinProxy;
  /** An API key for every server. */
  readonly key: string;
  /** Where they meet. */
  readonly nats: NatsServer;
  /** Folders of their audit spools. */
  readonly spools: readonly string[];
  /** `kill -9`. @param place of the edge among the proxy's targets */
  kill(place: number): Promise<void>;
  logs(): string;
}

/** What a test says of its edges. */
export interface TwoEdgesOptions {
  /** Whether servers are for anyone at all; for holders of the key unless told. */
  readonly anonymous?: boolean;
  /** Bytes of events that may wait in a spool. */
  readonly spoolLimitBytes?: number;
}

/** Starts them. @param upstreams URLs of the upstreams, each behind a server of its name */
export async function startTwoEdges(
  upstreams: Readonly<Record<string, string>>,
  { anonymous = false, spoolLimitBytes }: TwoEdgesOptions = {},
): Promise<TwoEdges> {
  await using undo = new AsyncDisposableStack();
  const { path: dir } = undo.use(await tempDir());
  const nats = undo.use(await startNats());
  const [front = 0, ...ports] = await freePorts(5);
  const publicUrl = `http://127.0.0.1:${front}`;
  const key = await configure(nats.url, publicUrl, upstreams, anonymous);
  const gatewayFile = path.join(dir, 'switchyard.yaml');
  await writeFile(gatewayFile, `gateway: { publicUrl: "${publicUrl}" }\nidentity: { mode: dev }\nupstreams: {}\nservers: {}\n`);
  const edges = await Promise.all(
    [0, 1].map(async (place) => {
      const [listen = 0, management = 0] = ports.slice(place * 2);
      const around = { dir, gatewayFile, natsUrl: nats.url, spoolLimitBytes };
      const edge = await startEdge({ ...around, name: NAMES[place]!, listen, management });
      undo.defer(async () => void (await edge.end('SIGKILL')));
      return edge;
    }),
  );
  await Promise.all(edges.map((edge) => edge.written(/^edge-proxy is ready/m)));
  const proxy = undo.use(await startRoundRobinProxy(front, [ports[0]!, ports[2]!]));
  const started = undo.move();
  return {
    proxy,
    key,
    nats,
    spools: NAMES.map((name) => path.join(dir, name)),
    kill: async (place) => void (await edges[place]!.end('SIGKILL')),
    logs: () => edges.map((edge) => edge.output()).join('\n'),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

const NAMES = ['edge-1', 'edge-2'];

interface EdgeOptions {
  readonly dir: string;
  readonly gatewayFile: string;
  readonly natsUrl: string;
  readonly name: string;
  readonly listen: number;
  readonly management: number;
  readonly spoolLimitBytes: number | undefined;
}

async function startEdge({
  dir,
  gatewayFile,
  natsUrl,
  name,
  listen,
  management,
  spoolLimitBytes,
}: EdgeOptions): Promise<LoggedProcess> {
  const none = 'http://127.0.0.1:9';
  const file = path.join(dir, `${name}.json`);
  const config = {
    gatewayFile,
    listen: { host: '127.0.0.1', port: listen },
    management: { host: '127.0.0.1', port: management },
    services: { authServer: none, tokenVault: none, capabilityRegistry: none, analytics: none },
    platform: {
      nats: { servers: [natsUrl] },
      audit: { dir: path.join(dir, name), ...(spoolLimitBytes !== undefined && { limitBytes: spoolLimitBytes }) },
      emitter: name,
      logLevel: 'debug',
    },
  };
  await writeFile(file, JSON.stringify(config));
  return startNode({ name, args: [path.join(REPOSITORY, 'services/edge-proxy/dist/main.js'), '--config', file], cwd: dir });
}

/** Does what the registry and the authorization server do: edges need nothing else of them. @returns an API key */
async function configure(
  natsUrl: string,
  publicUrl: string,
  upstreams: Readonly<Record<string, string>>,
  anonymous: boolean,
): Promise<string> {
  const link = await connectNats({ servers: [natsUrl], name: 'test' });
  const state = await NatsState.open(link);
  const all = { tools: ['*'], prompts: ['*'], resources: ['*'] };
  const snapshot = create(SnapshotSchema, {
    publicUrl,
    tenant: DEFAULT_TENANT,
    revision: 'r1',
    upstreams: Object.entries(upstreams).map(([name, url]) => ({
      name,
      transport: { case: 'http' as const, value: { url } },
      timeoutMs: 30_000,
    })),
    servers: Object.keys(upstreams).map((slug) => ({
      slug,
      sources: [{ upstream: slug, ...all }],
      access: [anonymous ? { anonymous } : { everyone: true }],
    })),
  });
  const snapshots = await state.bucket(BUCKETS.snapshots, DEFAULT_TENANT);
  await snapshots.put('current', Buffer.from(toJsonString(SnapshotSchema, snapshot)));
  const { text, record } = mintApiKey({ name: 'test', servers: ['*'], roles: [], createdAtMs: Date.now() });
  const keys = await state.bucket(BUCKETS.apiKeys, DEFAULT_TENANT);
  await keys.put(record.id, encodeApiKeyRecord(record));
  await state.close();
  await link.close();
  return text;
}
