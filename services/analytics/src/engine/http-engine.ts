import { ClickHouseError, ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import type { Secret } from '@switchyard/runtime';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { countLines } from './count-lines.js';
import { EngineError, INSERT_SETTINGS, type Engine, type QueryParams } from './engine.js';

/** How a ClickHouse server is reached. */
export interface HttpEngineOptions {
  readonly url: string;
  readonly user: string;
  readonly password?: Secret | undefined;
  /** Made where it is missing. */
  readonly database: string;
}

// A server has its cores to itself, and parsing is most of an insert. It still becomes one block.
const serverInsertSettings = {
  ...INSERT_SETTINGS,
  input_format_parallel_parsing: 1,
  min_chunk_bytes_for_parallel_parsing: '1048576',
  wait_end_of_query: 1,
} as const;
const requestTimeoutMs = 30_000;
const pingTimeoutMs = 2_000;
const connectionLimit = 8;

/** A ClickHouse server, over HTTP. */
export class HttpEngine implements Engine {
  readonly #client: ClickHouseClient;

  private constructor(client: ClickHouseClient) {
    this.#client = client;
  }

  /**
   * Connects, and makes the database where it is missing.
   * @throws EngineError where the server does not answer, or refuses the user
   */
  static async open(options: HttpEngineOptions): Promise<HttpEngine> {
    await ensureDatabase(new HttpEngine(clientOf(options, 'system')), options.database);
    return HttpEngine.connect(options);
  }

  /** For a database that is there. Connects with the first request. */
  static connect(options: HttpEngineOptions): HttpEngine {
    return new HttpEngine(clientOf(options, options.database));
  }

  async command(sql: string, params: QueryParams = {}): Promise<void> {
    await this.#run(() =>
      this.#client.command({ query: sql, query_params: params, clickhouse_settings: { wait_end_of_query: 1 } }),
    );
  }

  async query(sql: string, params: QueryParams = {}): Promise<readonly unknown[]> {
    return this.#run(async () => {
      // The whole answer, or an error: not rows that break off.
      const settings = { wait_end_of_query: 1 as const };
      const result = await this.#client.query({
        query: sql,
        query_params: params,
        format: 'JSONEachRow',
        clickhouse_settings: settings,
      });
      return result.json();
    });
  }

  async insertLines(table: string, lines: Uint8Array, token: string): Promise<number> {
    await this.#insert(`INSERT INTO ${table} FORMAT JSONEachRow`, lines, token);
    return countLines(lines);
  }

  insertTexts(table: string, column: string, lines: Uint8Array, token: string): Promise<void> {
    return this.#insert(`INSERT INTO ${table} (${column}) FORMAT LineAsString`, lines, token);
  }

  async ready(): Promise<boolean> {
    const { success } = await this.#client.ping({ select: true, abort_signal: AbortSignal.timeout(pingTimeoutMs) });
    return success;
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  // Not the client's insert(): it would serialise objects, and these are bytes already.
  #insert(query: string, lines: Uint8Array, token: string): Promise<void> {
    const clickhouse_settings = { ...serverInsertSettings, insert_deduplication_token: token };
    const values = Readable.from([lines], { objectMode: false });
    return this.#run(async () => {
      const { stream } = await this.#client.exec({ query, values, clickhouse_settings });
      await finished(stream.resume());
    });
  }

  async #run<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (cause) {
      if (cause instanceof ClickHouseError) throw new EngineError(`ClickHouse: ${cause.message}`, Number(cause.code), { cause });
      throw new EngineError('ClickHouse could not be reached', undefined, { cause });
    }
  }
}

function clientOf({ url, user, password }: HttpEngineOptions, database: string): ClickHouseClient {
  return createClient({
    url,
    username: user,
    password: password?.reveal() ?? '',
    database,
    application: 'switchyard-analytics',
    request_timeout: requestTimeoutMs,
    max_open_connections: connectionLimit,
    // It would write queries to the console; what fails is thrown, and logged by who knows what it means.
    log: { level: ClickHouseLogLevel.OFF },
  });
}

// Asks first: a user who may use a database need not be allowed to make one.
async function ensureDatabase(engine: HttpEngine, name: string): Promise<void> {
  try {
    const found = await engine.query('SELECT 1 FROM system.databases WHERE name = {name:String}', { name });
    if (found.length === 0) await engine.command('CREATE DATABASE IF NOT EXISTS {name:Identifier}', { name });
  } finally {
    await engine.close();
  }
}
