import { eventually } from '@switchyard/testing';
import { startDatadog } from './fakes/datadog.fixture.js';
import { startElastic } from './fakes/elastic.fixture.js';
import { expectWhole, once, type FakeProduct } from './fakes/fake-product.fixture.js';
import { startFolder } from './fakes/file.fixture.js';
import type { Reply } from './fakes/http-receiver.fixture.js';
import { startOtlp } from './fakes/otlp.fixture.js';
import { startS3 } from './fakes/s3.fixture.js';
import { startSentinel } from './fakes/sentinel.fixture.js';
import { startSplunk } from './fakes/splunk.fixture.js';
import { startSyslog } from './fakes/syslog.fixture.js';
import { startWebhook } from './fakes/webhook.fixture.js';
import { openSinksBench } from './sinks.fixture.js';

interface Kind {
  readonly name: string;
  readonly type: string;
  readonly start: () => Promise<FakeProduct>;
  /** Answers of a product that is down; unless told, those of most. */
  readonly down?: readonly Reply[];
  /** Why an event is a dead letter; absent where the product refuses none for what is in it. */
  readonly deadReason?: string;
}

/** A day of a receiver that says when to come again is some hundred requests. */
const later = { 'retry-after': '900' };
const DOWN: readonly Reply[] = ['reset', { status: 503, headers: later }, { status: 500, headers: later }];

/** Every kind that is an HTTP client: one row each. */
const HTTP_KINDS: readonly Kind[] = [
  { name: 'webhook', type: 'webhook', start: startWebhook, deadReason: 'http_422' },
  { name: 'splunk-hec', type: 'splunk-hec', start: startSplunk, deadReason: 'hec_6' },
  { name: 'elastic', type: 'elastic', start: startElastic, deadReason: 'elastic_400_document_parsing_exception' },
  { name: 'datadog', type: 'datadog', start: startDatadog, deadReason: 'http_400' },
  { name: 'sentinel', type: 'sentinel', start: startSentinel, deadReason: 'http_400' },
  // Of OTLP, 500 must not be sent again.
  {
    name: 'otlp',
    type: 'otlp',
    start: startOtlp,
    deadReason: 'http_400',
    down: ['reset', { status: 503, headers: later }, { status: 502, headers: later }],
  },
  {
    name: 'otlp, JSON',
    type: 'otlp',
    start: () => startOtlp({ encoding: 'json', compression: 'none' }),
    deadReason: 'http_400',
    down: ['reset', { status: 504, headers: later }, { status: 429, headers: later }],
  },
  { name: 's3', type: 's3', start: startS3 },
  { name: 's3, Parquet', type: 's3', start: () => startS3({ format: 'parquet' }) },
];
/** The others. */
const KINDS: readonly Kind[] = [
  ...HTTP_KINDS,
  { name: 'file', type: 'file', start: startFolder },
  { name: 'syslog', type: 'syslog', start: startSyslog },
];

const HOUR_MS = 3_600_000;

/** A bench with a product, and what tests do with them. */
async function openKind({ type, start }: Kind) {
  const undo = new AsyncDisposableStack();
  const fake = undo.use(await start());
  const bench = undo.use(await openSinksBench('embedded', { isFast: true }));
  return {
    fake,
    bench,
    configure: async (
      more: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {},
      own: Readonly<Record<string, unknown>> = {},
    ) => {
      await bench.configure({ siem: { type, ...fake.settings, ...own }, ...more }, { siem: fake.secrets });
      const count = 1 + Object.keys(more).length;
      await eventually(() => expect(bench.sinks.statuses().filter(({ state }) => state === 'ok')).toHaveLength(count));
    },
    publishMany: async (batches: number, from = 0) => {
      const ids: string[] = [];
      for (let batch = from; batch < from + batches; batch += 1) {
        ids.push(...(await bench.publish('edge-1', 1 + batch * 20, 20)), ...(await bench.publish('edge-2', 1 + batch * 10, 10)));
      }
      return ids;
    },
    delivered: (ids: readonly string[]) => eventually(() => expect(once(fake.taken()).length).toBe(ids.length)),
    [Symbol.asyncDispose]: () => undo.disposeAsync(),
  };
}

