import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { startServerProcess, type ServerProcess } from './server-process.js';
import { tempDir } from './temp-dir.js';

/** ClickHouse's engine behind its HTTP interface, on a random port that stays the same over restarts. User `default`, no password. */
export interface ClickHouseServer extends AsyncDisposable {
  readonly url: string;
  /** Folder that the engine keeps its tables in. */
  readonly dataDir: string;
  /** Id of its process; 0 while it is killed. */
  pid(): number;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** Starts it again on the same port and the same data. */
  restart(): Promise<void>;
}

/** Address of the ClickHouse that all tests of this run share. Create a database with an unused name, and drop it. */
export function clickhouseUrl(): string {
  const url = process.env['SWITCHYARD_TEST_CLICKHOUSE_URL'];
  if (!url)
    throw new Error('SWITCHYARD_TEST_CLICKHOUSE_URL is not set: run the tests through jest, whose global set-up starts it');
  return url;
}

/**
 * Starts a ClickHouse for one test; disposing it stops it and removes its data.
 * @param options.dataDir folder with tables that it opens and leaves where they are, such as those of a gateway that was stopped
 */
export async function startClickHouse(options: { readonly dataDir?: string } = {}): Promise<ClickHouseServer> {
  const dir = await tempDir();
  const dataDir = options.dataDir ?? path.join(dir.path, 'data');
  const first = await startOn(dir.path, dataDir, 0);
  let server: ServerProcess | undefined = first.process;
  return {
    url: `http://127.0.0.1:${first.port}`,
    dataDir,
    pid: () => server?.pid ?? 0,
    kill: async () => {
      await server?.end('SIGKILL');
      server = undefined;
    },
    restart: async () => {
      await server?.end('SIGTERM');
      server = (await startOn(dir.path, dataDir, first.port)).process;
    },
    [Symbol.asyncDispose]: async () => {
      await server?.end('SIGKILL');
      await dir[Symbol.asyncDispose]();
    },
  };
}

// Run from the source: works the same from src/ and from dist/.
const program = path.resolve(import.meta.dirname, '../src/clickhouse-engine.ts');

async function startOn(dir: string, dataDir: string, port: number): Promise<{ process: ServerProcess; port: number }> {
  const portFile = path.join(dir, 'port');
  await rm(portFile, { force: true });
  let readPort = 0;
  const server = await startServerProcess({
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', program, dataDir, String(port), portFile],
    isUp: async () => (readPort = Number(await readFile(portFile, 'utf8').catch(() => '0'))) > 0,
  });
  return { process: server, port: readPort };
}
