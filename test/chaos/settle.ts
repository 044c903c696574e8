import { eventually } from '@switchyard/testing';
import type { AuditApi } from './audit-api.js';
import { Database } from './database.js';
import type { MemberName, ServiceUnderTest } from './fault-kinds.js';
import type { Rig } from './rig.js';
import { readStream, type StreamContent } from './stream-lines.js';

const SETTLE_MS = 180_000;

/** All but the one that stores what the others record. */
const EMITTERS: readonly ServiceUnderTest[] = ['edge-1', 'edge-2', 'auth-server', 'token-vault', 'capability-registry'];

/** How a gateway came to rest. */
export interface Settled {
  readonly disorderly: readonly MemberName[];
  readonly stream: StreamContent;
}

/**
 * Tells every service but analytics to end, which forwards what it has recorded, and waits until the database has what the stream has, and
 * checkpoints and counts of usage cover it.
 * @throws Error where that takes too long; what is missing is in the message
 */
export async function settle(rig: Rig, audit: AuditApi): Promise<Settled> {
  const codes = await Promise.all(EMITTERS.map(async (name) => [name, await rig.services.get(name)!.stop()] as const));
  const disorderly = codes.flatMap(([name, code]) => (code === 0 ? [] : [name]));
  const database = new Database(rig.clickhouseUrl);
  const wait = { timeoutMs: SETTLE_MS, everyMs: 2_000 };
  const stream = await eventually(async () => {
    const content = await readStream(rig.natsUrl);
    const { distinct } = await database.rows();
    if (distinct < content.ids.size) throw new Error(`the database has ${distinct} of ${content.ids.size} events of the stream`);
    return content;
  }, wait).catch(async (error: unknown) => {
    // The checker says which.
    console.log(`not everything arrived: ${String(error)}`);
    return readStream(rig.natsUrl);
  });
  await eventually(async () => {
    const [greatest, signed] = [await database.greatest(), await audit.signed(rig.checkpointCopies)];
    const behind = [...greatest].filter(([key, last]) => !key.startsWith('analytics/') && (signed.get(key) ?? 0) < last);
    if (behind.length > 0) throw new Error(`checkpoints do not cover ${behind.map(([key]) => key).join(', ')}`);
    const { counted, ofCounted } = await database.rows();
    if (counted !== ofCounted) throw new Error(`usage counts ${counted} of ${ofCounted} calls`);
  }, wait).catch((error: unknown) => console.log(String(error)));
  return { disorderly, stream };
}