describe.each(KINDS)('sink $name', (kind) => {
  it('D8-1 gets every event once, in order, under its id', async () => {
    await using opened = await openKind(kind);
    const { fake, bench, configure, publishMany, delivered } = opened;
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
    await using opened = await openKind(kind);
    const { fake, bench, configure, publishMany, delivered } = opened;
    await configure({ beside: { type: 'file', ...folder.settings } });
    const first = await publishMany(1);
    await delivered(first);
    await eventually(() => expect(bench.sinks.statuses().map(({ oldestMs }) => oldestMs)).toEqual([0, 0]));
    const startedAtMs = bench.clock.now();
    const isOver = () => bench.clock.now() - startedAtMs >= 24 * HOUR_MS;
    const { down = DOWN } = kind;
    let refusals = 0;
    fake.fault = () => (isOver() ? undefined : down[refusals++ % down.length]);
    await fake.away?.(true);
    const during = await publishMany(10, 1);
    const all = [...first, ...during];
    await eventually(() => expect(once(folder.taken())).toHaveLength(all.length));
    await eventually(() => expect(isOver()).toBe(true), { timeoutMs: 40_000 });
    await fake.away?.(false);
    await delivered(all);
    expectWhole(fake.taken(), all);
    expectWhole(folder.taken(), all);
    expect(bench.deadLetters).toEqual([]);
    expect(bench.sinks.statuses().map(({ dropped }) => dropped)).toEqual([0, 0]);
    const failures = /^switchyard_sink_failures_total\{sink="siem".*\} (\d+)$/m.exec(await bench.metrics())?.[1];
    expect(Number(failures)).toBeGreaterThan(20);
  }, 300_000);

  it('D5-1 takes hostile text as it is', async () => {
    await using opened = await openKind(kind);
    const { fake, bench, configure, delivered } = opened;
    await configure();
    const capability = 'a\nb|c=d"e\\\u001b[31m\u2028=cmd()\ud800';
    const hostile = { capability, occurred_at: '+275760-09-13T00:00:00Z', bytes_in: -1, duration_us: 1e300, trace_id: 'x' };
    const ids = [
      ...(await bench.publish('edge-1', 1, 3, { capability })),
      ...(await bench.publish('edge-2', 1, 3, { capability, occurred_at: 'never', recorded_at: 'never' })),
      ...(await bench.publish('edge-1', 4, 3, { ...hostile, teams: [capability], detail: { [capability]: capability } })),
    ];
    await delivered(ids);
    expectWhole(fake.taken(), ids);
  });

  it('D5-7 wrong types and times out of range hold nothing up', async () => {
    await using opened = await openKind(kind);
    const { fake, bench, configure, delivered } = opened;
    await configure();
    const odd = {
      occurred_at: 'never',
      recorded_at: 7,
      epoch: 'x',
      capability: 7,
      teams: 'ops',
      outcome: {},
      type: null,
      detail: 'a',
    };
    const [wrong] = await bench.publish('edge-1', 1, 1, odd as never);
    const [late] = await bench.publish('edge-1', 2, 1, { occurred_at: '+275760-09-13T00:00:00.000Z' });
    const ids = await bench.publish('edge-1', 3, 2);
    await delivered([wrong ?? '', late ?? '', ...ids]);
    expectWhole(fake.taken(), [wrong ?? '', late ?? '', ...ids]);
  });

  it('goes on after a restart from where it was', async () => {
    await using opened = await openKind(kind);
    const { fake, bench, configure, publishMany, delivered } = opened;
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

describe.each(HTTP_KINDS)('sink $name, over HTTP,', (kind) => {
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
    await using opened = await openKind(kind);
    const { fake, bench, configure, publishMany, delivered } = opened;
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

  it('D8-17 takes a request and never answers: the sink beside has every event meanwhile, and none is lost', async () => {
    await using folder = await startFolder();
    await using opened = await openKind(kind);
    const { fake, bench, configure, publishMany, delivered } = opened;
    await configure({ beside: { type: 'file', ...folder.settings } }, { timeoutMs: 1_000 });
    const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
    fake.fault = () => {
      onAsked();
      return 'silence';
    };
    const first = await publishMany(1);
    await asked;
    const ids = [...first, ...(await publishMany(5, 1))];
    await eventually(() => expect(once(folder.taken())).toHaveLength(ids.length));
    expect(fake.taken()).toEqual([]);
    expectWhole(folder.taken(), ids);
    fake.fault = undefined;
    await delivered(ids);
    expectWhole(fake.taken(), ids);
    expect(bench.deadLetters).toEqual([]);
  });
});

describe.each(HTTP_KINDS.filter(({ deadReason }) => deadReason !== undefined))(
  'sink $name, where events can be refused,',
  (kind) => {
    it('D8-9 does not take some events, ever: they are put aside with the reason, and the rest goes on in order', async () => {
      await using opened = await openKind(kind);
      const { fake, bench, configure, publishMany, delivered } = opened;
      await configure();
      const refused = new Set(['edge-1/1000/7', 'edge-2/1000/3', 'edge-1/1000/21']);
      fake.poison = (id) => refused.has(id);
      const ids = await publishMany(3);
      const good = ids.filter((id) => !refused.has(id));
      await delivered(good);
      expectWhole(fake.taken(), good);
      await eventually(() => expect(bench.deadLetters).toHaveLength(refused.size));
      expect(new Set(bench.deadLetters.map(({ event_id: id }) => id))).toEqual(refused);
      expect(bench.deadLetters[0]).toMatchObject({ sink: 'siem', reason: kind.deadReason });
    });
  },
);
