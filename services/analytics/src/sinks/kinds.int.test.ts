import { eventually } from '@switchyard/testing';
import { startDatadog } from './fakes/datadog.fixture.js';
import { startElastic } from './fakes/elastic.fixture.js';
import type { FakeProduct } from './fakes/fake-product.fixture.js';
import { startFolder } from './fakes/file.fixture.js';
import type { Received, Reply } from './fakes/http-receiver.fixture.js';
import { startSentinel } from './fakes/sentinel.fixture.js';
import { startSplunk } from './fakes/splunk.fixture.js';
import { startWebhook } from './fakes/webhook.fixture.js';
import { openSinksBench, type SinksBench } from './sinks.fixture.js';

/** Every kind that speaks to a server: one row each. */
const KINDS: readonly { readonly type: string; readonly start: () => Promise<FakeProduct>; readonly deadReason: string }[] = [
  { type: 'webhook', start: startWebhook, deadReason: 'http_422' },
  { type: 'splunk-hec', start: startSplunk, deadReason: 'hec_6' },
  { type: 'elastic', start: startElastic, deadReason: 'elastic_400_document_parsing_exception' },
  { type: 'datadog', start: startDatadog, deadReason: 'http_400' },
  { type: 'sentinel', start: startSentinel, deadReason: 'http_400' },
];

const HOUR_MS = 3_600_000;
const once = (ids: readonly string[]) => [...new Set(ids)];
const place = (id: string) => id.split('/') as [string, string, string];

/** Nothing is missing, nothing is there that was not sent, and what an emitter said is in its order. */
function expectWhole(taken: readonly string[], expected: readonly string[]): void {
  const seen = once(taken);
  expect([...seen].sort()).toEqual([...expected].sort());
  for (const emitter of new Set(expected.map((id) => place(id)[0]))) {
    const sequences = seen.filter((id) => place(id)[0] === emitter).map((id) => Number(place(id)[2]));
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
  }
}

