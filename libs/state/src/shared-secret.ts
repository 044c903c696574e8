import { randomBytes } from 'node:crypto';
import type { KvStore } from './kv.js';

const BYTES = 32;

/** A secret of 256 bits that everyone finds under a key; the first who asks makes it. @throws StateUnavailable */
export async function openSharedSecret(bucket: KvStore, key: string): Promise<Uint8Array> {
  for (;;) {
    const found = await bucket.get(key);
    if (found !== undefined) return found.value;
    const secret = randomBytes(BYTES);
    if ((await bucket.create(key, secret)).ok) return secret;
  }
}
