import type { z } from 'zod';
import { readBootArguments, usageOf } from './boot-arguments.js';
import { ConfigError } from './config-error.js';
import { startManagement, type Management } from './management.js';
import { loadConfigFile } from './parse-config.js';
import { refuseInspector } from './refuse-inspector.js';
import type { Readiness, RunningService } from './running-service.js';

/** A started service with what it stands on. */
export interface Booted {
  readonly running: RunningService;
  /** Metrics in the Prometheus text format. */
  metrics(): Promise<string>;
  /** Closes what the service stands on; called after `running.close()`. */
  close(): Promise<void>;
}

/** What a service's main.ts says about it. */
export interface BootOptions<T> {
  readonly service: string;
  readonly schema: z.ZodType<T>;
  /**
   * Starts the service. May throw ConfigError.
   * @param waitingFor call it while start-up waits for something; `/ready` then says so
   * @param file that the configuration was read from
   */
  start(config: T, waitingFor: (readiness: Readiness) => void, file: string): Promise<Booted>;
  /** Where health, readiness and metrics are served. */
  readonly management: (config: T) => { readonly host: string; readonly port: number };
}

const DRAIN_LIMIT_MS = 30_000;
const EXIT = { ok: 0, failed: 1, refused: 2 } as const;

/**
 * Runs one service as a process: reads `--config FILE`, serves health while it starts, drains on SIGTERM or SIGINT within
 * 30 s and exits 0. A configuration that cannot be used is one clear text on stderr and exit 2. `--print-config` prints
 * the configuration without its secrets and exits.
 */
export async function boot<T>(options: BootOptions<T>): Promise<void> {
  const args = readBootArguments(process.argv.slice(2));
  if (args.kind === 'usage') return exitWith(args.problem ? EXIT.refused : EXIT.ok, [args.problem, usageOf(options.service)]);
  try {
    const config = loadConfigFile(options.schema, args.file, process.env);
    if (args.kind === 'print-config') return void process.stdout.write(`${JSON.stringify(config, undefined, 2)}\n`);
    await run(options, config, args.file);
  } catch (error) {
    if (error instanceof ConfigError) return exitWith(EXIT.refused, [error.message]);
    return exitWith(EXIT.failed, [`${options.service} could not start: ${describe(error)}`]);
  }
}

async function run<T>(options: BootOptions<T>, config: T, file: string): Promise<void> {
  refuseInspector(console.error);
  const stop = stopSignal();
  const services: RunningService[] = [];
  const started: { booted?: Booted } = {};
  const management = await startManagement({
    ...options.management(config),
    services,
    metrics: async () => (await started.booted?.metrics()) ?? '',
  });
  let waiting: Readiness = { start: 'in progress' };
  services.push({ name: options.service, urls: {}, readiness: async () => waiting, close: async () => undefined });
  const booted = await Promise.race([options.start(config, (readiness) => (waiting = readiness), file), stop]);
  // Nothing was accepted yet, so there is nothing to drain.
  if (booted === undefined) return exitWith(EXIT.ok, []);
  started.booted = booted;
  services.splice(0, 1, booted.running);
  console.log(readyLine(booted.running, management));
  await stop;
  await drain(options.service, booted, management);
}

async function drain(service: string, booted: Booted, management: Management): Promise<void> {
  const limit = setTimeout(
    () => exitWith(EXIT.failed, [`${service} did not drain within ${DRAIN_LIMIT_MS / 1000} s; exiting anyway.`]),
    DRAIN_LIMIT_MS,
  );
  await booted.running.close();
  await booted.close();
  await management.close();
  clearTimeout(limit);
  exitWith(EXIT.ok, []);
}

function stopSignal(): Promise<undefined> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve(undefined));
    process.once('SIGINT', () => resolve(undefined));
  });
}

function readyLine(running: RunningService, management: Management): string {
  const urls = Object.entries({ ...running.urls, management: management.url });
  return `${running.name} is ready: ${urls.map(([purpose, url]) => `${purpose} ${url}`).join(', ')}`;
}

const describe = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error));

function exitWith(code: number, lines: readonly (string | undefined)[]): void {
  for (const line of lines) if (line) console.error(line);
  process.exit(code);
}
