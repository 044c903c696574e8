import {
  readRetentionRecord,
  signRetentionRecord,
  type CheckpointKey,
  type DeletedRange,
  type RetentionRecord,
} from '@switchyard/audit';
import type { Engine } from '../engine/engine.js';

/** More would make lines that are hard to handle. */
const MOST_RANGES = 1_000;

/** What retention has deleted of the exact lines of a tenant, signed, in the table `retention_records`. */
export class RetentionRecords {
  readonly #engine: Engine;
  readonly #tenant: string;
  readonly #key: CheckpointKey;

  constructor(engine: Engine, tenant: string, key: CheckpointKey) {
    this.#engine = engine;
    this.#tenant = tenant;
    this.#key = key;
  }

  /** Signs and keeps what is about to be deleted, in as many records as it takes. @returns how many @throws EngineError */
  async keep(about: Omit<RetentionRecord, 'ranges'>, ranges: ReadonlyMap<string, readonly DeletedRange[]>): Promise<number> {
    const records = inParts(ranges);
    const rows = await Promise.all(
      records.map(async (part, index) => ({
        tenant: this.#tenant,
        id: about.id,
        part: index,
        at: about.at,
        jws: await signRetentionRecord({ ...about, ranges: part }, this.#key),
      })),
    );
    const lines = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    await this.#engine.insertLines('retention_records', lines, `retention ${this.#tenant} ${about.id}`);
    return rows.length;
  }

  /** Every record, as it was signed, oldest first. @throws EngineError */
  async all(): Promise<{ readonly jws: string; readonly record: RetentionRecord }[]> {
    const rows = (await this.#engine.query(
      'SELECT jws FROM retention_records FINAL WHERE tenant = {tenant:String} ORDER BY at, id, part',
      { tenant: this.#tenant },
    )) as { jws: string }[];
    const read = await Promise.all(rows.map(async ({ jws }) => ({ jws, record: await readRetentionRecord(jws, [this.#key]) })));
    return read.flatMap(({ jws, record }) => (record === undefined ? [] : [{ jws, record }]));
  }
}

function inParts(ranges: ReadonlyMap<string, readonly DeletedRange[]>): RetentionRecord['ranges'][] {
  const parts: RetentionRecord['ranges'][] = [];
  let room = 0;
  for (const [chain, of] of ranges)
    for (const range of of) {
      if (room === 0) {
        parts.push({});
        room = MOST_RANGES;
      }
      const part = parts.at(-1)!;
      (part[chain] ??= []).push(range);
      room -= 1;
    }
  return parts;
}
