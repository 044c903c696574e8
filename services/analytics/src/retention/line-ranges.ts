import { firstLink, linkOf, type DeletedRange } from '@switchyard/audit';
import { z } from 'zod';
import { chainOf, epochOf } from '../checkpoints/trail-lines.js';
import type { Engine } from '../engine/engine.js';
import { rangesOf, type Range } from '../reconcile/ranges.js';
import type { Condition } from './hold.js';

const PART = 65_536;
const decimal = z.coerce.number();
const partRow = z.object({ emitter: z.string(), epoch: decimal, part: decimal, rows: decimal, first: decimal, last: decimal });
const placesRow = z.object({ places: z.array(decimal) });
const lineRow = z.object({ emitter: z.string(), epoch: decimal, sequence: decimal, line: z.string() });
/** Links that are asked for together. */
const LINKS = 2_000;

/**
 * The runs of lines that a condition means, by `<emitter>/<epoch>`, with the links around them. What is not there is in none of them, so that
 * what somebody else has deleted does not become retention's.
 * @param earlier what was deleted before
 * @throws EngineError
 */
export async function readLineRanges(
  engine: Pick<Engine, 'query'>,
  condition: Condition,
  earlier: (chain: string, last: number) => string | undefined,
): Promise<Map<string, DeletedRange[]>> {
  const parts = await engine.query(
    `SELECT emitter, toUInt64(epoch) AS epoch, intDiv(sequence, ${PART}) AS part, groupBitmap(toUInt32(sequence % ${PART})) AS rows,
       min(sequence) AS first, max(sequence) AS last
     FROM event_lines WHERE ${condition.text} GROUP BY emitter, epoch, part ORDER BY emitter, epoch, part`,
    condition.params,
  );
  const found = new Map<string, (Range | number)[]>();
  for (const row of parts.map((one) => partRow.parse(one))) {
    const chain = chainOf(row);
    const isWhole = row.rows === row.last - row.first + 1;
    found.set(chain, [...(found.get(chain) ?? []), ...(isWhole ? [row] : await placesIn(engine, condition, row))]);
  }
  const ranges = [...found].map(([chain, of]) => ({ chain, ranges: rangesOf(of) }));
  const links = await readLinks(
    engine,
    String(condition.params['tenant']),
    ranges.flatMap(({ chain, ranges: of }) => of.flatMap(({ first, last }) => [`${chain}/${first - 1}`, `${chain}/${last}`])),
  );
  return new Map(
    ranges.map(({ chain, ranges: of }) => {
      const { emitter, epoch } = epochOf(chain);
      const linkAt = (sequence: number) =>
        sequence === 0 ? firstLink(emitter, epoch) : (links.get(`${chain}/${sequence}`) ?? earlier(chain, sequence) ?? '');
      return [chain, of.map(({ first, last }): DeletedRange => [first, last, linkAt(first - 1), linkAt(last)])];
    }),
  );
}

type Part = z.output<typeof partRow>;

async function placesIn(engine: Pick<Engine, 'query'>, condition: Condition, { emitter, epoch, part }: Part): Promise<number[]> {
  const [row] = await engine.query(
    `SELECT arraySort(groupUniqArray(toUInt64(sequence))) AS places FROM event_lines
     WHERE ${condition.text} AND emitter = {emitter:String} AND epoch = {epoch:UInt64}
       AND sequence >= {from:UInt64} AND sequence < {to:UInt64}`,
    { ...condition.params, emitter, epoch, from: part * PART, to: (part + 1) * PART },
  );
  return placesRow.parse(row).places;
}

async function readLinks(engine: Pick<Engine, 'query'>, tenant: string, ids: readonly string[]): Promise<Map<string, string>> {
  const links = new Map<string, string>();
  for (let start = 0; start < ids.length; start += LINKS) {
    const wanted = ids.slice(start, start + LINKS).map((id) => {
      const slash = id.lastIndexOf('/');
      const { emitter, epoch } = epochOf(id.slice(0, slash));
      return [emitter, epoch, Number(id.slice(slash + 1))] as const;
    });
    const rows = await engine.query(
      `SELECT emitter, toUInt64(epoch) AS epoch, toUInt64(sequence) AS sequence, any(line) AS line FROM event_lines
       WHERE tenant = {tenant:String}
         AND (emitter, epoch, sequence) IN arrayZip(JSONExtract({emitters:String}, 'Array(String)'),
           JSONExtract({epochs:String}, 'Array(UInt64)'), JSONExtract({sequences:String}, 'Array(UInt64)'))
       GROUP BY emitter, epoch, sequence`,
      {
        tenant,
        emitters: JSON.stringify(wanted.map(([emitter]) => emitter)),
        epochs: JSON.stringify(wanted.map(([, epoch]) => epoch)),
        sequences: JSON.stringify(wanted.map(([, , sequence]) => sequence)),
      },
    );
    for (const { line, sequence, ...epoch } of rows.map((row) => lineRow.parse(row))) {
      const link = linkOf(line);
      if (link !== undefined) links.set(`${chainOf(epoch)}/${sequence}`, link);
    }
  }
  return links;
}
