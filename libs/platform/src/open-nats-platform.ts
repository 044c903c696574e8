import { Audit } from '@switchyard/audit';
import { DEFAULT_TENANT } from '@switchyard/contracts';
import { connectNats, NatsBus, NatsRpc, type NatsOptions } from '@switchyard/messaging';
import { systemClock } from '@switchyard/runtime';
import { NatsState } from '@switchyard/state';
import { createLogger, startLogExport, startTelemetry } from '@switchyard/telemetry';
import { announceProgress } from './announce-progress.js';
import { observeAudit } from './observe-audit.js';
import type { Platform } from './platform.js';
import type { PlatformConfig } from './platform-schema.js';

/**
 * Opens what a service stands on as a process of its own: NATS for bus, RPC and state.
 * @param service name of the service, for example `edge-proxy`
 * @throws BusUnavailable when NATS cannot be reached; SpoolInUse when another process has the spool
 */
export async function openNatsPlatform(config: PlatformConfig, service: string): Promise<Platform> {
  const clock = systemClock;
  const { emitter, otlpEndpoint } = config;
  const { replicas } = config.nats;
  const logs = otlpEndpoint ? startLogExport({ service, instance: emitter, otlpEndpoint }) : undefined;
  const log = createLogger({ service, level: config.logLevel, exportTo: logs }).child({ emitter });
  // What cannot be exported is told where it is not exported again.
  const unexported = createLogger({ service, level: config.logLevel }).child({ emitter });
  // What is opened last is closed first.
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => logs?.close());
  const telemetry = await startTelemetry({
    ...{ service, instance: emitter, log: unexported },
    ...(otlpEndpoint ? { otlpEndpoint } : {}),
  });
  undo.defer(() => telemetry.close());
  const link = undo.adopt(await connectNats(natsOptions(config)), (it) => it.close());
  const bus = undo.adopt(await NatsBus.open(link, { replicas }), (it) => it.close());
  const state = undo.adopt(await NatsState.open(link, { replicas }), (it) => it.close());
  const rpc = undo.adopt(new NatsRpc(link, service), (it) => it.close());
  const audit = undo.adopt(await Audit.open({ ...config.audit, emitter, tenant: DEFAULT_TENANT, bus, clock, log }), (it) =>
    it.close(),
  );
  observeAudit(telemetry.meter, audit);
  const announcing = await announceProgress({ state, audit, emitter, clock, log });
  const opened = undo.move();
  return {
    bus,
    rpc,
    state,
    audit,
    log,
    telemetry,
    clock,
    close: async () => {
      // Told once more when everything has been forwarded that can be.
      await audit.close();
      await announcing.close();
      await opened.disposeAsync();
    },
  };
}

function natsOptions({ nats: { servers, user, password }, emitter }: PlatformConfig): NatsOptions {
  const credentials = user !== undefined && password !== undefined ? { user, password: password.reveal() } : {};
  return { servers, name: emitter, ...credentials };
}
