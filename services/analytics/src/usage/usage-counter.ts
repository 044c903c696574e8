import type { Engine } from '../engine/engine.js';
import { countSql, rangesOf, type BucketRange, type Rollup } from './rollup.js';

/** Seconds after which an insert that made a mark has ended, well above the limit of inserts: then its events are there, or never. */
export const SETTLED_SECONDS = 120;

/** Times of the database, as text: six decimals are more than a number holds. */
interface Moment {
  readonly now: string;
  readonly through: string;
}

/**
 * Counts what has been marked since the last time. A mark may be seen before its events: so each is looked at a second time when its
 * insert must have ended. Safe on any number of replicas at once, and to repeat: a count only ever gives way to a larger one.
 */
export class UsageCounter {
  readonly #engine: Engine;
  readonly #rollup: Rollup;

  constructor(engine: Engine, rollup: Rollup) {
    this.#engine = engine;
    this.#rollup = rollup;
  }

  /**
   * Counts all buckets with new marks.
   * @returns how many statements that took
   * @throws EngineError; then nothing is forgotten
   */
  async run(): Promise<number> {
    const moment = await this.#moment();
    const ranges = await this.#marked(moment);
    for (const range of ranges) await this.#count(range);
    if (ranges.length > 0) await this.#remember(moment);
    return ranges.length;
  }

  /** Counts every bucket that has events. For a database that was filled in another way than by inserts of events. */
  async recount(): Promise<number> {
    const { bucketSeconds } = this.#rollup;
    const moment = await this.#moment();
    const rows = await this.#engine.query(
      `SELECT DISTINCT tenant, intDiv(toUnixTimestamp(occurred_at), {bucket:UInt32}) * {bucket:UInt32} AS start FROM events
       ORDER BY tenant, start`,
      { bucket: bucketSeconds },
    );
    const ranges = rangesOf(rows.map(startOf), bucketSeconds);
    for (const range of ranges) await this.#count(range);
    await this.#remember(moment);
    return ranges.length;
  }

  async #moment(): Promise<Moment> {
    const [row] = await this.#engine.query(
      `SELECT toString(now64(6, 'UTC')) AS now, toString(max(through)) AS through FROM usage_progress
       WHERE rollup = {rollup:String}`,
      { rollup: this.#rollup.table },
    );
    return row as Moment;
  }

  async #marked({ now, through }: Moment): Promise<BucketRange[]> {
    const { bucketSeconds } = this.#rollup;
    const rows = await this.#engine.query(
      `WITH toDateTime64({now:String}, 6, 'UTC') AS now, toDateTime64({through:String}, 6, 'UTC') AS through
       SELECT DISTINCT tenant, intDiv(toUnixTimestamp(minute), {bucket:UInt32}) * {bucket:UInt32} AS start FROM usage_marks
       WHERE marked_at > through - toIntervalSecond({settled:UInt32}) AND marked_at <= now
         AND (marked_at > through OR marked_at <= now - toIntervalSecond({settled:UInt32}))
       ORDER BY tenant, start`,
      { now, through, bucket: bucketSeconds, settled: SETTLED_SECONDS },
    );
    return rangesOf(rows.map(startOf), bucketSeconds);
  }

  #count({ tenant, from, to }: BucketRange): Promise<void> {
    return this.#engine.command(countSql(this.#rollup), { tenant, from, to });
  }

  #remember({ now }: Moment): Promise<void> {
    return this.#engine.command(`INSERT INTO usage_progress SETTINGS async_insert = 0 VALUES ({rollup:String}, {now:String})`, {
      rollup: this.#rollup.table,
      now,
    });
  }
}

function startOf(row: unknown): { tenant: string; start: number } {
  const { tenant, start } = row as { readonly tenant: string; readonly start: number | string };
  return { tenant, start: Number(start) };
}
