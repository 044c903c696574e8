import { createChdbConnection, type ChdbConnection } from 'chdb/connection';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { countLines } from './count-lines.js';
import { parsedColumns, type ParsedColumns } from './parsed-columns.js';
import { EngineError, INSERT_SETTINGS, type Engine, type QueryParams } from './engine.js';

const incoming = /^incoming-\d+\.jsonl$/;
const literal = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
const insertSettings = Object.entries(INSERT_SETTINGS)
  .map(([name, value]) => `${name} = ${typeof value === 'number' ? value : literal(value)}`)
  .join(', ');
// One block per insert, also where rows are selected; and a token that is not heeded is an error.
const selectSettings = `max_block_size = ${INSERT_SETTINGS.max_insert_block_size}, max_threads = 1, max_insert_threads = 1,
  parallelize_output_from_storages = 0, deduplicate_insert_select = 'force_enable'`;

/**
 * ClickHouse's engine as a library in this process. A process has one database folder open at a time, and a connection does one statement
 * after the other: inserts have one of their own, so that no question keeps events from being stored. They have no parameters, which
 * the library takes for one statement at a time on whichever connection.
 */
export class EmbeddedEngine implements Engine {
  readonly #connection: ChdbConnection;
  readonly #inserting: ChdbConnection;
  readonly #dir: string;
  readonly #columns = new Map<string, Promise<ParsedColumns>>();
  #inserts = 0;

  private constructor(connection: ChdbConnection, inserting: ChdbConnection, dir: string) {
    this.#connection = connection;
    this.#inserting = inserting;
    this.#dir = dir;
  }

  /**
   * Opens a folder, making it where it is missing.
   * @throws EngineError where it cannot be opened
   */
  static async open(dir: string): Promise<EmbeddedEngine> {
    const absolute = path.resolve(dir);
    try {
      const engine = new EmbeddedEngine(createChdbConnection({ path: dir }), createChdbConnection({ path: dir }), absolute);
      await mkdir(absolute, { recursive: true });
      const leftovers = (await readdir(absolute)).filter((name) => incoming.test(name));
      await Promise.all(leftovers.map((name) => rm(path.join(absolute, name), { force: true })));
      return engine;
    } catch (cause) {
      throw new EngineError(`the database at ${dir} cannot be opened`, undefined, { cause });
    }
  }

  async command(sql: string, params: QueryParams = {}): Promise<void> {
    await this.#run(() => this.#connection.command({ query: sql, query_params: params }));
    this.#columns.clear();
  }

  async query(sql: string, params: QueryParams = {}): Promise<readonly unknown[]> {
    const settings = { default_format: 'JSONEachRow' } as const;
    const request = { query: sql, query_params: params, clickhouse_settings: settings };
    return this.#rows(() => this.#connection.query(request));
  }

  async insertLines(table: string, lines: Uint8Array, token: string): Promise<number> {
    const rows = countLines(lines);
    if (rows === 0) return 0;
    const { names, structure } = await this.#columnsOf(table);
    await this.#insert(lines, token, (file, settings) => {
      const source = `file(${file}, 'JSONEachRow', ${literal(structure)})`;
      return `INSERT INTO ${table} (${names}) SELECT ${names} FROM ${source} ${settings}, ${selectSettings}`;
    });
    return rows;
  }

  async insertTexts(table: string, column: string, lines: Uint8Array, token: string): Promise<void> {
    if (lines.length === 0) return;
    await this.#insert(
      lines,
      token,
      (file, settings) => `INSERT INTO ${table} (${column}) FROM INFILE ${file} ${settings} FORMAT LineAsString`,
    );
  }

  async ready(): Promise<boolean> {
    const { success } = await this.#inserting.ping({ select: true });
    return success;
  }

  async close(): Promise<void> {
    await this.#inserting.close();
    await this.#connection.close();
  }

  // By way of a file: bytes stay bytes, and reading them from a file takes the engine less than half of the time that it takes with
  // rows inside of the statement (measured). Nothing of it needs to outlive the insert.
  async #insert(lines: Uint8Array, token: string, statement: (file: string, settings: string) => string): Promise<void> {
    this.#inserts += 1;
    const file = path.join(this.#dir, `incoming-${this.#inserts}.jsonl`);
    try {
      await this.#write(file, lines);
      // In the statement: what is given beside it would hold for all that come after it on this connection, the token too.
      const settings = `SETTINGS ${insertSettings}, insert_deduplication_token = ${literal(token)}`;
      await this.#run(() => this.#inserting.command({ query: statement(literal(file), settings) }));
    } finally {
      await rm(file, { force: true });
    }
  }

  /** Read again after every command, which may have changed a table: no other process has it open. */
  #columnsOf(table: string): Promise<ParsedColumns> {
    const known = this.#columns.get(table) ?? parsedColumns((sql) => this.#beforeInsert(sql), table);
    this.#columns.set(table, known);
    known.catch(() => this.#columns.delete(table));
    return known;
  }

  /** On the connection of inserts: on the other one, an expensive question would keep events from being stored (X7). */
  #beforeInsert(sql: string): Promise<readonly unknown[]> {
    return this.#rows(() => this.#inserting.query({ query: `${sql} FORMAT JSONEachRow` }));
  }

  async #rows(ask: () => ReturnType<ChdbConnection['query']>): Promise<readonly unknown[]> {
    const { stream } = await this.#run(ask);
    const lines = (await text(stream)).split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as unknown);
  }

  async #write(file: string, lines: Uint8Array): Promise<void> {
    try {
      await writeFile(file, lines, { mode: 0o600 });
    } catch (cause) {
      throw new EngineError('lines could not be put beside the database', undefined, { cause });
    }
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
