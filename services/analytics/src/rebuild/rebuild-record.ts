import type { KvStore } from '@switchyard/state';
import { z } from 'zod';

const recordSchema = z.object({
  id: z.string(),
  state: z.enum(['running', 'done']),
  startedAtMs: z.number(),
  endedAtMs: z.number().optional(),
  /** Newest message when it began: what comes later is ingested anyway. */
  until: z.number(),
  /** Message behind which it goes on. */
  after: z.number(),
  /** Messages that had left the stream. */
  gone: z.number(),
  events: z.number(),
  deadLetters: z.number(),
  checkpoints: z.number(),
  /** When the first event of the first message happened. */
  oldest: z.string().optional(),
});

/** A rebuild of the database from the stream, and how far it is. */
export type RebuildRecord = z.infer<typeof recordSchema>;

/** A record as it was read. */
export interface StoredRecord {
  readonly record: RebuildRecord;
  readonly revision: number;
}

const KEY = 'rebuild';
const encode = (record: RebuildRecord) => Buffer.from(JSON.stringify(record));

/** The newest rebuild, in the state that all replicas share. @throws StateUnavailable */
export async function loadRebuild(kv: KvStore): Promise<StoredRecord | undefined> {
  const entry = await kv.get(KEY);
  if (entry === undefined) return undefined;
  return { record: recordSchema.parse(JSON.parse(Buffer.from(entry.value).toString('utf8'))), revision: entry.revision };
}

/**
 * Moves it on, or begins another.
 * @param revision of the record that it takes the place of; undefined where there is none
 * @returns the new revision; undefined where another replica was first
 * @throws StateUnavailable
 */
export async function saveRebuild(kv: KvStore, record: RebuildRecord, revision: number | undefined): Promise<number | undefined> {
  const value = encode(record);
  const written = await (revision === undefined ? kv.create(KEY, value) : kv.update(KEY, value, revision));
  return written.ok ? written.revision : undefined;
}
