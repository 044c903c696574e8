import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { BUCKETS } from '@switchyard/contracts';
import type { KvStore, State } from '@switchyard/state';

/** Private keys of the authorization server. Equal on all replicas. */
export interface ServerKeys {
  /** ES256 signing keys as private JWKs (RFC 7517); the first one signs. */
  readonly signing: readonly JsonWebKey[];
  /** Signs cookies and forms, base64url of 256 random bits. */
  readonly cookieSecret: string;
}

/** Reads the keys, or makes them at the first start. Of several replicas that start at once, one makes them and all agree. */
export async function openServerKeys(state: State, tenant: string): Promise<ServerKeys> {
  const bucket = await state.bucket(BUCKETS.signingKeys, tenant);
  const signing = await readOrCreate(bucket, 'signing', () => ({ keys: [generateSigningKey()] }));
  const cookies = await readOrCreate(bucket, 'cookies', () => ({ secret: randomBytes(32).toString('base64url') }));
  return { signing: signing.keys, cookieSecret: cookies.secret };
}

function generateSigningKey(): JsonWebKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' };
}

async function readOrCreate<T>(bucket: KvStore, key: string, make: () => T): Promise<T> {
  const stored = await bucket.get(key);
  if (stored !== undefined) return JSON.parse(Buffer.from(stored.value).toString('utf8')) as T;
  const made = make();
  const created = await bucket.create(key, Buffer.from(JSON.stringify(made), 'utf8'));
  return created.ok ? made : readOrCreate(bucket, key, make);
}
