import { Egress, LOOPBACK } from '@switchyard/egress';
import { sinkSchema } from '@switchyard/gateway-config';
import { systemClock } from '@switchyard/runtime';
import { tempDir } from '@switchyard/testing';
import { EmbeddedEngine } from '../engine/embedded-engine.js';
import { startS3Server, type S3Server } from './fakes/s3-server.fixture.js';
import { openSink } from './kinds.js';
import type { Outcome, SinkItem } from './sink.js';

const COUNT = 300;
const HOUR_ENDS = Date.UTC(2026, 0, 31, 13);

const ITEMS = Array.from({ length: COUNT }, (_none, index): SinkItem => {
  const event = {
    event_id: `edge-1/1000/${index + 1}`,
    occurred_at: new Date(HOUR_ENDS + (index - COUNT / 2) * 100).toISOString(),
    emitter: 'edge-1',
    epoch: '1000',
    sequence: String(index + 1),
    outcome: index % 7 === 0 ? 'denied' : 'ok',
    duration_us: index,
  };
  const text = JSON.stringify(event);
  return { id: event.event_id, event, text, bytes: text.length };
});

async function deliver(
  server: S3Server,
  more: Readonly<Record<string, unknown>>,
  secret = server.secret,
): Promise<readonly Outcome[]> {
  const { bucket, region, url, id } = server;
  const egress = new Egress({ allowed: LOOPBACK, connectTimeoutMs: 2_000 });
  const settings = { type: 's3', bucket, region, endpoint: url, credentials: { accessKey: { id, secret: '${env:S}' } }, ...more };
  const parsed = sinkSchema.parse(settings);
  if (parsed.type !== 's3') throw new Error('not a bucket');
  const parts = { name: 'archive', clock: systemClock, egress, wait: async () => undefined };
  const sink = await openSink({ ...parsed, credentials: { accessKey: { id, secret } } }, parts);
  try {
    return await sink.deliver(ITEMS, AbortSignal.timeout(30_000));
  } finally {
    await egress.close();
  }
}

describe('a bucket of a real S3 server', () => {
  let server: S3Server;
  beforeAll(async () => (server = await startS3Server()));
  afterAll(() => server[Symbol.asyncDispose]());

  it.each([
    { format: 'jsonl', files: '*.jsonl.gz', read: 'JSONEachRow' },
    { format: 'parquet', files: '*.parquet', read: 'Parquet' },
  ])('$format: takes what is signed and digested, twice in the same objects; ClickHouse reads the same rows', async (row) => {
    const prefix = `${row.format}/a=1/`;
    for (let time = 0; time < 2; time += 1)
      expect(new Set((await deliver(server, { format: row.format, prefix })).map(({ is }) => is))).toEqual(
        new Set(['delivered']),
      );
    await using dir = await tempDir();
    const engine = await EmbeddedEngine.open(dir.path);
    const { url, bucket, id, secret } = server;
    const tableOf = (files: string) => ({ url: `${url}/${bucket}/${prefix}${files}`, id, secret });
    try {
      const rows = await engine.query(
        `SELECT event_id, outcome, toString(duration_us) AS duration_us FROM s3({url:String}, {id:String}, {secret:String}, '${row.read}')
         ORDER BY toUInt64(sequence)`,
        tableOf(`**/${row.files}`),
      );
      expect(rows).toEqual(
        ITEMS.map(({ event }) => ({ event_id: event.event_id, outcome: event.outcome, duration_us: String(event.duration_us) })),
      );
      const manifests = await engine.query(
        `SELECT sum(events) AS events, sum(length(objects)) AS objects FROM s3({url:String}, {id:String}, {secret:String}, 'JSONEachRow',
         'events UInt32, objects Array(Tuple(key String, events UInt32))')`,
        tableOf('_manifests/**/*.json'),
      );
      expect(manifests).toEqual([{ events: COUNT, objects: 2 }]);
    } finally {
      await engine.close();
    }
  });

  it.each([
    { id: 'another key', more: {}, secret: 'wrong', reason: 's3_403_SignatureDoesNotMatch' },
    { id: 'another bucket', more: { bucket: 'no-such' }, secret: undefined, reason: 's3_404_NoSuchBucket' },
  ])('refuses $id, which is no fault of an event', async ({ more, secret, reason }) => {
    expect((await deliver(server, more, secret))[0]).toEqual({ is: 'misconfigured', reason });
  });
});
