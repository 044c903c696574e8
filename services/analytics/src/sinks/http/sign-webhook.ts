import { createHmac } from 'node:crypto';
import { Misconfigured } from '../sink.js';

const PREFIX = 'whsec_';

/** The key of a webhook's signatures, from how it is written. @throws Misconfigured */
export function webhookKey(secret: string): Buffer {
  const text = secret.trim();
  const key = Buffer.from(text.startsWith(PREFIX) ? text.slice(PREFIX.length) : '', 'base64');
  if (key.length >= 24 && key.length <= 64) return key;
  throw new Misconfigured(`the secret of a webhook must be "${PREFIX}" and 24 to 64 bytes in base64`);
}

/** Header fields of a request that is signed as Standard Webhooks 1.0 says. @param id the same however often it is sent */
export function signedFields(key: Buffer, id: string, body: string, nowMs: number): Record<string, string> {
  const atSeconds = Math.floor(nowMs / 1000);
  const signature = createHmac('sha256', key).update(`${id}.${atSeconds}.${body}`).digest('base64');
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(atSeconds),
    'webhook-signature': `v1,${signature}`,
  };
}
