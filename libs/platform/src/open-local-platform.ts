import { Audit } from '@switchyard/audit';
import { DEFAULT_TENANT } from '@switchyard/contracts';
import { LocalBus, LocalRpc } from '@switchyard/messaging';
import { systemClock } from '@switchyard/runtime';
import { SqliteState } from '@switchyard/state';
import { createLogger, startLogExport, startTelemetry, type LogLevel } from '@switchyard/telemetry';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { announceProgress } from './announce-progress.js';
import { observeAudit } from './observe-audit.js';
import type { Platform } from './platform.js';

/** How the embedded profile is opened. */
export interface LocalPlatformOptions {
  /** Folder that everything is kept in; made, readable by its owner only, where it is missing. */
  readonly dataDir: string;
  readonly service: string;
  /** Name of this process in events. */
  readonly emitter: string;
  readonly logLevel: LogLevel;
  /** Bytes of events that may wait to be forwarded. */
  readonly auditLimitBytes: number;
  readonly otlpEndpoint?: string;
}

/**
 * Opens what the services of the embedded profile share: everything in this process and in one folder.
 * @throws SpoolInUse when another process has the folder
 */
export async function openLocalPlatform(options: LocalPlatformOptions): Promise<Platform> {
  const clock = systemClock;
  const { dataDir, service, emitter, otlpEndpoint } = options;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const logs = otlpEndpoint ? startLogExport({ service, instance: emitter, otlpEndpoint }) : undefined;
  const log = createLogger({ service, level: options.logLevel, exportTo: logs });
  // What cannot be exported is told where it is not exported again.
  const unexported = createLogger({ service, level: options.logLevel });
  // What is opened last is closed first.
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => logs?.close());
  const telemetry = await startTelemetry({
    ...{ service, instance: emitter, log: unexported },
    ...(otlpEndpoint ? { otlpEndpoint } : {}),
  });
  undo.defer(() => telemetry.close());
  const bus = undo.adopt(new LocalBus({ logDir: dataDir }), (it) => it.close());
  const state = undo.adopt(SqliteState.open(path.join(dataDir, 'state.sqlite')), (it) => it.close());
  const rpc = undo.adopt(new LocalRpc(), (it) => it.close());
  const audit = undo.adopt(
    await Audit.open({
      dir: path.join(dataDir, 'spool'),
      emitter,
      tenant: DEFAULT_TENANT,
      limitBytes: options.auditLimitBytes,
      bus,
      clock,
      log,
    }),
    (it) => it.close(),
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
