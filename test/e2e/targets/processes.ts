import { startClickHouse, startNats, tempDir, freePorts } from '@switchyard/testing';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gatewayFile, onThisMachine, REPOSITORY } from './gateway-file.js';
import { startNode, type LoggedProcess } from './logged-process.js';
import { serviceConfig } from './service-config.js';
import { READERS_OF_SECRETS, SERVICES, type LocalTarget, type OwnGatewayFile, type ServiceName } from './target.js';
import { startUpstreamFixtures } from './upstream-fixtures.js';

type Ports = Readonly<Record<ServiceName, { readonly listen: number; readonly management: number }>>;

interface Surroundings {
  readonly dir: string;
  readonly ports: Ports;
  readonly natsUrl: string;
  readonly clickhouseUrl: string;
  readonly otlpEndpoint: string | undefined;
}

/** Starts the five services as processes of their own, joined by a real nats-server, in no particular order. */
export async function startProcesses(own?: OwnGatewayFile): Promise<LocalTarget> {
  await using undo = new AsyncDisposableStack();
  const { path: dir } = undo.use(await tempDir());
  const nats = undo.use(await startNats());
  const clickhouse = undo.use(await startClickHouse());
  const upstreams = undo.use(await startUpstreamFixtures());
  const ports = await drawPorts();
  const urlsAround = { natsUrl: nats.url, clickhouseUrl: clickhouse.url, otlpEndpoint: own?.otlpEndpoint };
  const around: Surroundings = { dir, ports, ...urlsAround };
  const port = ports['edge-proxy'].listen;
  const publicUrl = `http://localhost:${port}`;
  const file = path.join(dir, 'switchyard.yaml');
  const urls = { ledgerUrl: upstreams.ledger.url, lockedUrl: upstreams.locked.url };
  const place = { publicUrl, host: '127.0.0.1', port };
  await writeFile(file, (await own?.text({ ...place, ...urls })) ?? gatewayFile({ ...place, ...onThisMachine, ...urls }));
  await writeConfigs(around, file);

  const upstreamKey = randomBytes(24).toString('base64url');
  const ended: string[] = [];
  const children = new Map<ServiceName, LoggedProcess>();
  const run = (service: ServiceName, ...more: readonly string[]) => {
    const program = path.join(REPOSITORY, 'services', service, 'dist/main.js');
    const env = READERS_OF_SECRETS.has(service) ? { E2E_UPSTREAM_KEY: upstreamKey, ...own?.env } : {};
    return startNode({ name: service, args: [program, '--config', configOf(around, service), ...more], env, cwd: dir });
  };
  const start = (service: ServiceName) => {
    const started = run(service);
    children.set(service, started);
    return started;
  };
  const child = (service: ServiceName) => children.get(service) ?? start(service);
  const isReady = (one: LoggedProcess, service: ServiceName) => one.written(new RegExp(`^${service} is ready`, 'm'));
  const stop = () => Promise.all([...children.values()].map((one) => one.end('SIGTERM')));
  undo.defer(async () => void (await Promise.all([...children.values()].map((one) => one.end('SIGKILL')))));

  await Promise.all(SERVICES.map((service) => isReady(start(service), service))).catch((cause: unknown) => {
    throw new Error([...children.values()].map((one) => one.output()).join('\n'), { cause });
  });
  const [, adminKey = ''] = await child('auth-server').written(/First admin key, shown this once: (\S+)/);
  const started = undo.move();
  return {
    publicUrl,
    adminKey,
    upstreams,
    gatewayFile: file,
    upstreamKey,
    natsUrl: nats.url,
    storage: [dir, nats.storeDir, clickhouse.dataDir],
    openDatabase: async () => ({ url: clickhouse.url, [Symbol.asyncDispose]: () => Promise.resolve() }),
    managementUrls: SERVICES.map((service) => `http://127.0.0.1:${ports[service].management}`),
    pid: (service) => child(service).pid,
    restart: async (service) => {
      const before = child(service);
      await before.end('SIGKILL');
      ended.push(before.output());
      await isReady(start(service), service);
    },
    logs: async () => [...ended, ...[...children.values()].map((one) => one.output())].join('\n'),
    printConfig: async () => {
      const printed = SERVICES.map((service) => run(service, '--print-config'));
      expect(await Promise.all(printed.map(({ exited }) => exited))).toEqual(SERVICES.map(() => 0));
      return printed.map((one) => one.output()).join('\n');
    },
    stop,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

async function drawPorts(): Promise<Ports> {
  const ports = await freePorts(SERVICES.length * 2);
  const pairs = SERVICES.map((service, index) => [service, { listen: ports[index * 2]!, management: ports[index * 2 + 1]! }]);
  return Object.fromEntries(pairs) as Ports;
}

const configOf = ({ dir }: Surroundings, service: ServiceName) => path.join(dir, `${service}.json`);

/** Every service's own file, with this run's ports and folders. */
async function writeConfigs(surroundings: Surroundings, file: string): Promise<void> {
  const { ports, dir, natsUrl, clickhouseUrl, otlpEndpoint } = surroundings;
  await mkdir(path.join(dir, 'spool'));
  const urls = Object.fromEntries(SERVICES.map((service) => [service, `http://127.0.0.1:${ports[service].listen}`]));
  const around = { dir, gatewayFile: file, natsUrl, clickhouseUrl, urls: urls as Record<ServiceName, string> };
  const platform = { logLevel: 'debug', ...(otlpEndpoint !== undefined && { otlpEndpoint }) };
  const write = (service: ServiceName) => {
    const place = { service, emitter: `${service}-1`, ...ports[service], spool: path.join(dir, 'spool', service) };
    return writeFile(configOf(surroundings, service), JSON.stringify(serviceConfig(around, place, platform)));
  };
  await Promise.all(SERVICES.map(write));
}
