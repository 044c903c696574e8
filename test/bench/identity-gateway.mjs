// What parts of `bench identity` stand on: a real authorization server, token vaults and edges on one nats-server.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { create, toJsonString } from '@bufbuild/protobuf';
import { BUCKETS, CredentialOwner, DEFAULT_TENANT, SnapshotSchema, VaultService } from '@switchyard/contracts';
import { connectNats, NatsRpc } from '@switchyard/messaging';
import { NatsState } from '@switchyard/state';
import { ensureNatsServer } from '../../tools/ensure-nats-server.mjs';
import { freePort, startPinned } from './processes.mjs';

const EDGES_PER_PROCESS = 5;
const UPSTREAM = 'accounts';
const root = path.resolve(import.meta.dirname, '../..');

/** What the registry does: gives the vaults the credentials of the configuration, and edges and vaults the rest. */
async function configure({ natsUrl, publicUrl, upstreamUrl }) {
  const link = await connectNats({ servers: [natsUrl], name: 'bench' });
  const rpc = new NatsRpc(link, 'bench');
  const applied = await rpc.call(VaultService.method.applyCredentials, {
    tenant: DEFAULT_TENANT,
    credentials: [{ upstream: UPSTREAM, kind: 'oauth', settings: { url: upstreamUrl } }],
  });
  if (applied.problems.length > 0) throw new Error(applied.problems[0].message);
  const state = await NatsState.open(link);
  const snapshots = await state.bucket(BUCKETS.snapshots, DEFAULT_TENANT);
  const snapshot = create(SnapshotSchema, {
    ...{ revision: 'bench', tenant: DEFAULT_TENANT, publicUrl },
    upstreams: [
      {
        ...{ name: UPSTREAM, timeoutMs: 30_000, transport: { case: 'http', value: { url: upstreamUrl } } },
        ...{ needsCredential: true, credentialVersion: applied.versions[UPSTREAM], credentialOwner: CredentialOwner.PRINCIPAL },
      },
    ],
    servers: [
      { slug: 'bench', access: [{ everyone: true, tools: ['*'] }] },
      { slug: UPSTREAM, sources: [{ upstream: UPSTREAM, tools: ['*'] }], access: [{ everyone: true, tools: ['*'] }] },
    ],
  });
  await snapshots.put('current', Buffer.from(toJsonString(SnapshotSchema, snapshot)));
  await rpc.close();
  await state.close();
  await link.close();
}

/** Starts a service by itself. @param own its configuration besides what all have */
async function startService({ dir, natsUrl }, service, name, own) {
  const port = await freePort();
  const config = {
    ...own,
    listen: { host: '127.0.0.1', port },
    management: { host: '127.0.0.1', port: 0 },
    platform: {
      nats: { servers: [natsUrl] },
      audit: { dir: path.join(dir, `spool-${name}`) },
      ...{ emitter: name, logLevel: 'error' },
    },
  };
  const file = path.join(dir, `${name}.json`);
  await writeFile(file, JSON.stringify(config));
  const program = path.join(root, `services/${service}/dist/main.js`);
  const { pid } = await startPinned(undefined, process.execPath, [program, '--config', file]);
  return { url: `http://127.0.0.1:${port}`, pid };
}

/**
 * Edges behind one public URL, which is that of the first.
 * @param upstreamUrl of an upstream at which everybody has an account of their own
 */
export async function startGateway({ dir, edgeCount, vaultCount, upstreamUrl }) {
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
  const gatewayFile = path.join(dir, 'switchyard.json');
  await writeFile(gatewayFile, JSON.stringify({ gateway: { publicUrl }, identity: { mode: 'dev' }, upstreams: {}, servers: {} }));
  const around = { dir, natsUrl };
  const authServer = await startService(around, 'auth-server', 'auth-bench', { gatewayFile });
  const vaults = [];
  for (let index = 0; index < vaultCount; index += 1) {
    const kek = { file: path.join(dir, 'vault.key'), createIfMissing: true };
    const own = { profile: 'development', kek, authServer: authServer.url };
    vaults.push(await startService(around, 'token-vault', `vault-${index + 1}`, own));
  }
  await configure({ natsUrl, publicUrl, upstreamUrl });
  for (let first = 0; first < edgeCount; first += EDGES_PER_PROCESS) {
    const own = ports.slice(first, first + EDGES_PER_PROCESS);
    const names = own.map((_port, index) => `edge-${first + index + 1}`);
    const told = JSON.stringify({
      names,
      ports: own,
      natsUrl,
      publicUrl,
      authServer: authServer.url,
      tokenVault: vaults[0].url,
      dir,
    });
    await startPinned(undefined, process.execPath, [path.join(import.meta.dirname, 'many-edges.mjs'), told]);
  }
  return { publicUrl, ports, authServer, vaults: vaults.length };
}