describe.each(KINDS)('sink $type', ({ type, start, deadReason }) => {
  let bench: SinksBench;
  let fake: FakeProduct;
  beforeEach(async () => {
    bench = await openSinksBench('embedded', { isFast: true });
    fake = await start();
  });
  afterEach(async () => {
    await bench[Symbol.asyncDispose]();
    await fake[Symbol.asyncDispose]();
  });

  const configure = async (more: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {}) => {
    await bench.configure({ siem: { type, ...fake.settings }, ...more }, { siem: fake.secrets });
    const count = 1 + Object.keys(more).length;
    await eventually(() => expect(bench.sinks.statuses().filter(({ state }) => state === 'ok')).toHaveLength(count));
  };
  const publishMany = async (batches: number, from = 0) => {
    const ids: string[] = [];
    for (let batch = from; batch < from + batches; batch += 1) {
      ids.push(...(await bench.publish('edge-1', 1 + batch * 20, 20)), ...(await bench.publish('edge-2', 1 + batch * 10, 10)));
    }
    return ids;
  };
  const delivered = (ids: readonly string[]) =>
    eventually(() => expect(once(fake.taken()).length).toBe(ids.length), { timeoutMs: 15_000 });

  it('D8-1 gets every event once, in order, under its id', async () => {
    await configure();
    const ids = await publishMany(5);
    await delivered(ids);
    expectWhole(fake.taken(), ids);
    expect(fake.taken()).toHaveLength(ids.length);
    await eventually(() => expect(bench.sinks.statuses()[0]).toMatchObject({ backlog: 0, oldestMs: 0, delivered: ids.length }));
    const text = await bench.metrics();
    expect(text).toMatch(new RegExp(`^switchyard_sink_delivered_events_total\\{sink="siem".*\\} ${ids.length}$`, 'm'));
    expect(text).not.toMatch(/^switchyard_sink_dropped_batches_total.* [1-9]/m);
  });

  it('D8-2 is down for a day: nothing is missing afterwards, and another sink does not notice', async () => {
    await using folder = await startFolder();
    await configure({ beside: { type: 'file', ...folder.settings } });
    const first = await publishMany(1);
    await delivered(first);
    const startedAtMs = bench.clock.now();
    let refusals = 0;
    const outages: readonly Reply[] = ['reset', { status: 503 }, { status: 500 }];
    fake.fault = () => {
      if (bench.clock.now() - startedAtMs >= 24 * HOUR_MS) return undefined;
      return outages[refusals++ % outages.length];
    };
    const during = await publishMany(10, 1);
    await eventually(() => expect(once(folder.taken())).toHaveLength(first.length + during.length), { timeoutMs: 15_000 });
    await eventually(() => expect(bench.clock.now() - startedAtMs).toBeGreaterThanOrEqual(24 * HOUR_MS), { timeoutMs: 40_000 });
    const all = [...first, ...during];
    await delivered(all);
    expectWhole(fake.taken(), all);
    expectWhole(folder.taken(), all);
    expect(refusals).toBeGreaterThan(20);
    expect(bench.deadLetters).toEqual([]);
    expect(bench.sinks.statuses().map(({ dropped }) => dropped)).toEqual([0, 0]);
  }, 60_000);

  it.each<{ id: string; replies: readonly Reply[]; leastWaitMs?: number }>([
    {
      id: 'D8-3 says 429 and when to come again',
      replies: [{ status: 429, headers: { 'retry-after': '600' } }],
      leastWaitMs: 600_000,
    },
    { id: 'D8-4 says 503 five times', replies: Array.from({ length: 5 }, () => ({ status: 503 })) },
    { id: 'D8-5 cuts the connection', replies: ['reset', 'reset'] },
    { id: 'D8-6 says 413', replies: [{ status: 413 }, { status: 413 }] },
    { id: 'D8-7 forbids it for a time', replies: [{ status: 403 }, { status: 401 }] },
    { id: 'D8-8 sends it elsewhere', replies: [{ status: 307, headers: { location: 'http://127.0.0.1:1/' } }] },
  ])('$id', async ({ replies, leastWaitMs = 0 }) => {
    await configure();
    const rest = [...replies];
    fake.fault = () => rest.shift();
    const atMs = bench.clock.now();
    const ids = await publishMany(3);
    await delivered(ids);
    expectWhole(fake.taken(), ids);
    expect(rest).toEqual([]);
    expect(bench.clock.now() - atMs).toBeGreaterThanOrEqual(leastWaitMs);
    expect(bench.deadLetters).toEqual([]);
  });

  it('D8-9 does not take some events, ever: they are put aside with the reason, and the rest goes on in order', async () => {
    await configure();
    const refused = new Set(['edge-1/1000/7', 'edge-2/1000/3', 'edge-1/1000/21']);
    fake.poison = (id) => refused.has(id);
    const ids = await publishMany(3);
    const good = ids.filter((id) => !refused.has(id));
    await delivered(good);
    expectWhole(fake.taken(), good);
    await eventually(() => expect(bench.deadLetters).toHaveLength(refused.size));
    expect(new Set(bench.deadLetters.map(({ event_id: id }) => id))).toEqual(refused);
    expect(bench.deadLetters[0]).toMatchObject({ sink: 'siem', reason: deadReason });
  });

  it('D5-1 takes hostile text as it is', async () => {
    await configure();
    const capability = 'a\nb|c=d"e\\\u001b[31m\u2028=cmd()\ud800';
    const ids = await bench.publish('edge-1', 1, 3, { capability });
    await delivered(ids);
    expectWhole(fake.taken(), ids);
  });

  it('goes on after a restart from where it was', async () => {
    await configure();
    const before = await publishMany(1);
    await delivered(before);
    await eventually(() => expect(bench.sinks.statuses()[0]?.oldestMs).toBe(0));
    await bench.sinks.close();
    const between = await bench.publish('edge-1', 21, 20);
    await bench.another();
    await delivered([...before, ...between]);
    expectWhole(fake.taken(), [...before, ...between]);
  });
});

