import { loadGatewayConfig } from '@switchyard/gateway-config';
import { refuseInspector } from '@switchyard/runtime';
import { Command, InvalidArgumentError } from 'commander';
import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Gateway, GatewayOptions } from '../embedded/start-gateway.js';
import { listenFailure, probePort } from '../embedded/listener-port.js';
import { readyLines } from '../embedded/ready-text.js';
import { readCliFile, writeCliFile } from '../gateway/cli-file.js';
import { CONFIG_NAME, findConfig, shownPath } from '../gateway/config-path.js';
import { CliError, EXIT } from '../terminal/cli-error.js';
import { print, remark, type Terminal } from '../terminal/terminal.js';

interface UpOptions {
  readonly config?: string;
  readonly port?: number;
  readonly dataDir?: string;
  readonly verbose?: true;
}

const DRAIN_LIMIT_MS = 30_000;
/** npm passes on the Ctrl-C that the terminal has sent already. */
const SAME_KEY_PRESS_MS = 500;

/** `switchyard up`: serves a configuration on this machine, all services in one process. */
export function command(terminal: Terminal): Command {
  return new Command('up')
    .option('--config <file>', `the configuration; unless given: the nearest ${CONFIG_NAME}`)
    .option('--port <port>', 'port to serve on, instead of what gateway.port says; 0 picks a free one', portNumber)
    .option('--data-dir <folder>', 'where everything is kept; unless given: what gateway.dataDir says')
    .option('--verbose', 'tell more on standard error')
    .action((options: UpOptions) => up(options, terminal));
}

async function up(options: UpOptions, terminal: Terminal): Promise<void> {
  refuseInspector((sentence) => remark(terminal, sentence));
  const stopped = stopSignal();
  const file = path.resolve(terminal.cwd, findConfig(options.config, terminal));
  const port = options.port === 0 ? await probePort('127.0.0.1', 0) : options.port;
  const config = loadGatewayConfig(file, { port });
  const dataDir = options.dataDir === undefined ? config.gateway.dataDir : path.resolve(terminal.cwd, options.dataDir);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  chmodSync(dataDir, 0o700);
  // Relative paths of local servers start from the file that names them.
  process.chdir(path.dirname(file));
  const before = readCliFile(dataDir);
  const gateway = await start(gatewayOptions(options, { file, config, dataDir }, terminal), terminal);
  const { managementUrl } = gateway;
  const key = readCliFile(dataDir)?.key;
  writeCliFile(dataDir, { url: config.gateway.publicUrl, managementUrl, ...(key ? { key } : {}) });
  const firstAdminKey = before?.url === undefined ? key : undefined;
  const shown = { file: shownPath(file, terminal), dataDir: shownPath(dataDir, terminal), program: programName(terminal) };
  print(terminal, ...readyLines({ config, managementUrl, firstAdminKey, ...shown }));
  await stopped;
  await stop(gateway, terminal);
}

type Place = Pick<GatewayOptions, 'file' | 'config' | 'dataDir'>;

function gatewayOptions({ verbose }: UpOptions, place: Place, { env }: Terminal): GatewayOptions {
  const { dataDir } = place;
  const otlpEndpoint = env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  return {
    ...place,
    logLevel: verbose ? 'info' : 'warn',
    env,
    ...(otlpEndpoint ? { otlpEndpoint } : {}),
    // At once: the key is made only once, even if the rest of this start fails.
    onFirstAdminKey: (key) => writeCliFile(dataDir, { key }),
    adminKey: () => readCliFile(dataDir)?.key,
  };
}

async function start(options: GatewayOptions, terminal: Terminal): Promise<Gateway> {
  try {
    // All services: loaded once there is a configuration that they can be started with.
    const { startGateway } = await import('../embedded/start-gateway.js');
    return await startGateway(options);
  } catch (error) {
    const { host, port } = options.config.gateway;
    const code = listenFailure(error);
    if (code !== undefined) {
      const what =
        code === 'EADDRINUSE' ? `Port ${port} on ${host} is taken` : `Nothing can listen on port ${port} of ${host} (${code})`;
      throw new CliError(`${what}. Stop the program that has it, or serve on another port: --port <port>.`, EXIT.refused);
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
  await gateway.close();
  clearTimeout(limit);
  // The engine's library keeps threads that would hold the process.
  process.exit(EXIT.ok);
}

/** Resolves at the first signal; a second Ctrl-C ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let firstAtMs: number | undefined;
    const onSignal = (signal: NodeJS.Signals) => {
      if (firstAtMs === undefined) {
        firstAtMs = performance.now();
        resolve();
      } else if (signal === 'SIGINT' && performance.now() - firstAtMs > SAME_KEY_PRESS_MS) process.exit(EXIT.failed);
    };
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  });
}

/** How the command is called from where this process was started. */
const programName = ({ env }: Terminal) => (env['npm_command'] === undefined ? 'switchyard' : 'npm run -s switchyard --');

function portNumber(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError('Give a number from 0 to 65535.');
}
