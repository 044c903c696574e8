import { readCheckpoint, type ChainHead, type CheckpointKey, type SignedCheckpoint } from '@switchyard/audit';
import { z } from 'zod';
import type { Engine } from '../engine/engine.js';

/** How far a chain is signed. */
export interface SealedChain {
  /** The last record that a checkpoint names; sequence 0 where none does. */
  readonly sealed: ChainHead;
  /** The last that one names, up to the wanted sequence. */
  readonly upTo: ChainHead;
  /** Number of the checkpoint that names it. */
  readonly checkpoint: number;
}

/** Nothing of it is signed. */
export const UNSEALED: SealedChain = { sealed: { sequence: 0, link: '' }, upTo: { sequence: 0, link: '' }, checkpoint: 0 };

const HEADS = `SELECT chain, max(sequence) AS sealed, argMax(number, sequence) AS sealed_in,
  maxIf(sequence, sequence <= wanted) AS up_to, argMaxIf(number, sequence, sequence <= wanted) AS up_to_in
FROM (
  SELECT number, tupleElement(head, 1) AS chain, JSONExtractUInt(tupleElement(head, 2), 1) AS sequence,
    transform(chain, JSONExtract({chains:String}, 'Array(String)'), JSONExtract({wanted:String}, 'Array(UInt64)'), toUInt64(0)) AS wanted
  FROM (
    SELECT number, arrayJoin(JSONExtractKeysAndValuesRaw(base64URLDecode(splitByChar('.', jws)[2]), 'heads')) AS head
    FROM checkpoints FINAL WHERE tenant = {tenant:String} AND number <= {through:UInt64}))
WHERE wanted > 0
GROUP BY chain`;
const BY_NUMBER = `SELECT jws FROM checkpoints FINAL
WHERE tenant = {tenant:String} AND has(JSONExtract({numbers:String}, 'Array(UInt64)'), number)`;

const number = z.coerce.number();
const headRow = z.object({ chain: z.string(), sealed: number, sealed_in: number, up_to: number, up_to_in: number });
const jwsRow = z.object({ jws: z.string() });

/**
 * How far chains are signed, by `<emitter>/<epoch>`. The database says which checkpoints say so, and their signatures whether they do.
 * @param wanted up to which sequence of each chain
 * @param through number of the last checkpoint that counts
 * @throws EngineError
 */
export async function readSealedHeads(
  engine: Pick<Engine, 'query'>,
  tenant: string,
  {
    wanted,
    through,
    key,
  }: { readonly wanted: ReadonlyMap<string, number>; readonly through: number; readonly key: CheckpointKey },
): Promise<Map<string, SealedChain>> {
  if (wanted.size === 0) return new Map();
  const params = { tenant, through, chains: JSON.stringify([...wanted.keys()]), wanted: JSON.stringify([...wanted.values()]) };
  const rows = (await engine.query(HEADS, params)).map((row) => headRow.parse(row));
  const numbers = [...new Set(rows.flatMap((row) => [row.sealed_in, row.up_to_in]))];
  const stored = await engine.query(BY_NUMBER, { tenant, numbers: JSON.stringify(numbers) });
  const read = await Promise.all(stored.map((row) => readCheckpoint(jwsRow.parse(row).jws, [key])));
  const signed = new Map(read.flatMap((one) => (one === undefined ? [] : [[one.number, one] as const])));
  return new Map(
    rows.flatMap((row) => {
      const sealed = headIn(signed, row.sealed_in, row.chain, row.sealed);
      if (sealed === undefined) return [];
      const upTo = headIn(signed, row.up_to_in, row.chain, row.up_to) ?? UNSEALED.upTo;
      return [[row.chain, { sealed, upTo, checkpoint: row.up_to_in }]];
    }),
  );
}

function headIn(
  signed: ReadonlyMap<number, SignedCheckpoint>,
  inNumber: number,
  chain: string,
  sequence: number,
): ChainHead | undefined {
  const [said, link] = signed.get(inNumber)?.heads[chain] ?? [];
  return said === sequence && link !== undefined && sequence > 0 ? { sequence, link } : undefined;
}
