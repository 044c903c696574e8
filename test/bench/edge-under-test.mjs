// A real edge process on a real nats-server, with everything on that the budget names: a JWT per call, an access rule, the audit trail.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { create, toJsonString } from '@bufbuild/protobuf';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { BUCKETS, DEFAULT_TENANT, SnapshotSchema } from '@switchyard/contracts';
import { parse } from 'yaml';
import { connectNats } from '@switchyard/messaging';
import { NatsState } from '@switchyard/state';
import { startPinned } from './processes.mjs';

const root = path.resolve(import.meta.dirname, '../..');

/** The flags that the edge is deployed with. */
function nodeFlags() {
  const { services } = parse(readFileSync(path.join(root, 'docker-compose.yml'), 'utf8'), { merge: true });
  return services['edge-proxy'].command.filter((word, index, words) => index < words.findIndex((other) => other.endsWith('.js')));
}

/** Serves one public key, as the authorization server does. */
async function startKeys() {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' };
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, privateKey, close: () => server.close() };
}

function accessToken(privateKey, publicUrl, subject = 'ana') {
  return new SignJWT({
    client_id: 'bench',
    scope: 'mcp',
    sy_tenant: DEFAULT_TENANT,
    sy_grant: 'g1',
    email: 'ana@example.com',
    sy_claims: [],
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'bench' })
    .setIssuer(publicUrl)
    .setAudience(`${publicUrl}/mcp/bench`)
    .setSubject(subject)
    .setJti('1')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey);
}

/** One upstream behind the server, or several, each behind a prefix. */
function upstreamsAt(upstreamUrl) {
  const several = Array.isArray(upstreamUrl);
  const urls = several ? upstreamUrl : [upstreamUrl];
  const nameOf = (index) => (several ? `up${index}` : 'up');
  return {
    upstreams: urls.map((url, index) => ({
      name: nameOf(index),
      timeoutMs: 10_000,
      transport: { case: 'http', value: { url } },
    })),
    sources: urls.map((_url, index) => ({
      upstream: nameOf(index),
      prefix: several ? `${nameOf(index)}__` : '',
      tools: ['*'],
      prompts: ['*'],
      resources: ['*'],
    })),
  };
}

async function publishSnapshot(natsPort, publicUrl, { upstreams, sources }, strict) {
  const link = await connectNats({ servers: [`nats://127.0.0.1:${natsPort}`], name: 'bench' });
  const state = await NatsState.open(link);
  const snapshots = await state.bucket(BUCKETS.snapshots, DEFAULT_TENANT);
  const snapshot = create(SnapshotSchema, {
    revision: 'bench',
    tenant: DEFAULT_TENANT,
    publicUrl,
    teams: [{ name: 'bench', emails: ['ana@example.com'] }],
    upstreams,
    servers: [
      {
        slug: 'bench',
        sources,
        access: [{ teams: ['bench'], tools: [sources.length > 1 ? '*' : 'hello'] }],
        auditStrict: strict,
      },
    ],
  });
  await snapshots.put('current', Buffer.from(toJsonString(SnapshotSchema, snapshot)));
  await state.close();
  await link.close();
}

/**
 * Starts the edge on `core`, and NATS beside the load generator; where the scheduler likes, without them.
 * @param upstreamUrl one, or an array
 * @param behind `upstreams` of the snapshot and the server's `sources`, where they are more than URLs
 * @param strict whether its audit trail is in strict durability
 * @returns its URL, its process id, a token, and what makes tokens of others
 */
export async function startEdge({
  dir,
  core,
  otherCore,
  natsServer,
  upstreamUrl,
  behind = upstreamsAt(upstreamUrl),
  port,
  natsPort,
  limits = {},
  strict = false,
}) {
  const publicUrl = `http://127.0.0.1:${port}`;
  await startPinned(otherCore, natsServer, ['-js', '-sd', path.join(dir, 'nats'), '-a', '127.0.0.1', '-p', String(natsPort)], {
    stdio: 'ignore',
    silent: true,
  });
  const keys = await startKeys();
  await mkdir(path.join(dir, 'spool'), { recursive: true });
  const gatewayFile = path.join(dir, 'switchyard.json');
  await writeFile(gatewayFile, JSON.stringify({ gateway: { publicUrl }, identity: { mode: 'dev' }, upstreams: {}, servers: {} }));
  const edgeFile = path.join(dir, 'edge-proxy.json');
  const unused = 'http://127.0.0.1:9';
  const config = {
    gatewayFile,
    listen: { host: '127.0.0.1', port },
    management: { host: '127.0.0.1', port: 0 },
    services: { authServer: keys.url, tokenVault: unused, capabilityRegistry: unused, analytics: unused },
    limits,
    platform: {
      nats: { servers: [`nats://127.0.0.1:${natsPort}`] },
      audit: { dir: path.join(dir, 'spool') },
      emitter: 'edge-bench',
      logLevel: 'warn',
    },
  };
  await writeFile(edgeFile, JSON.stringify(config));
  await publishSnapshot(natsPort, publicUrl, behind, strict);
  const main = path.join(root, 'services/edge-proxy/dist/main.js');
  const nodeArgs = process.env.BENCH_CPU_PROFILE ? ['--cpu-prof', `--cpu-prof-dir=${process.env.BENCH_CPU_PROFILE}`] : [];
  const { pid } = await startPinned(core, process.execPath, [...nodeFlags(), ...nodeArgs, main, '--config', edgeFile]);
  const tokenFor = (subject) => accessToken(keys.privateKey, publicUrl, subject);
  return { url: `${publicUrl}/mcp/bench`, pid, token: await tokenFor('ana'), tokenFor, close: keys.close };
}
