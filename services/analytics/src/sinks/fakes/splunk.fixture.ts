import type { FakeProduct } from './fake-product.fixture.js';
import { startReceiver, type Reply } from './http-receiver.fixture.js';

const TOKEN = '5db0a0a5-7b1e-4c0d-9d6d-6f3c8f9a0b1c';

/** Splunk: HTTP Event Collector with indexer acknowledgement. */
export interface FakeSplunk extends FakeProduct {
  /** Whether acknowledgements come. */
  acknowledges: boolean;
}

interface HecEvent {
  readonly event?: { readonly event_id: string };
  readonly fields?: { readonly event_id: string };
}

/** Starts one that takes 1 MB a request. */
export async function startSplunk(): Promise<FakeSplunk> {
  const taken: string[] = [];
  const acknowledgements = new Map<string, number>();
  const reject = (status: number, code: number, text: string, more = {}): Reply => ({ status, body: { text, code, ...more } });

  const take = (channel: string, body: string): Reply => {
    if (Buffer.byteLength(body) > 1_000_000) return { status: 413 };
    const events = body.split('\n').map((line) => JSON.parse(line) as HecEvent);
    const wrong = events.findIndex(({ event }) => event === undefined || fake.poison?.(event.event_id));
    if (wrong !== -1) return reject(400, 6, 'Invalid data format', { 'invalid-event-number': wrong });
    taken.push(...events.map(({ fields }) => fields?.event_id ?? ''));
    const ackId = acknowledgements.get(channel) ?? 0;
    acknowledgements.set(channel, ackId + 1);
    return { status: 200, body: { text: 'Success', code: 0, ackId } };
  };

  const acknowledge = (channel: string, body: string): Reply => {
    const { acks } = JSON.parse(body) as { acks: number[] };
    const known = acknowledgements.get(channel) ?? 0;
    const said = acks.map((id): [string, boolean] => [String(id), fake.acknowledges && id < known]);
    return { status: 200, body: { acks: Object.fromEntries(said) } };
  };

  const receiver = await startReceiver((request) => {
    const fault = fake.fault?.(request);
    if (fault !== undefined) return fault;
    if (request.headers.authorization !== `Splunk ${TOKEN}`) return reject(403, 4, 'Invalid token');
    const channel = request.headers['x-splunk-request-channel'];
    if (typeof channel !== 'string') return reject(400, 10, 'Data channel is missing');
    if (request.path === '/services/collector/event') return take(channel, request.body);
    return request.path === '/services/collector/ack' ? acknowledge(channel, request.body) : { status: 404 };
  });
  const fake: FakeSplunk = {
    settings: { url: receiver.url, token: '${env:TOKEN}' },
    secrets: { '/token': TOKEN },
    taken: () => taken,
    fault: undefined,
    acknowledges: true,
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
  return fake;
}
