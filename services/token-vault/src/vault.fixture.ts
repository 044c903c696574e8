import { fromJsonString, type MessageInitShape } from '@bufbuild/protobuf';
import { encodeApiKeyRecord, mintApiKey } from '@switchyard/api-keys';
import {
  BUCKETS,
  CredentialMaterialSchema,
  DEFAULT_TENANT,
  EVENTS_STREAM,
  VaultService,
  type ApplyCredentialsRequestSchema,
  type LeaseCredentialRequestSchema,
  type CredentialMaterial,
  type EventJson,
} from '@switchyard/contracts';
import { generateSealingKey, openSealed, type SealingKey } from '@switchyard/oauth';
import { openLocalPlatform, openNatsPlatform, platformSchema, type Platform } from '@switchyard/platform';
import type { Clock, RunningService } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import { eventually, tempDir, unusedName } from '@switchyard/testing';
import path from 'node:path';
import { tokenVaultConfigSchema } from './config.js';
import { startHoldKeeper, type HoldKeeper } from './legal-holds.fixture.js';
import { startTokenVault } from './start.js';

type Templates = NonNullable<MessageInitShape<typeof ApplyCredentialsRequestSchema>['credentials']>;

/** A vault on a platform of its own, with what its callers have: an edge's key, an administrator's key. */
export interface VaultRig extends AsyncDisposable {
  readonly platform: Platform;
  readonly vault: RunningService;
  readonly edgeKey: SealingKey;
  /** Analytics, as far as it is asked for legal holds. */
  readonly holds: HoldKeeper;
  readonly keys: { readonly admin: string; readonly auditor: string };
  /** Directory of the key file and of referenced files. */
  readonly dir: string;
  apply(credentials: Templates): ReturnType<typeof apply>;
  lease(upstream: string, request?: LeaseRequest): ReturnType<typeof lease>;
  /** Leases, and opens the lease as the edge does. */
  leased(upstream: string): Promise<Pick<CredentialMaterial, 'headers' | 'env'> & { readonly version: string }>;
  api(method: string, route: string, body?: unknown, key?: string): Promise<Response>;
  /** The events so far, when there are this many of a type. */
  events(type: string, count: number): Promise<EventJson[]>;
}

/** Where a vault runs. */
export interface VaultRigOptions {
  /** NATS server of its own; without one the platform is in process. */
  readonly natsUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Directory shared with another vault: the same key file. */
  readonly dir?: string;
  /** The configuration's `kek`; a key file unless told. */
  readonly kek?: object;
  /** Lifetime of decrypted data keys, and the clock that it is measured with. */
  readonly cacheSeconds?: number;
  readonly clock?: Clock;
  /** Address of the authorization server. */
  readonly authServer?: string;
  /** Where the vault's log goes; nowhere unless told. */
  readonly log?: Logger;
}

/** A vault that shares its core with everything else of a test run. */
const NOT_JUDGED_BY_TIME = { timeoutMs: 30_000 } as const;

const apply = (platform: Platform, credentials: Templates) =>
  platform.rpc.call(VaultService.method.applyCredentials, { tenant: DEFAULT_TENANT, credentials }, NOT_JUDGED_BY_TIME);

/** What a lease asks for besides, or instead. */
type LeaseRequest = Omit<MessageInitShape<typeof LeaseCredentialRequestSchema>, 'upstream' | '$typeName'>;

function lease(platform: Platform, edgeKey: SealingKey, upstream: string, o: LeaseRequest) {
  const request = {
    tenant: DEFAULT_TENANT,
    upstream,
    principalIssuer: 'https://idp.example.com',
    principalSubject: 'ana',
    edge: 'edge-1',
    recipientJwk: edgeKey.publicJwk,
    requestId: 'request-1',
    ...o,
  };
  return platform.rpc.call(VaultService.method.leaseCredential, request, NOT_JUDGED_BY_TIME);
}

