import { createChdbConnection, type ChdbConnection } from 'chdb/connection';
import { text } from 'node:stream/consumers';
import { EngineError, INSERT_SETTINGS, type Engine, type QueryParams } from './engine.js';

/** ClickHouse's engine as a library in this process. A process has one database folder open at a time. */
export class EmbeddedEngine implements Engine {
  readonly #connection: ChdbConnection;

  private constructor(connection: ChdbConnection) {
    this.#connection = connection;
  }

  /**
   * Opens a folder, making it where it is missing.
   * @throws EngineError where it cannot be opened
   */
  static async open(path: string): Promise<EmbeddedEngine> {
    try {
      return new EmbeddedEngine(createChdbConnection({ path }));
    } catch (cause) {
      throw new EngineError(`the database at ${path} cannot be opened`, undefined, { cause });
    }
  }

  async command(sql: string, params: QueryParams = {}): Promise<void> {
    await this.#run(() => this.#connection.command({ query: sql, query_params: params }));
  }

  async query(sql: string, params: QueryParams = {}): Promise<readonly unknown[]> {
    const settings = { default_format: 'JSONEachRow' } as const;
    const request = { query: sql, query_params: params, clickhouse_settings: settings };
    const { stream } = await this.#run(() => this.#connection.query(request));
    const lines = (await text(stream)).split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as unknown);
  }

  async insertLines(table: string, lines: Uint8Array, token: string): Promise<number> {
    const settings = { ...INSERT_SETTINGS, insert_deduplication_token: token };
    const values = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength);
    // Not the connection's insert(): it makes text of the bytes, and so hides what is not UTF-8.
    const insert = () => this.#connection.chdb.rawInsert({ table, format: 'JSONEachRow', settings, values });
    const { rowsWritten } = await this.#run(insert);
    return rowsWritten;
  }

  async ready(): Promise<boolean> {
    const { success } = await this.#connection.ping({ select: true });
    return success;
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #run<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (cause) {
      throw new EngineError(cause instanceof Error ? cause.message : 'the embedded engine failed', codeOf(cause), { cause });
    }
  }
}

/** ClickHouse's code stands under one name in errors of queries, and under another in errors of inserts. */
function codeOf(error: unknown): number | undefined {
  const { code, clickhouseCode } = error as { readonly code?: unknown; readonly clickhouseCode?: unknown };
  if (typeof clickhouseCode === 'number') return clickhouseCode;
  return typeof code === 'string' && /^\d+$/.test(code) ? Number(code) : undefined;
}
