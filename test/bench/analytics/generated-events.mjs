import { COLUMNS, selectEvents } from './generated-columns.mjs';

/** Of a part. An insert makes two, by two threads, in 2.5 GB of memory. */
const partRows = 1_000_000;
const insertRows = 2 * partRows;

/**
 * Fills `events`, and what views make of inserts. Parts are as large as merges make them in a month that goes on, and none is merged here: months
 * that are over are, when all is made.
 * @param engine chDB or a server, with the tables of analytics
 * @param o rows in all, when the first one happened, and how many are there already
 * @param onProgress told how many there are; resolves to whether to go on
 */
export async function generateEvents(engine, { rows, firstMs, made }, onProgress) {
  await engine.command('SYSTEM STOP MERGES events');
  for (let from = made; from < rows; from += insertRows) {
    const count = Math.min(insertRows, rows - from);
    // As inserts of events are: not searched for repeats.
    await engine.command(
      `INSERT INTO events (${Object.keys(COLUMNS).join(', ')}) ${selectEvents()}
       SETTINGS max_threads = 2, max_insert_threads = 2, max_block_size = ${partRows}, max_insert_block_size = ${partRows},
         min_insert_block_size_rows = ${partRows}, min_insert_block_size_bytes = 0, async_insert = 0, optimize_on_insert = 0,
         max_partitions_per_insert_block = 0`,
      { rows, first: firstMs, from, count },
    );
    if (!(await onProgress(from + count))) return;
  }
}
