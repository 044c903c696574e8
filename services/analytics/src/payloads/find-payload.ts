import type { LimitedReads } from '../api/limited-reads.js';
import type { EventName } from './event-name.js';

/** What an event says of what was captured with it. */
export interface PayloadReference {
  readonly payloadId: string;
  readonly sha256: string;
}

/** A payload as it is stored. */
export interface StoredPayload {
  readonly keyId: string;
  readonly sealed: Buffer;
}

const dayMs = 24 * 3_600_000;

const EVENT = `SELECT detail['payload'] AS payload_id, detail['payload_sha256'] AS sha256 FROM events
WHERE tenant = {tenant:String} AND emitter = {emitter:String} AND epoch = {epoch:UInt64} AND sequence = {sequence:UInt64}
  AND occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
LIMIT 1`;

const PAYLOAD = `SELECT key_id, ciphertext FROM event_payloads
WHERE tenant = {tenant:String} AND payload_id = {payload_id:String}
LIMIT 1`;

/**
 * What an event refers to; undefined where there is no such event.
 * @throws Problem 503
 */
export async function findReference(
  reads: LimitedReads,
  tenant: string,
  { emitter, epoch, sequence }: EventName,
): Promise<PayloadReference | undefined> {
  // Events lie by time, and one of a boot did not happen before it, unless a clock was set back since.
  for (const from of [Math.max(0, Number(epoch) - dayMs), 0]) {
    const [row] = (await reads.rows({ text: EVENT, params: { tenant, emitter, epoch, sequence, from } })) as readonly {
      readonly payload_id: string;
      readonly sha256: string;
    }[];
    if (row !== undefined) return { payloadId: row.payload_id, sha256: row.sha256 };
  }
  return undefined;
}

/** What is stored of it; undefined where that is nothing, yet or any more. @throws Problem 503 */
export async function findPayload(reads: LimitedReads, tenant: string, payloadId: string): Promise<StoredPayload | undefined> {
  const [row] = (await reads.rows({ text: PAYLOAD, params: { tenant, payload_id: payloadId } })) as readonly {
    readonly key_id: string;
    readonly ciphertext: string;
  }[];
  return row && { keyId: row.key_id, sealed: Buffer.from(row.ciphertext, 'base64') };
}
