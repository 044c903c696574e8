import { eventually, tempDir, freePort } from '@switchyard/testing';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, cp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { HOST, loopbackRelays, relayToLoopback } from './compose-loopback.js';
import { gatewayFile, REPOSITORY } from './gateway-file.js';
import { READERS_OF_SECRETS, SERVICES, type OwnGatewayFile, type ServiceName, type Target } from './target.js';
import { startUpstreamFixtures } from './upstream-fixtures.js';

const run = promisify(execFile);

const MANAGEMENT_PORTS: Readonly<Record<ServiceName, number>> = {
  'edge-proxy': 9080,
  'auth-server': 9081,
  'token-vault': 9082,
  'capability-registry': 9083,
  analytics: 9084,
};

const HOST_ADDRESS = 'SWITCHYARD_E2E_HOST_ADDRESS';

/** `docker compose`, with the files and the environment of one project. */
type Compose = (...args: readonly string[]) => Promise<string>;

/**
 * Starts the repository's docker-compose.yml as a project of its own on a free port.
 * tools/e2e-compose.mjs builds the image and says what the environment variables here must.
 */
export async function startCompose(own?: OwnGatewayFile): Promise<Target> {
  await using undo = new AsyncDisposableStack();
  const { path: dir } = undo.use(await tempDir());
  const upstreams = undo.use(await startUpstreamFixtures());
  const ledgerUrl = await relayedUrl(upstreams.ledger.url, undo);
  const lockedUrl = await relayedUrl(upstreams.locked.url, undo);
  const port = await freePort();
  const publicUrl = `http://localhost:${port}`;
  const upstreamKey = randomBytes(24).toString('base64url');
  const configDir = path.join(dir, 'config');
  const file = path.join(configDir, 'switchyard.yaml');
  await cp(path.join(REPOSITORY, 'deploy/staging'), configDir, { recursive: true });
  const inContainer = { root: '/app', filesDir: '/srv/files', egressAllow: ['172.16.0.0/12', '192.168.0.0/16'] };
  const place = { publicUrl, host: '0.0.0.0', port: 8080 };
  await writeFile(
    file,
    (await own?.text({ ...place, ledgerUrl })) ?? gatewayFile({ ...place, ledgerUrl, lockedUrl, ...inContainer }),
  );
  const loopback = new Map<number, number>();
  for (const port of own?.loopbackPorts() ?? []) loopback.set(port, await relayToLoopback(port, given(HOST_ADDRESS), undo));
  // The containers' user is another one than this process's.
  await Promise.all([chmod(dir, 0o755), chmod(configDir, 0o755)]);
  const overrides = path.join(dir, 'compose.json');
  await writeFile(overrides, JSON.stringify(overridesFor({ E2E_UPSTREAM_KEY: upstreamKey, ...own?.env }, loopback)));

  const compose = composeWith(overrides, { SWITCHYARD_PORT: String(port), SWITCHYARD_CONFIG_DIR: configDir });
  undo.defer(async () => void (await compose('down', '--volumes', '--timeout', '5')));
  await compose('up', '--detach', '--no-build');
  const logs = () => compose('logs', '--no-color');
  await eventually(async () => (await fetch(`${publicUrl}/ready`)).status === 200, { timeoutMs: 180_000, everyMs: 500 }).catch(
    async (cause: unknown) => {
      throw new Error(`the gateway did not become ready:\n${await logs()}`, { cause });
    },
  );
  const [, adminKey = ''] = /First admin key, shown this once: (\S+)/.exec(await logs()) ?? [];
  const containers = await containersOf(compose);
  const published = async (service: ServiceName) =>
    `http://${(await compose('port', service, String(MANAGEMENT_PORTS[service]))).trim()}`;
  const inspect = async (service: ServiceName, field: string) =>
    (await run('docker', ['inspect', '--format', `{{.State.${field}}}`, containers[service]])).stdout.trim();
  const managementUrls = await Promise.all(SERVICES.map(published));
  const pids = new Map(await Promise.all(SERVICES.map(async (name) => [name, Number(await inspect(name, 'Pid'))] as const)));
  const started = undo.move();
  return {
    publicUrl,
    adminKey,
    upstreams,
    gatewayFile: file,
    upstreamKey,
    managementUrls,
    pid: (service) => pids.get(service) ?? 0,
    restart: async (service) => {
      await compose('kill', '-s', 'SIGKILL', service);
      await compose('start', service);
      await eventually(async () => (await inspect(service, 'Health.Status')) === 'healthy', { timeoutMs: 90_000, everyMs: 500 });
      pids.set(service, Number(await inspect(service, 'Pid')));
    },
    logs,
    stop: async () => {
      await compose('stop', ...SERVICES);
      return Promise.all(SERVICES.map(async (service) => Number(await inspect(service, 'ExitCode'))));
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** What the tests add: a way to the upstream fixtures, their credential, and the management ports. */
function overridesFor(secrets: Readonly<Record<string, string>>, loopback: ReadonlyMap<number, number>): object {
  const services = SERVICES.map((service) => [
    service,
    {
      ports: [`127.0.0.1::${MANAGEMENT_PORTS[service]}`],
      extra_hosts: [`${HOST}:host-gateway`],
      ...(READERS_OF_SECRETS.has(service) ? { environment: secrets } : {}),
    },
  ]);
  return { services: { ...Object.fromEntries(services), ...loopbackRelays(given('SWITCHYARD_IMAGE'), loopback) } };
}

function composeWith(overrides: string, env: Readonly<Record<string, string>>): Compose {
  const [program = '', ...command] = JSON.parse(given('SWITCHYARD_E2E_COMPOSE_COMMAND')) as string[];
  const files = ['-f', path.join(REPOSITORY, 'docker-compose.yml'), '-f', overrides];
  const args = [...command, '-p', given('SWITCHYARD_E2E_COMPOSE_PROJECT'), ...files];
  return async (...more) => {
    const options = { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
    return (await run(program, [...args, ...more], options)).stdout;
  };
}

function given(variable: string): string {
  const value = process.env[variable];
  if (!value) throw new Error(`${variable} is not set: run this through npm run e2e:compose`);
  return value;
}

async function containersOf(compose: Compose): Promise<Record<ServiceName, string>> {
  const ids = await Promise.all(SERVICES.map(async (service) => [service, (await compose('ps', '-q', service)).trim()] as const));
  return Object.fromEntries(ids) as Record<ServiceName, string>;
}

/** Makes an upstream on loopback reachable from containers. @returns its URL as they see it */
async function relayedUrl(url: string, undo: AsyncDisposableStack): Promise<string> {
  const { port, pathname } = new URL(url);
  return `http://${HOST}:${await relayToLoopback(Number(port), given(HOST_ADDRESS), undo)}${pathname}`;
}