describe('what the products say of their own', () => {
  let bench: SinksBench;
  beforeEach(async () => {
    bench = await openSinksBench('embedded', { isFast: true });
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  const configure = async (type: string, fake: FakeProduct, more: Readonly<Record<string, unknown>> = {}) => {
    await bench.configure({ siem: { type, ...fake.settings, ...more } }, { siem: fake.secrets });
    await eventually(() => expect(bench.sinks.statuses()[0]?.state).toBe('ok'));
  };

  it('D8-10 Elastic answers 200 and takes a part: the rest is sent again, what is there already is not doubled', async () => {
    await using fake = await startElastic();
    await configure('elastic', fake);
    fake.partial = 3;
    const bodies: string[] = [];
    fake.fault = ({ body }) => void bodies.push(body);
    const ids = await bench.publish('edge-1', 1, 10);
    await eventually(() => expect(fake.taken()).toEqual(ids));
    expect(bodies.map((body) => body.split('\n').length >> 1)).toEqual([10, 7, 4, 1]);
    // The same events again, as after a crash between delivery and the place: 409 is as good as 201.
    await bench.publish('edge-2', 1, 1);
    await eventually(() => expect(fake.taken()).toHaveLength(11));
  });

  it('D8-11 Splunk takes events and never acknowledges them: they are sent again', async () => {
    await using fake = await startSplunk();
    await configure('splunk-hec', fake);
    fake.acknowledges = false;
    const ids = await bench.publish('edge-1', 1, 5);
    await eventually(() => expect(fake.taken().length).toBeGreaterThanOrEqual(10));
    expect(bench.sinks.statuses()[0]).toMatchObject({ state: 'failing', delivered: 0 });
    fake.acknowledges = true;
    await eventually(() => expect(bench.sinks.statuses()[0]).toMatchObject({ state: 'ok', delivered: 5 }));
    expectWhole(fake.taken(), ids);
  });

  it('D8-12 Splunk without acknowledgement is believed at once', async () => {
    await using fake = await startSplunk();
    await configure('splunk-hec', fake, { acknowledge: false });
    const paths: string[] = [];
    fake.fault = ({ path }: Received) => void paths.push(path);
    const ids = await bench.publish('edge-1', 1, 5);
    await eventually(() => expect(fake.taken()).toEqual(ids));
    expect(new Set(paths)).toEqual(new Set(['/services/collector/event']));
  });

  it('D8-13 Datadog is not told times that it would replace; the true one is beside', async () => {
    await using fake = await startDatadog();
    await configure('datadog', fake);
    const nowMs = bench.clock.now();
    const occurred_at = new Date(nowMs - 30 * HOUR_MS).toISOString();
    await bench.publish('edge-1', 1, 1, { occurred_at });
    await bench.publish('edge-2', 1, 1);
    await eventually(() => expect(fake.entries).toHaveLength(2));
    const [late, fresh] = fake.entries;
    expect([late?.occurred_at, fresh?.timestamp]).toEqual([occurred_at, nowMs]);
    expect(nowMs - (late?.timestamp ?? 0)).toBeLessThan(18 * HOUR_MS);
  });

  it('D8-14 Sentinel: one token for many calls, another when it is not taken any more', async () => {
    await using fake = await startSentinel();
    await configure('sentinel', fake);
    await bench.publish('edge-1', 1, 1);
    await eventually(() => expect(fake.taken()).toHaveLength(1));
    await bench.publish('edge-1', 2, 1);
    await eventually(() => expect(fake.taken()).toHaveLength(2));
    expect(fake.tokens()).toBe(1);
    fake.revokeTokens();
    await bench.publish('edge-1', 3, 1);
    await eventually(() => expect(fake.taken()).toHaveLength(3));
    expect(fake.tokens()).toBe(2);
  });

  it('D8-15 requests keep to the size that each product takes', async () => {
    await using fakes = new AsyncDisposableStack();
    const limits = { webhook: 1024 ** 2, 'splunk-hec': 1_000_000, elastic: 10_000_000, datadog: 5_000_000, sentinel: 1024 ** 2 };
    const detail = { pad: 'x'.repeat(50_000) };
    const started = await Promise.all(KINDS.map(async ({ type, start }) => [type, fakes.use(await start())] as const));
    const longest = new Map<string, number>();
    for (const [type, fake] of started) {
      fake.fault = ({ body }) => void longest.set(type, Math.max(longest.get(type) ?? 0, Buffer.byteLength(body)));
    }
    await bench.configure(
      Object.fromEntries(started.map(([type, fake]) => [type, { type, ...fake.settings }])),
      Object.fromEntries(started.map(([type, fake]) => [type, fake.secrets])),
    );
    await eventually(() => expect(bench.sinks.statuses().filter(({ state }) => state === 'ok')).toHaveLength(KINDS.length));
    for (let batch = 0; batch < 40; batch += 1) await bench.publish('edge-1', 1 + batch * 4, 4, { detail });
    await eventually(() => expect(started.map(([, fake]) => once(fake.taken()).length)).toEqual(KINDS.map(() => 160)), {
      timeoutMs: 20_000,
    });
    for (const [type, bytes] of longest) expect(bytes).toBeLessThanOrEqual(limits[type as keyof typeof limits]);
    expect(bench.deadLetters).toEqual([]);
  }, 40_000);
});
