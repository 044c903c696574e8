import { eventually } from '@switchyard/testing';
import { createHash } from 'node:crypto';
import { startDatadog } from './fakes/datadog.fixture.js';
import { startElastic } from './fakes/elastic.fixture.js';
import { expectWhole, once, type FakeProduct } from './fakes/fake-product.fixture.js';
import type { Received } from './fakes/http-receiver.fixture.js';
import { startOtlp } from './fakes/otlp.fixture.js';
import { startS3 } from './fakes/s3.fixture.js';
import { startSentinel } from './fakes/sentinel.fixture.js';
import { startSplunk } from './fakes/splunk.fixture.js';
import { startWebhook } from './fakes/webhook.fixture.js';
import { openSinksBench, type SinksBench } from './sinks.fixture.js';

const HOUR_MS = 3_600_000;

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
    const limits: Readonly<Record<string, { readonly bytes: number; readonly start: () => Promise<FakeProduct> }>> = {
      webhook: { bytes: 1024 ** 2, start: startWebhook },
      'splunk-hec': { bytes: 1_000_000, start: startSplunk },
      elastic: { bytes: 10_000_000, start: startElastic },
      datadog: { bytes: 5_000_000, start: startDatadog },
      sentinel: { bytes: 1024 ** 2, start: startSentinel },
      otlp: { bytes: 20 * 1024 ** 2, start: () => startOtlp({ compression: 'none' }) },
      s3: { bytes: 5 * 1024 ** 3, start: startS3 },
    };
    const detail = { pad: 'x'.repeat(50_000) };
    const started = await Promise.all(
      Object.entries(limits).map(async ([type, { start }]) => [type, fakes.use(await start())] as const),
    );
    const longest = new Map<string, number>();
    for (const [type, fake] of started) {
      fake.fault = ({ bytes }) => void longest.set(type, Math.max(longest.get(type) ?? 0, bytes.length));
    }
    await bench.configure(
      Object.fromEntries(started.map(([type, fake]) => [type, { type, ...fake.settings }])),
      Object.fromEntries(started.map(([type, fake]) => [type, fake.secrets])),
    );
    await eventually(() => expect(bench.sinks.statuses().filter(({ state }) => state === 'ok')).toHaveLength(started.length));
    for (let batch = 0; batch < 40; batch += 1) await bench.publish('edge-1', 1 + batch * 4, 4, { detail });
    await eventually(() => expect(started.map(([, fake]) => once(fake.taken()).length)).toEqual(started.map(() => 160)), {
      timeoutMs: 20_000,
    });
    for (const [type, bytes] of longest) expect(bytes).toBeLessThanOrEqual(limits[type]?.bytes ?? 0);
    expect(bench.deadLetters).toEqual([]);
  }, 300_000);

  it.each([
    { id: 'D8-20 OTLP, protobuf', encoding: 'protobuf' },
    { id: 'D8-21 OTLP, JSON', encoding: 'json' },
  ])('$id: takes a part and says how many not; all of the request is put aside, nothing sent twice', async ({ encoding }) => {
    await using fake = await startOtlp({ encoding });
    await configure('otlp', fake);
    fake.rejections.push(2);
    const first = await bench.publish('edge-1', 1, 5);
    await eventually(() => expect(bench.deadLetters.map(({ event_id: id }) => id)).toEqual(first));
    expect(bench.deadLetters[0]).toMatchObject({ reason: 'partial_success: 2 of 5 rejected' });
    const second = await bench.publish('edge-1', 6, 5);
    await eventually(() => expect(fake.taken()).toEqual([...first.slice(2), ...second]));
  });

  it('D8-22 OTLP: what must not be retried is put aside; a page for people is no answer', async () => {
    await using fake = await startOtlp();
    await configure('otlp', fake);
    fake.fault = () => ({ status: 500 });
    const first = await bench.publish('edge-1', 1, 3);
    await eventually(() => expect(bench.deadLetters.map(({ event_id: id }) => id)).toEqual(first));
    fake.fault = () => ({
      status: 200,
      headers: { 'content-type': 'text/html; charset=utf-8' },
      body: Buffer.from('<p>Sign in'),
    });
    const second = await bench.publish('edge-1', 4, 3);
    await eventually(() => expect(bench.sinks.statuses()[0]).toMatchObject({ state: 'failing', reason: 'no_otlp' }));
    fake.fault = undefined;
    await eventually(() => expect(fake.taken()).toEqual(second));
  });

  it.each([
    { id: 'S3-1 JSONL', format: 'jsonl' },
    { id: 'S3-2 Parquet', format: 'parquet' },
  ])('$id: an object for each hour and emitter, and a manifest that tells what is in it', async ({ format }) => {
    await using fake = await startS3({
      format,
      encryption: 'aws:kms',
      kmsKeyId: 'arn:aws:kms:eu-central-1:1:key/a',
      prefix: 'a/b/',
    });
    await configure('s3', fake);
    const ids = [
      ...(await bench.publish('edge-1', 1, 3, { occurred_at: '2026-01-31T12:59:59.999Z' })),
      ...(await bench.publish('edge-1', 4, 2, { occurred_at: '2026-01-31T13:00:00.000Z' })),
      ...(await bench.publish('../e dge', 1, 1, { occurred_at: 'never' })),
    ];
    await eventually(() => expect(once(fake.taken())).toHaveLength(ids.length));
    await eventually(() => expect(bench.sinks.statuses()[0]).toMatchObject({ delivered: ids.length, backlog: 0 }));
    const ending = { jsonl: 'jsonl\\.gz', parquet: 'parquet' }[format] ?? '';
    const keys = [...fake.objects.keys()].filter((key) => !key.includes('_manifests/'));
    expect(keys.filter((key) => key.includes('dt=2026-01-31/hour=12/edge-1/1000-000000000001-000000000003-'))).toHaveLength(1);
    expect(keys.filter((key) => key.includes('dt=2026-01-31/hour=13/edge-1/1000-000000000004-000000000005-'))).toHaveLength(1);
    expect(keys.filter((key) => key.includes('dt=1970-01-01/hour=00/__e_dge/'))).toHaveLength(1);
    for (const key of keys) expect(key).toMatch(new RegExp(`^a/b/dt=.*-[0-9a-f]{12}\\.${ending}$`));
    const listed = fake.manifests().flatMap(({ objects }) => objects);
    expect(listed.map(({ key }) => key).sort()).toEqual(keys.sort());
    for (const { key, bytes, sha256, events } of listed) {
      const object = fake.objects.get(key);
      const digest = createHash('sha256')
        .update(object?.bytes ?? '')
        .digest('hex');
      expect({ bytes, sha256, events }).toEqual({ bytes: object?.bytes.length, sha256: digest, events: object?.ids.length });
      expect(object?.headers).toMatchObject({ 'x-amz-server-side-encryption': 'aws:kms' });
    }
  });

  it('S3-3 what was stored before a process was killed is stored again in the same objects, whatever came meanwhile', async () => {
    await using fake = await startS3({ gatherMs: 300 });
    await configure('s3', fake);
    fake.fault = ({ path }) => (path.includes('_manifests') ? { status: 503 } : undefined);
    const ids = [...(await bench.publish('edge-1', 1, 3)), ...(await bench.publish('edge-1', 4, 3))];
    await eventually(() => expect(once(fake.taken())).toHaveLength(6));
    const before = [...fake.objects.keys()];
    await bench.sinks.close();
    ids.push(...(await bench.publish('edge-1', 7, 3)));
    fake.fault = undefined;
    await bench.another();
    await eventually(() => expect(once(fake.taken())).toHaveLength(9));
    // Each event is in one object.
    expect(fake.taken()).toEqual(ids);
    expect([...fake.objects.keys()]).toEqual(expect.arrayContaining(before));
  });

  it('S3-4 names what S3 refused', async () => {
    await using fake = await startS3({ bucket: 'another' });
    await configure('s3', fake);
    await bench.publish('edge-1', 1, 1);
    await eventually(() => expect(bench.sinks.statuses()[0]).toMatchObject({ state: 'failing', reason: 's3_404_NoSuchBucket' }));
    expect(bench.deadLetters).toEqual([]);
  });
});
