import { openAdminApp } from '@switchyard/admin-api';
import { ApiKeyDirectory } from '@switchyard/api-keys';
import type { Audit } from '@switchyard/audit';
import { DEFAULT_TENANT } from '@switchyard/contracts';
import type { Rpc } from '@switchyard/messaging';
import { readConfigFile, type Clock, type Readiness, type RunningService } from '@switchyard/runtime';
import type { State } from '@switchyard/state';
import type { Logger, Telemetry } from '@switchyard/telemetry';
import { CapabilityRegistryModule } from './capability-registry.module.js';
import type { CapabilityRegistryConfig } from './config.js';
import { Configuration } from './configuration.js';
import { GatewayFileWatch } from './gateway-file-watch.js';
import { SnapshotStore } from './snapshot-store.js';

/** What the capability registry stands on. */
export interface CapabilityRegistryDeps {
  readonly rpc: Rpc;
  readonly state: State;
  readonly audit: Pick<Audit, 'record' | 'accepting'>;
  readonly log: Logger;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  /** Told what start-up waits for. */
  readonly onWaiting?: (readiness: Readiness) => void;
}

/** How often references are resolved anew although the file is the same. */
const RECHECK_MS = 10_000;

/**
 * Publishes the configuration of a gateway and keeps it current: the file is watched, a change that can be used is
 * compiled and published, any other is reported and changes nothing.
 * @returns when the first snapshot is published
 * @throws ConfigError when the file cannot be used as it stands, whatever is published already
 */
export async function startCapabilityRegistry(
  config: CapabilityRegistryConfig,
  deps: CapabilityRegistryDeps,
): Promise<RunningService> {
  const { state, audit, clock, log } = deps;
  const { gatewayFile: file, gatewayPort: port, listen } = config;
  const tenant = DEFAULT_TENANT;
  await using undo = new AsyncDisposableStack();
  const changes = deps.telemetry.meter.createCounter('switchyard_config_changes', {
    description: 'Configurations tried, by outcome',
  });
  const onOutcome = (outcome: string) => changes.add(1, { outcome });
  const text = readConfigFile(file);
  const snapshots = await SnapshotStore.open(state, tenant);
  const configuration = undo.adopt(
    new Configuration({ ...deps, snapshots, tenant, file, overrides: { port }, onOutcome }),
    (it) => it.close(),
  );
  await configuration.start(text, deps.onWaiting ?? (() => undefined));
  const recheck = setInterval(() => configuration.recheck(), RECHECK_MS).unref();
  undo.defer(() => clearInterval(recheck));
  undo.adopt(watchFile(text, configuration, file, log), (watch) => watch.close());
  const keys = undo.adopt(await ApiKeyDirectory.open(state, tenant, clock), (directory) => directory.close());
  const app = undo.adopt(
    await openAdminApp(CapabilityRegistryModule.with(configuration), { ...listen, keys, audit, log }),
    (admin) => admin.close(),
  );
  const running = undo.move();
  return {
    name: 'capability-registry',
    urls: { http: app.url },
    readiness: async () => ({
      state: (await state.ready()) ? 'ok' : 'cannot be reached',
      vault: 'ok',
      audit: audit.accepting() ? 'ok' : 'takes no more events',
      ...configuration.waitingFor,
    }),
    close: () => running.disposeAsync(),
  };
}

function watchFile(text: string, configuration: Configuration, file: string, log: Logger): GatewayFileWatch {
  return new GatewayFileWatch(
    { ok: true, text },
    {
      file,
      onChange: (content) => configuration.change(content),
      onUnwatchable: (error) =>
        log.warn('the configuration file cannot be watched, so it is read every 2 s instead', { file, error }),
    },
  );
}