function openPlatform(dir: string, natsUrl: string | undefined): Promise<Platform> {
  const emitter = unusedName('vault');
  const auditLimitBytes = 8 * 1024 ** 2;
  if (natsUrl === undefined) {
    return openLocalPlatform({
      dataDir: path.join(dir, emitter),
      service: 'token-vault',
      emitter,
      logLevel: 'silent',
      auditLimitBytes,
    });
  }
  const config = platformSchema.parse({
    nats: { servers: [natsUrl] },
    audit: { dir: path.join(dir, `spool-${emitter}`), limitBytes: auditLimitBytes },
    emitter,
    logLevel: 'silent',
  });
  return openNatsPlatform(config, 'token-vault');
}

async function storeKey(platform: Platform, role: string): Promise<string> {
  const { text, record } = mintApiKey({ name: `${role}-key`, servers: [], roles: [role], createdAtMs: 0 });
  const kv = await platform.state.bucket(BUCKETS.apiKeys, DEFAULT_TENANT);
  await kv.put(record.id, encodeApiKeyRecord(record));
  return text;
}

// Reads until the bus closes, which is after the audit trail has forwarded its last events.
async function collectEvents(platform: Platform, lines: EventJson[]): Promise<void> {
  await platform.bus.consume({
    stream: EVENTS_STREAM,
    durable: unusedName('test'),
    batchMessages: 100,
    batchBytes: 2 ** 20,
    batchWaitMs: 10,
    onError: () => undefined,
    handle: async (messages) => {
      const text = messages.map(({ data }) => Buffer.from(data).toString('utf8')).join('\n');
      lines.push(...text.split('\n').flatMap((line) => (line === '' ? [] : (JSON.parse(line) as EventJson))));
    },
  });
}

/** Starts a vault; disposing it closes everything in the order of a shutdown. */
export async function startVault(options: VaultRigOptions = {}): Promise<VaultRig> {
  await using undo = new AsyncDisposableStack();
  const dir = options.dir ?? undo.use(await tempDir()).path;
  const platform = undo.adopt(await openPlatform(dir, options.natsUrl), (it) => it.close());
  const holds = undo.use(await startHoldKeeper(platform.rpc));
  const lines: EventJson[] = [];
  await collectEvents(platform, lines);
  const config = tokenVaultConfigSchema.parse({
    listen: { port: 0 },
    profile: 'development',
    kek: options.kek ?? { file: path.join(dir, 'kek'), createIfMissing: true },
    ...(options.cacheSeconds && { dataKeys: { cacheSeconds: options.cacheSeconds } }),
    referenceDirectory: dir,
    ...(options.authServer !== undefined && { authServer: options.authServer }),
  });
  const vault = undo.adopt(
    await startTokenVault(config, {
      ...platform,
      env: options.env ?? {},
      ...(options.log && { log: options.log }),
      ...(options.clock && { clock: options.clock }),
    }),
    (it) => it.close(),
  );
  const [edgeKey, admin, auditor] = await Promise.all([
    generateSealingKey(),
    storeKey(platform, 'admin'),
    storeKey(platform, 'auditor'),
  ]);
  const api = (method: string, route: string, body?: unknown, key = admin) =>
    fetch(`${vault.urls['http']}${route}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        'x-request-id': 'request-2',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  await eventually(async () => (await api('GET', '/api/v1/secrets')).status === 200);
  const running = undo.move();
  return {
    platform,
    vault,
    edgeKey,
    holds,
    keys: { admin, auditor },
    dir,
    api,
    apply: (credentials) => apply(platform, credentials),
    lease: (upstream, request = {}) => lease(platform, edgeKey, upstream, request),
    leased: async (upstream) => {
      const { result } = await lease(platform, edgeKey, upstream, {});
      if (result.case !== 'lease') throw new Error(`no lease: ${result.value?.message ?? ''}`);
      const plaintext = await openSealed(edgeKey.privateKey, result.value.sealed);
      const { headers, env } = fromJsonString(CredentialMaterialSchema, Buffer.from(plaintext).toString('utf8'));
      return { headers, env, version: result.value.version };
    },
    events: (type, count) =>
      eventually(() => {
        const found = lines.filter((event) => event.type === type);
        return found.length >= count && found;
      }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
