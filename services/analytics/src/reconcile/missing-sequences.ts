import { z } from 'zod';
import type { Engine } from '../engine/engine.js';
import { type Range, rangesOf } from './ranges.js';

/** Sequences that a row of `event_sequences` speaks of. */
const PART = 65_536;

const decimal = z.coerce.number();
const partRow = z.object({ emitter: z.string(), epoch: decimal, part: decimal, count: decimal, greatest: decimal });
const absentRow = z.object({ absent: z.array(z.coerce.number()) });

/** What the database has of one boot of an emitter. */
export interface Present {
  readonly emitter: string;
  readonly epoch: number;
  /** Greatest sequence. */
  readonly greatest: number;
  /** By part: how many, and up to which place in it. */
  readonly parts: ReadonlyMap<number, { readonly count: number; readonly greatest: number }>;
}

/** Which sequences the database has, of every emitter and boot, by `<emitter>/<epoch>`. @throws EngineError */
export async function readPresent(engine: Engine): Promise<Map<string, Present>> {
  const rows = await engine.query(
    `SELECT emitter, epoch, part, bitmapCardinality(all) AS count, bitmapMax(all) AS greatest
     FROM (SELECT emitter, epoch, part, groupBitmapMergeState(seen) AS all FROM event_sequences GROUP BY emitter, epoch, part)`,
  );
  const found = new Map<
    string,
    Present & { greatest: number; readonly parts: Map<number, { count: number; greatest: number }> }
  >();
  for (const { emitter, epoch, part, count, greatest } of rows.map((row) => partRow.parse(row))) {
    const key = `${emitter}/${epoch}`;
    let present = found.get(key);
    if (present === undefined) found.set(key, (present = { emitter, epoch, greatest: 0, parts: new Map() }));
    present.parts.set(part, { count, greatest });
    present.greatest = Math.max(present.greatest, part * PART + greatest);
  }
  return found;
}

/**
 * Which sequences from 1 to `through` the database has not.
 * @throws EngineError
 */
export async function findMissing(engine: Engine, present: Omit<Present, 'greatest'>, through: number): Promise<Range[]> {
  const { emitter, epoch, parts } = present;
  const missing: Range[] = [];
  for (let part = 0; part * PART <= through; part++) {
    const low = part === 0 ? 1 : 0;
    const high = Math.min(PART - 1, through - part * PART);
    const has = parts.get(part);
    if (high < low || (has !== undefined && has.greatest <= high && has.count === high - low + 1)) continue;
    const base = part * PART;
    if (has === undefined) missing.push({ first: base + low, last: base + high });
    else missing.push(...(await absentIn(engine, { emitter, epoch, part, low, high })).map((place) => at(base, place)));
  }
  return rangesOf(missing);
}

const at = (base: number, { first, last }: Range): Range => ({ first: base + first, last: base + last });

async function absentIn(
  engine: Engine,
  place: { readonly emitter: string; readonly epoch: number; readonly part: number; readonly low: number; readonly high: number },
): Promise<Range[]> {
  const [row] = await engine.query(
    `SELECT arraySort(bitmapToArray(bitmapAndnot(bitmapBuild(range({low:UInt32}, toUInt32({high:UInt32} + 1))), groupBitmapMergeState(seen)))) AS absent
     FROM event_sequences
     WHERE emitter = {emitter:String} AND epoch = {epoch:UInt64} AND part = {part:UInt64}`,
    place,
  );
  return rangesOf(absentRow.parse(row).absent);
}
