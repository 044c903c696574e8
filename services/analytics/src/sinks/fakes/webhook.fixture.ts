import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FakeProduct } from './fake-product.fixture.js';
import { startReceiver, type Received } from './http-receiver.fixture.js';

const KEY = Buffer.alloc(32, 7);

/** Whether a request is signed as Standard Webhooks 1.0 says. */
function isSigned({ headers, body }: Received): boolean {
  const [version, given = ''] = String(headers['webhook-signature']).split(',');
  const content = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  const expected = createHmac('sha256', KEY).update(content).digest();
  const signature = Buffer.from(given, 'base64');
  return version === 'v1' && signature.length === expected.length && timingSafeEqual(signature, expected);
}

/** Starts a receiver of webhooks that takes what is signed. */
export async function startWebhook(): Promise<FakeProduct> {
  const taken: string[] = [];
  const receiver = await startReceiver((request) => {
    const fault = fake.fault?.(request);
    if (fault !== undefined) return fault;
    if (!isSigned(request)) return { status: 401 };
    if (Buffer.byteLength(request.body) > 1024 ** 2) return { status: 413 };
    const { data } = JSON.parse(request.body) as { data: { event_id: string }[] };
    if (data.some(({ event_id: id }) => fake.poison?.(id))) return { status: 422 };
    taken.push(...data.map(({ event_id: id }) => id));
    return { status: 200 };
  });
  const fake: FakeProduct = {
    settings: { url: `${receiver.url}/events`, secret: '${env:SECRET}' },
    secrets: { '/secret': `whsec_${KEY.toString('base64')}` },
    taken: () => taken,
    fault: undefined,
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
  return fake;
}
