/** Values of `{name:Type}` placeholders. The only way that a value gets into a query. */
export type QueryParams = Readonly<Record<string, string | number>>;

/** ClickHouse's engine. Two adapters: HttpEngine (a server) and EmbeddedEngine (a library in this process). */
export interface Engine {
  /**
   * Runs a statement that has no result.
   * @throws EngineError
   */
  command(sql: string, params?: QueryParams): Promise<void>;
  /**
   * Runs a query and returns its rows.
   * @throws EngineError
   */
  query(sql: string, params?: QueryParams): Promise<readonly unknown[]>;
  /**
   * Inserts JSON lines as they are: all of them or none.
   * @param token an insert whose token is known is dropped: it happened before
   * @returns rows that the lines held, when they are on the disk
   * @throws EngineError
   */
  insertLines(table: string, lines: Uint8Array, token: string): Promise<number>;
  /**
   * Inserts lines as texts: each is, byte for byte, what a row has in one column; other columns get their defaults. All of them or none.
   * @param lines none of them empty
   * @param token as of `insertLines`
   * @throws EngineError
   */
  insertTexts(table: string, column: string, lines: Uint8Array, token: string): Promise<void>;
  /** Whether it answers. */
  ready(): Promise<boolean>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** The engine refused a statement, or could not be reached. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  /** ClickHouse's error code; undefined where there was no answer. */
  readonly code: number | undefined;

  constructor(message: string, code: number | undefined, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** How rows are inserted, by both adapters. Nothing is left to defaults: they differ between versions and servers. */
export const INSERT_SETTINGS = {
  // Confirmed means written, not queued in the server's memory.
  async_insert: 0,
  insert_deduplicate: 1,
  // Whoever reads takes each row once anyway, and merges do; to look for repeats within an insert is work for nothing.
  optimize_on_insert: 0,
  // Views see an insert again whose first try broke off between table and view.
  deduplicate_blocks_in_dependent_materialized_views: 1,
  // Merges make them, minutes later, for large parts: a third of the work of an insert, and small parts are read quickly without.
  materialize_skip_indexes_on_insert: 0,
  // What was not confirmed by then never will be: usage_progress counts on it.
  max_execution_time: 60,
  // A column that is not there, a duplicate key or a half-readable line is refused: it becomes a dead letter, not a silent loss.
  input_format_skip_unknown_fields: 0,
  input_format_allow_errors_num: '0',
  input_format_allow_errors_ratio: 0,
  input_format_json_throw_on_bad_escape_sequence: 1,
  input_format_null_as_default: 1,
  input_format_defaults_for_omitted_fields: 1,
  date_time_input_format: 'best_effort',
  // One block per insert: all of it or none.
  input_format_parallel_parsing: 0,
  max_insert_block_size: '1048576',
  min_insert_block_size_rows: '1048576',
  min_insert_block_size_bytes: '268435456',
  max_partitions_per_insert_block: '0',
} as const;
