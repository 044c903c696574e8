import { loadGatewayConfig } from '@switchyard/gateway-config';
import { Command } from 'commander';
import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { isPortTaken, startGateway, type Gateway, type GatewayOptions } from '../embedded/start-gateway.js';
import { readyLines } from '../embedded/ready-text.js';
import { readCliFile, writeCliFile } from '../gateway/cli-file.js';
import { CONFIG_NAME, findConfig, shownPath } from '../gateway/config-path.js';
import { CliError, EXIT } from '../terminal/cli-error.js';
import { print, remark, type Terminal } from '../terminal/terminal.js';

interface UpOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly verbose?: true;
}

const DRAIN_LIMIT_MS = 30_000;

/** `switchyard up`: serves a configuration on this machine, all services in one process. */
export function command(terminal: Terminal): Command {
  return new Command('up')
    .option('--config <file>', `the configuration; unless given: the nearest ${CONFIG_NAME}`)
    .option('--data-dir <folder>', 'where everything is kept; unless given: what gateway.dataDir says')
    .option('--verbose', 'tell more on standard error')
    .action((options: UpOptions) => up(options, terminal));
}

async function up(options: UpOptions, terminal: Terminal): Promise<void> {
  const stopped = stopSignal();
  const file = findConfig(options.config, terminal);
  const config = loadGatewayConfig(path.resolve(terminal.cwd, file));
  const dataDir = options.dataDir === undefined ? config.gateway.dataDir : path.resolve(terminal.cwd, options.dataDir);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  chmodSync(dataDir, 0o700);
  const otlpEndpoint = terminal.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const gateway = await start(
    {
      file: path.resolve(terminal.cwd, file),
      config,
      dataDir,
      logLevel: options.verbose ? 'info' : 'warn',
      env: terminal.env,
      ...(otlpEndpoint ? { otlpEndpoint } : {}),
    },
    terminal,
  );
  const { managementUrl, firstAdminKey } = gateway;
  const key = firstAdminKey ?? readCliFile(dataDir)?.key;
  writeCliFile(dataDir, { url: config.gateway.publicUrl, managementUrl, ...(key ? { key } : {}) });
  print(terminal, ...readyLines({ config, file, dataDir: shownPath(dataDir, terminal), managementUrl, firstAdminKey }));
  await stopped;
  await stop(gateway, terminal);
}

async function start(options: GatewayOptions, terminal: Terminal): Promise<Gateway> {
  try {
    return await startGateway(options);
  } catch (error) {
    const { host, port } = options.config.gateway;
    if (isPortTaken(error)) {
      throw new CliError(
        `Port ${port} on ${host} is taken. Stop the program that has it, or set gateway.port in ${shownPath(options.file, terminal)}.`,
        EXIT.refused,
      );
    }
    if (await isInUse(error)) {
      throw new CliError(
        `Another gateway has ${shownPath(options.dataDir, terminal)} open. Stop it, or use a folder of your own with --data-dir.`,
        EXIT.refused,
      );
    }
    throw error;
  }
}

async function isInUse(error: unknown): Promise<boolean> {
  const [{ StateUnavailable }, { SpoolInUse }] = await Promise.all([import('@switchyard/state'), import('@switchyard/audit')]);
  return error instanceof StateUnavailable || error instanceof SpoolInUse;
}

async function stop(gateway: Gateway, terminal: Terminal): Promise<void> {
  remark(terminal, 'Stopping: calls under way are finished first. Press Ctrl-C again to stop at once.');
  const limit = setTimeout(() => {
    remark(terminal, `The gateway did not stop within ${DRAIN_LIMIT_MS / 1000} s.`);
    process.exit(EXIT.failed);
  }, DRAIN_LIMIT_MS);
  process.once('SIGINT', () => process.exit(EXIT.failed));
  await gateway.close();
  clearTimeout(limit);
  // The engine's library keeps threads that would hold the process.
  process.exit(EXIT.ok);
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}
