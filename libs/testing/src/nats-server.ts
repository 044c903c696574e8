import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { startServerProcess, type ServerProcess } from './server-process.js';
import { tempDir } from './temp-dir.js';

/** A nats-server with JetStream of its own, on a random port that stays the same over restarts. */
export interface NatsServer extends AsyncDisposable {
  readonly url: string;
  /** Folder that JetStream keeps streams and buckets in, uncompressed. */
  readonly storeDir: string;
  /** Id of its process; 0 while it is killed. */
  pid(): number;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** Starts it again on the same port and the same store. */
  restart(): Promise<void>;
}

/** Address of the nats-server that all tests of this run share. Use unused names for streams and buckets. */
export function natsUrl(): string {
  const url = process.env['SWITCHYARD_TEST_NATS_URL'];
  if (!url)
    throw new Error('SWITCHYARD_TEST_NATS_URL is not set: run the tests through jest, whose global set-up starts the server');
  return url;
}

/** What a test says of its nats-server. */
export interface NatsServerOptions {
  /** A file that configures it, but for its port and its store; one without users unless told. */
  readonly configFile?: string;
  /** Environment that the file refers to. */
  readonly env?: Readonly<Record<string, string>>;
  /** Folder with streams that it opens and leaves where they are. */
  readonly storeDir?: string;
  /** A program that starts it, with its arguments, and becomes it. */
  readonly under?: readonly string[];
}

/** Starts a nats-server for one test; disposing it stops it and removes its store. */
export async function startNats(options: NatsServerOptions = {}): Promise<NatsServer> {
  const dir = await tempDir();
  const binary = await natsServerBinary();
  const first = await startOn(binary, dir.path, -1, options);
  let server: ServerProcess | undefined = first.process;
  return {
    url: `nats://127.0.0.1:${first.port}`,
    storeDir: storeOf(dir.path, options),
    pid: () => server?.pid ?? 0,
    kill: async () => {
      await server?.end('SIGKILL');
      server = undefined;
    },
    restart: async () => {
      await server?.end('SIGTERM');
      server = (await startOn(binary, dir.path, first.port, options)).process;
    },
    [Symbol.asyncDispose]: async () => {
      await server?.end('SIGKILL');
      await dir[Symbol.asyncDispose]();
    },
  };
}

const storeOf = (dir: string, { storeDir }: NatsServerOptions) => storeDir ?? path.join(dir, 'store');

// max_file is a promise, not an allocation: many tests' streams reserve gigabytes each.
const config = (store: string) => `
jetstream { store_dir: ${JSON.stringify(store)}, max_mem: 1GB, max_file: 64TB }
max_payload: 8MB
`;

/** The store cannot be told on the command line where the file names one. */
async function withOwnStore(configFile: string, store: string): Promise<string> {
  return (await readFile(configFile, 'utf8')).replace(/^(\s*store_dir:).*$/m, `$1 ${JSON.stringify(store)}`);
}

async function startOn(
  binary: string,
  dir: string,
  port: number,
  options: NatsServerOptions,
): Promise<{ process: ServerProcess; port: number }> {
  const { configFile: given, env = {}, under = [] } = options;
  const store = storeOf(dir, options);
  const portsDir = await mkdtemp(path.join(dir, 'ports-'));
  const configFile = path.join(portsDir, 'nats.conf');
  await writeFile(configFile, given === undefined ? config(store) : await withOwnStore(given, store));
  let readPort: number | undefined;
  const [command = binary, ...args] = [...under, binary];
  const server = await startServerProcess({
    command,
    args: [...args, '-c', configFile, '--ports_file_dir', portsDir, '-a', '127.0.0.1', '-p', String(port)],
    env: { ...process.env, ...env },
    isUp: async () => (readPort = await portFrom(portsDir)) !== undefined,
  });
  if (readPort === undefined) throw new Error('the ports file of nats-server names no client port');
  return { process: server, port: readPort };
}

/** Reads the client port from the ports file that nats-server writes once it listens. */
async function portFrom(portsDir: string): Promise<number | undefined> {
  const file = (await readdir(portsDir)).find((name) => name.endsWith('.ports'));
  const text = file === undefined ? '' : await readFile(path.join(portsDir, file), 'utf8');
  return text.endsWith('}') ? portOf(JSON.parse(text) as { nats?: string[] }) : undefined;
}

function portOf(ports: { nats?: string[] }): number | undefined {
  const url = ports.nats?.[0];
  return url === undefined ? undefined : Number(new URL(url).port);
}

let found: Promise<string> | undefined;

/** Path of a nats-server binary: the one that the test command found, else the one that its search finds now. */
export function natsServerBinary(): Promise<string> {
  const given = process.env['SWITCHYARD_TEST_NATS_SERVER'];
  if (given) return Promise.resolve(given);
  found ??= search();
  return found;
}

async function search(): Promise<string> {
  const script = path.resolve(import.meta.dirname, '../../../tools/ensure-nats-server.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  return stdout.trim();
}
