import { startAnalytics } from '@switchyard/analytics';
import { startAuthServer } from '@switchyard/auth-server';
import { startCapabilityRegistry } from '@switchyard/capability-registry';
import { edgeProxyConfigSchema, startEdgeProxy } from '@switchyard/edge-proxy';
import type { GatewayConfig } from '@switchyard/gateway-config';
import { openLocalPlatform, type Platform } from '@switchyard/platform';
import { startManagement, type Management, type RunningService } from '@switchyard/runtime';
import type { LogLevel } from '@switchyard/telemetry';
import { startTokenVault, tokenVaultConfigSchema } from '@switchyard/token-vault';
import path from 'node:path';
import { listenFailure, probePort } from './listener-port.js';
import { warmUp } from './warm-up.js';

/** What the embedded profile is started with. */
export interface GatewayOptions {
  /** The switchyard.yaml, and what was read from it. */
  readonly file: string;
  readonly config: GatewayConfig;
  /** Folder that everything is kept in. */
  readonly dataDir: string;
  readonly logLevel: LogLevel;
  /** Environment that references are resolved in. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** OTLP/HTTP collector, where telemetry is to be sent. */
  readonly otlpEndpoint?: string;
  /** Given the first admin key, at the first start only. It is kept nowhere else, so it must be stored before this returns. */
  readonly onFirstAdminKey: (text: string) => void;
  /** The admin key, where it is known. */
  readonly adminKey: () => string | undefined;
}

/** A running gateway. */
export interface Gateway {
  readonly managementUrl: string;
  /** Drains and stops everything. Idempotent. */
  close(): Promise<void>;
}

const EMITTER = 'local';
const MANAGEMENT_PORT = 9080;
const CHECKPOINT_INTERVAL_MS = 60_000;

/** A listener that only the edge of this process reaches. */
const behindTheEdge = { host: '127.0.0.1', port: 0 };

/**
 * Starts all five services in this process: the same services as anywhere, on a bus in memory, state in SQLite and ClickHouse as a library.
 * @throws ConfigError; the public listener's error when its port is taken; StateUnavailable where another process has the folder
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, dataDir, logLevel, otlpEndpoint } = options;
  await using undo = new AsyncDisposableStack();
  const auditLimitBytes = config.audit.limitBytes;
  const platform = await openLocalPlatform({
    dataDir,
    service: 'switchyard',
    emitter: EMITTER,
    logLevel,
    auditLimitBytes,
    ...(otlpEndpoint ? { otlpEndpoint } : {}),
  });
  undo.adopt(platform, (it) => it.close());
  // Known at once, rather than when all else has started.
  await probePort(config.gateway.host, config.gateway.port);
  const behind = await startBehindTheEdge(options, platform);
  const { vault, registry, auth, analytics } = behind;
  // Closed last to first: when the others have said their last, it still takes their events.
  undo.adopt(analytics, (it) => it.close());
  undo.defer(() => platform.audit.close());
  for (const service of [vault, registry, auth]) undo.adopt(service, (it) => it.close());
  const edge = undo.adopt(await startEdge(options, platform, behind), (it) => it.close());
  const management = undo.adopt(await manage([...Object.values(behind), edge], platform), (it) => it.close());
  const running = undo.move();
  const key = options.adminKey();
  if (key !== undefined)
    warmUp(config, key).catch((error: unknown) => platform.log.debug('local servers were not started ahead', { error }));
  return { managementUrl: management.url, close: () => running.disposeAsync() };
}

/** The services that only the edge reaches. */
type BehindTheEdge = Readonly<Record<'vault' | 'registry' | 'auth' | 'analytics', RunningService>>;

/**
 * Side by side where they do not wait for each other; the registry's first act is to ask the vault. Where one cannot start, those that
 * have started are closed before that is told.
 */
async function startBehindTheEdge(options: GatewayOptions, platform: Platform): Promise<BehindTheEdge> {
  const { file: gatewayFile, dataDir, env, onFirstAdminKey } = options;
  const gatewayPort = options.config.gateway.port;
  const listen = behindTheEdge;
  const kek = { file: path.join(dataDir, 'vault.kek'), createIfMissing: true };
  const referenceDirectory = path.dirname(path.resolve(gatewayFile));
  const vaultConfig = tokenVaultConfigSchema.parse({ listen, profile: 'development', kek, referenceDirectory });
  const auth = startAuthServer({ gatewayFile, gatewayPort, listen }, { ...platform, env, onFirstAdminKey });
  // Where the authorization server did not start, nothing does: whoever asks in vain is not there any more.
  const authServer = () => auth.then(({ urls }) => urls['http']);
  const vault = startTokenVault(vaultConfig, { ...platform, env, authServer });
  const starting = {
    vault,
    registry: vault.then(() => startCapabilityRegistry({ gatewayFile, gatewayPort, listen }, platform)),
    auth,
    analytics: startAnalytics(
      {
        listen,
        engine: { kind: 'embedded', path: path.join(dataDir, 'clickhouse') },
        checkpoints: {
          keyFile: path.join(dataDir, 'checkpoint-key.json'),
          createIfMissing: true,
          intervalMs: CHECKPOINT_INTERVAL_MS,
        },
      },
      { ...platform, authServer },
    ),
  };
  const settled = await Promise.allSettled(Object.values(starting));
  const failure = settled.find(({ status }) => status === 'rejected');
  if (failure?.status === 'rejected') {
    await Promise.all(settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value.close()] : [])));
    throw failure.reason;
  }
  return {
    vault: await vault,
    registry: await starting.registry,
    auth: await starting.auth,
    analytics: await starting.analytics,
  };
}

function startEdge({ config, file }: GatewayOptions, platform: Platform, behind: BehindTheEdge): Promise<RunningService> {
  const { publicUrl, host, port, tls, certificateProxies } = config.gateway;
  const certificateUrl = config.identity.clientCertificates.endpointsUrl;
  const services = {
    authServer: behind.auth.urls['http'],
    tokenVault: behind.vault.urls['http'],
    capabilityRegistry: behind.registry.urls['http'],
    analytics: behind.analytics.urls['http'],
  };
  const edge = edgeProxyConfigSchema.parse({
    ...{ listen: { host, port }, publicUrl, emitter: EMITTER, services },
    ...{ tls, certificateProxies, certificateUrl, tlsSource: { file, path: ['gateway', 'tls'] } },
  });
  return startEdgeProxy(edge, platform);
}

/** On its usual port, so that it is found; on a free one where another program has that. */
async function manage(services: readonly RunningService[], { telemetry }: Platform): Promise<Management> {
  const on = (port: number) => startManagement({ host: '127.0.0.1', port, services, metrics: () => telemetry.metricsText() });
  try {
    return await on(MANAGEMENT_PORT);
  } catch (error) {
    if (listenFailure(error) === undefined) throw error;
    return on(0);
  }
}
