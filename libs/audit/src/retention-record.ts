import type { JWK } from 'jose';
import { z } from 'zod';
import { readSignedJson, signJson } from './signed-json.js';

/** First and last sequence that were deleted, the link of the record before the first, and that of the last. */
const range = z.tuple([z.int().positive(), z.int().positive(), z.string(), z.string()]);

const recordSchema = z.strictObject({
  /** Id of the deletion, as its events have it. */
  id: z.string(),
  /** When it was about to be made. */
  at: z.iso.datetime(),
  /** What had arrived before this time was to be deleted. */
  cut: z.iso.datetime(),
  /** By `<emitter>/<epoch>`. */
  ranges: z.record(z.string(), z.array(range)),
});

/** Exact lines that retention has deleted: with it a trail that lacks them can be verified, and one that lacks others cannot. */
export type RetentionRecord = z.output<typeof recordSchema>;

/** Range of a record: first and last sequence, the link before the first, the link of the last. */
export type DeletedRange = z.output<typeof range>;

const TYPE = 'switchyard-retention';

/** Signs a record with the key of checkpoints. @param key private JWK */
export function signRetentionRecord(record: RetentionRecord, key: JWK): Promise<string> {
  return signJson(TYPE, record, key);
}

/** Reads a record. @returns undefined where none of the keys has signed it, or what is signed is no record */
export async function readRetentionRecord(jws: string, keys: readonly JWK[]): Promise<RetentionRecord | undefined> {
  for (const key of keys) {
    const record = recordSchema.safeParse(await readSignedJson(TYPE, jws, key));
    if (record.success) return record.data;
  }
  return undefined;
}
