import { BUCKETS, type ApiKeyRecord } from '@switchyard/contracts';
import type { KvStore, State } from '@switchyard/state';
import type { KeyRegister } from './key-register.js';

const MARK = 'first-admin-key';
const CLAIM_MS = 60_000;

/** Who is making the first key, or that it was made. */
interface Mark {
  readonly done: boolean;
  readonly claimedAtMs: number;
  /** Key that the claimant stored; ended if the claimant died before anyone was shown it. */
  readonly keyId?: string;
}

/**
 * Makes the first admin key at the very first start, once over all replicas, and hands its text to `show`. A start that died on
 * the way is made good by the next one after a minute.
 * @param o.show prints or stores the text; it is kept nowhere else
 * @returns the key, where this start made it
 */
export async function ensureFirstAdminKey(o: {
  readonly state: State;
  readonly tenant: string;
  readonly register: KeyRegister;
  readonly clock: { now(): number };
  readonly show: (text: string) => void | Promise<void>;
}): Promise<ApiKeyRecord | undefined> {
  const bucket = await o.state.bucket(BUCKETS.signingKeys, o.tenant);
  const claim = await claimMark(bucket, o.clock.now());
  if (claim === undefined) return undefined;
  if (claim.abandonedKeyId !== undefined) await o.register.revoke(claim.abandonedKeyId);
  const { text, record } = await o.register.create({ name: 'first admin key', servers: ['*'], roles: ['admin'] });
  const stored = await bucket.update(MARK, encode({ done: false, claimedAtMs: o.clock.now(), keyId: record.id }), claim.revision);
  if (!stored.ok) {
    await o.register.revoke(record.id);
    return undefined;
  }
  await o.show(text);
  await bucket.put(MARK, encode({ done: true, claimedAtMs: o.clock.now(), keyId: record.id }));
  return record;
}

interface Claim {
  readonly revision: number;
  readonly abandonedKeyId?: string;
}

async function claimMark(bucket: KvStore, nowMs: number): Promise<Claim | undefined> {
  const mine = encode({ done: false, claimedAtMs: nowMs });
  const created = await bucket.create(MARK, mine);
  if (created.ok) return { revision: created.revision };
  const entry = await bucket.get(MARK);
  if (entry === undefined) return undefined;
  const mark = JSON.parse(Buffer.from(entry.value).toString('utf8')) as Mark;
  if (mark.done || nowMs - mark.claimedAtMs < CLAIM_MS) return undefined;
  const taken = await bucket.update(MARK, mine, entry.revision);
  if (!taken.ok) return undefined;
  return { revision: taken.revision, ...(mark.keyId === undefined ? {} : { abandonedKeyId: mark.keyId }) };
}

const encode = (mark: Mark) => Buffer.from(JSON.stringify(mark), 'utf8');
