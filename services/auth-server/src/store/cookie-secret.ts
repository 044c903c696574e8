import { randomBytes } from 'node:crypto';
import { BUCKETS } from '@switchyard/contracts';
import type { State } from '@switchyard/state';

const KEY = 'cookies';

/** Reads what signs cookies and forms, base64url of 256 random bits, or makes it at the first start. Equal on all replicas. */
export async function openCookieSecret(state: State, tenant: string): Promise<string> {
  const bucket = await state.bucket(BUCKETS.signingKeys, tenant);
  for (;;) {
    const stored = await bucket.get(KEY);
    if (stored !== undefined)
      return (JSON.parse(Buffer.from(stored.value).toString('utf8')) as { readonly secret: string }).secret;
    await bucket.create(KEY, Buffer.from(JSON.stringify({ secret: randomBytes(32).toString('base64url') }), 'utf8'));
  }
}
