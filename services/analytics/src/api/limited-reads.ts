import { Problem } from '@switchyard/admin-api';
import { EngineError, type Engine, type QueryParams } from '../engine/engine.js';

/** A query with its values apart. */
export interface Sql {
  readonly text: string;
  readonly params: QueryParams;
  /**
   * Whether rows that are sorted by person may answer it; false unless told. The engine takes them wherever they have fewer granules than the
   * table, which is so by chance where nobody is asked for, and then cannot read in the order of time.
   */
  readonly isOfPerson?: boolean;
}

/** What a query may take. Beyond it the query ends, and ingestion goes on unhindered. */
export const READ_LIMITS = { seconds: 10, memoryBytes: 2 * 1024 ** 3, rows: 10_001, atOnce: 4, waiting: 64 } as const;

// Without read_in_order_use_buffering = 0, "the newest hundred" reads a million rows (measured). With optimize_move_to_prewhere_if_final a
// condition over the sorting key, which equal rows share, is tested before other columns are read. With one row for each thread of reading, also
// some rows here and there of a large part are read by two threads: a page of them is a quarter sooner there. The last two are how 64-bit numbers
// and times look in ProtoJSON.
const SETTINGS = `SETTINGS max_execution_time = ${READ_LIMITS.seconds}, timeout_overflow_mode = 'throw',
  max_memory_usage = ${READ_LIMITS.memoryBytes}, max_threads = 2, max_result_rows = ${READ_LIMITS.rows}, result_overflow_mode = 'throw',
  read_in_order_use_buffering = 0, optimize_move_to_prewhere_if_final = 1,
  merge_tree_min_rows_for_concurrent_read = 1, merge_tree_min_bytes_for_concurrent_read = 1, date_time_output_format = 'iso', output_format_json_quote_64bit_integers = 1`;

const tooLong = {
  detail: `The query took longer than the ${READ_LIMITS.seconds} s that it may take (query_seconds). Narrow it, for example with from and to.`,
  limit: { name: 'query_seconds', allowed: READ_LIMITS.seconds },
};
const tooMuchMemory = {
  detail: `The query needed more than the ${READ_LIMITS.memoryBytes / 1024 ** 3} GiB of memory that it may have (query_memory_bytes). Narrow it, or group by less.`,
  limit: { name: 'query_memory_bytes', allowed: READ_LIMITS.memoryBytes },
};
const tooManyRows = {
  detail: `The query has more than the ${READ_LIMITS.rows - 1} rows that an answer may have (result_rows). Narrow it, or group by less.`,
  limit: { name: 'result_rows', allowed: READ_LIMITS.rows - 1 },
};
const tooManyAtOnce = {
  detail: `${READ_LIMITS.atOnce} queries run and ${READ_LIMITS.waiting} wait already, which is as many as may (concurrent_queries). Try again.`,
  limit: { name: 'concurrent_queries', allowed: READ_LIMITS.atOnce },
};

/** By ClickHouse's code: TOO_MANY_ROWS, TIMEOUT_EXCEEDED, TOO_SLOW, MEMORY_LIMIT_EXCEEDED, TOO_MANY_ROWS_OR_BYTES. */
const EXCEEDED = new Map([
  [158, tooManyRows],
  [159, tooLong],
  [160, tooLong],
  [241, tooMuchMemory],
  [396, tooManyRows],
]);

/** The one way from the API to the database: few queries at a time, each within limits, and of one tenant's rows. */
export class LimitedReads {
  readonly #engine: Pick<Engine, 'query'>;
  readonly #settings: string;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** @param rowFilter as `rowFilter()` has it; without it nothing but the queries keeps them to a tenant */
  constructor(engine: Pick<Engine, 'query'>, rowFilter?: string) {
    this.#engine = engine;
    this.#settings = rowFilter === undefined ? SETTINGS : `${SETTINGS}, ${rowFilter}`;
  }

  /**
   * Runs a query, which has no SETTINGS of its own.
   * @throws Problem 503 naming the limit that it has met, or saying that the database is away
   * @throws EngineError where the query itself is wrong
   */
  async rows({ text, params, isOfPerson = false }: Sql): Promise<readonly unknown[]> {
    // Of two clauses ClickHouse takes the first.
    if (/\bSETTINGS\b/i.test(text)) throw new Error('a query of the API has settings of its own');
    await this.#begin();
    try {
      return await this.#engine.query(`${text}\n${this.#settings}, optimize_use_projections = ${Number(isOfPerson)}`, params);
    } catch (error) {
      throw error instanceof EngineError ? problemOf(error) : error;
    } finally {
      this.#end();
    }
  }

  async #begin(): Promise<void> {
    if (this.#running < READ_LIMITS.atOnce) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= READ_LIMITS.waiting)
      throw new Problem(503, { reason: 'too_many_queries', ...tooManyAtOnce, headers: { 'retry-after': '1' } });
    // Whoever ends hands its place on.
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #end(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}

function problemOf(error: EngineError): Problem | EngineError {
  const exceeded = error.code === undefined ? undefined : EXCEEDED.get(error.code);
  if (exceeded !== undefined) return new Problem(503, { reason: 'query_too_expensive', ...exceeded });
  // What the engine answered is a fault of ours, for the log and not for the client.
  if (error.code !== undefined) return error;
  const detail = 'The database of the audit trail cannot be reached at the moment; events are kept until it can. Try again.';
  return new Problem(503, { reason: 'unavailable', detail, headers: { 'retry-after': '5' } });
}
