import type { FakeProduct } from './fake-product.fixture.js';
import { startReceiver, type Reply } from './http-receiver.fixture.js';

const KEY = '0123456789abcdef0123456789abcdef';

/** An entry as it arrived. */
export interface DatadogEntry {
  readonly timestamp: number;
  readonly occurred_at: string;
  readonly event_id: string;
}

/** Datadog, with what it got. */
export interface FakeDatadog extends FakeProduct {
  readonly entries: readonly DatadogEntry[];
}

/** Starts Datadog's intake of logs: 5 MB, 1000 entries and 1 MB each; a 400 says nothing of which entry is at fault. */
export async function startDatadog(): Promise<FakeDatadog> {
  const entries: DatadogEntry[] = [];
  const take = (body: string): Reply => {
    if (Buffer.byteLength(body) > 5_000_000) return { status: 413 };
    const got = JSON.parse(body) as DatadogEntry[];
    if (got.length > 1_000) return { status: 413 };
    if (got.some(({ event_id: id }) => fake.poison?.(id))) return { status: 400 };
    entries.push(...got);
    return { status: 202, body: {} };
  };
  const receiver = await startReceiver((request) => {
    const fault = fake.fault?.(request);
    if (fault !== undefined) return fault;
    if (request.headers['dd-api-key'] !== KEY) return { status: 403 };
    return request.path === '/api/v2/logs' ? take(request.body) : { status: 404 };
  });
  const fake: FakeDatadog = {
    settings: { url: receiver.url, apiKey: '${env:KEY}' },
    secrets: { '/apiKey': KEY },
    entries,
    taken: () => entries.map(({ event_id: id }) => id),
    fault: undefined,
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
  return fake;
}
