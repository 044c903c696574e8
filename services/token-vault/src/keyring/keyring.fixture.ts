import { BUCKETS } from '@switchyard/contracts';
import type { State } from '@switchyard/state';
import { randomBytes } from 'node:crypto';
import { KeyEncryptionKey } from '../key-encryption-key.js';
import type { Kms } from '../kms/kms.js';
import { KmsHealth } from '../kms/kms-health.js';
import { LocalKey } from '../kms/local-key.js';
import { Keyring } from './keyring.js';

/** A key of a key file that nobody else has. */
export const newLocalKey = () => new LocalKey(new KeyEncryptionKey(randomBytes(32)));

/** A tenant's keyring in a store. */
export async function openKeyring(
  state: State,
  o: { readonly tenant: string; readonly kms: Kms; readonly clock: { now(): number }; readonly cacheMs?: number },
): Promise<Keyring> {
  const kv = await state.bucket(BUCKETS.dataKeys, o.tenant);
  return new Keyring({ ...o, kv, health: new KmsHealth(o.kms, o.clock), cacheMs: o.cacheMs ?? 600_000 });
}
