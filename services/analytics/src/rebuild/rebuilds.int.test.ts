import type { RebuildView } from '@switchyard/contracts';
import { StreamNotKept, type StreamMessage } from '@switchyard/messaging';
import { openLocalPlatform } from '@switchyard/platform';
import { clickhouseUrl, eventually, FakeClock, startNats, tempDir } from '@switchyard/testing';
import { openAnalytics, type AnalyticsRig } from '../analytics.fixture.js';
import { HttpEngine } from '../engine/http-engine.js';
import { USAGE_MINUTES } from '../usage/rollup.js';
import { UsageCounter } from '../usage/usage-counter.js';
import type { RebuildRecord } from './rebuild-record.js';
import { Rebuilds, type RebuildsDeps } from './rebuilds.js';
import { streamRest } from './stream-rest.js';

const PLACE = '/api/v1/audit/rebuild';
const long = { timeoutMs: 120_000, everyMs: 200 };

/** What people read of some events, however they are stored: ids and contents, counts, and the exact lines. */
const FINGERPRINT = `SELECT
  (SELECT toUInt32(uniqExact(event_id)) FROM events WHERE server = {server:String}) AS events,
  (SELECT toUInt32(count()) FROM (SELECT event_id FROM events WHERE server = {server:String} LIMIT 1 BY event_id)) AS rows,
  (SELECT toString(sum(cityHash64(event_id, type, outcome, server, capability, occurred_at, duration_us, chain)))
     FROM (SELECT * FROM events WHERE server = {server:String} LIMIT 1 BY event_id)) AS contents,
  (SELECT toString(sum(cityHash64(minute, type, capability, events, errors, duration_us)))
     FROM usage_minutes FINAL WHERE server = {server:String}) AS minutes,
  (SELECT toUInt32(sum(events)) FROM usage_minutes FINAL WHERE server = {server:String}) AS counted,
  (SELECT toString(sum(cityHash64(sequence, line))) FROM (SELECT * FROM event_lines LIMIT 1 BY emitter, epoch, sequence)
     WHERE JSONExtractString(line, 'server') = {server:String}) AS lines`;

async function fingerprint(engine: HttpEngine, server: string, events: number): Promise<unknown> {
  return eventually(async () => {
    // What the refresher does, without its pauses.
    await new UsageCounter(engine, USAGE_MINUTES).run();
    const [found] = (await engine.query(FINGERPRINT, { server })) as { events: number; rows: number; counted: number }[];
    expect([found?.events, found?.rows, found?.counted]).toEqual([events, events, events]);
    return found;
  }, long);
}

const record = (rig: AnalyticsRig, server: string, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      rig.platform.audit.record({
        type: 'tool.called',
        outcome: index % 7 === 0 ? 'error' : 'ok',
        server,
        capability: `tool_${index % 5}`,
        duration_us: 100 + index,
      }),
    ),
  );

async function rebuild(rig: AnalyticsRig): Promise<RebuildView> {
  const ask = (method: string, key: string) =>
    fetch(`${rig.running().urls['http']}${PLACE}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(method === 'POST' && { body: '{}' }),
    });
  expect((await ask('POST', rig.keys.auditor)).status).toBe(403);
  expect((await ask('POST', rig.keys.admin)).status).toBe(202);
  return eventually(async () => {
    const view = (await (await ask('GET', rig.keys.auditor)).json()) as RebuildView;
    expect(view.state).toBe('done');
    return view;
  }, long);
}

describe('rebuilding the database from the stream', () => {
  it('RB-1 fills a new database, one that has lost its rows, and one that has them all; while events go on coming', async () => {
    await using undo = new AsyncDisposableStack();
    const nats = undo.use(await startNats());
    const rig = undo.use(await openAnalytics({ natsUrl: nats.url, clickhouseUrl: clickhouseUrl() }));
    const engine = undo.adopt(HttpEngine.connect({ url: clickhouseUrl(), user: 'default', database: rig.database }), (it) =>
      it.close(),
    );
    expect(await (await fetch(`${rig.running().urls['http']}${PLACE}`, { headers: { authorization: `Bearer ${rig.keys.admin}` } })).json()).toMatchObject({ reason: 'not_found' }); // prettier-ignore
    await record(rig, 'before', 300);
    const before = await fingerprint(engine, 'before', 300);

    // A new database: what is acknowledged in the stream is not in it.
    await rig.stop();
    await engine.command('DROP DATABASE {name:Identifier}', { name: rig.database });
    await rig.start();
    const [view] = await Promise.all([rebuild(rig), record(rig, 'meanwhile', 200)]);
    expect(view).toMatchObject({ gone: 0, deadLetters: 0, position: view.messages });
    expect(view.events).toBeGreaterThanOrEqual(300);
    expect(await fingerprint(engine, 'before', 300)).toEqual(before);
    const meanwhile = await fingerprint(engine, 'meanwhile', 200);

    // Rows that went while the tables stayed: the engine still knows the inserts.
    await engine.command('TRUNCATE TABLE events');
    await engine.command('TRUNCATE TABLE event_lines');
    await rebuild(rig);
    expect(await fingerprint(engine, 'before', 300)).toEqual(before);
    expect(await fingerprint(engine, 'meanwhile', 200)).toEqual(meanwhile);

    await rebuild(rig);
    expect(await fingerprint(engine, 'before', 300)).toEqual(before);
    expect(await fingerprint(engine, 'meanwhile', 200)).toEqual(meanwhile);
    const [told] = await engine.query(
      `SELECT toUInt32(uniqExact(event_id)) AS times FROM events WHERE type = 'audit.rebuild_started' AND principal_subject != ''`,
    );
    expect(told).toEqual({ times: 3 });
  }, 240_000);

  it('RB-2 says so where the stream is not kept', async () => {
    await using rig = await openAnalytics('embedded');
    const headers = { authorization: `Bearer ${rig.keys.admin}`, 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: '{}' };
    const answer = await fetch(`${rig.running().urls['http']}${PLACE}`, init);
    expect([answer.status, await answer.json()]).toEqual([409, expect.objectContaining({ reason: 'stream_not_kept' })]);
  }, 300_000);
});

describe('what has left the stream', () => {
  const line = (sequence: number) =>
    Buffer.from(`{"event_id":"e/1/${sequence}","occurred_at":"2026-01-01T00:00:0${sequence}.000Z","sequence":"${sequence}"}\n`);

  /** A stream of which the first messages have gone, and the last ones go while they are read. */
  async function openRebuilds(sequences: readonly number[], last: number, undo: AsyncDisposableStack) {
    const dir = undo.use(await tempDir()).path;
    const options = { dataDir: dir, service: 'analytics', emitter: 'a', logLevel: 'silent', auditLimitBytes: 1_000_000 } as const;
    const platform = undo.adopt(await openLocalPlatform(options), (it) => it.close());
    const messages: StreamMessage[] = sequences.map((sequence) => ({
      subject: 's',
      messageId: `m-${sequence}`,
      sequence: String(sequence),
      data: line(sequence),
    }));
    const reads: number[] = [];
    const bus = {
      extent: async () => ({ incarnation: 'x', first: sequences[0] ?? last + 1, last }),
      read: async (_stream: unknown, after: number) => {
        reads.push(after);
        let position = after;
        return {
          next: async () => {
            const next = messages.filter(({ sequence }) => Number(sequence) > position).slice(0, 1);
            position = Number(next[0]?.sequence ?? position);
            return next;
          },
          close: async () => undefined,
        };
      },
    } as unknown as RebuildsDeps['bus'];
    const tokens: string[] = [];
    const engine = {
      insertTexts: async () => undefined,
      insertLines: async (_table: string, _lines: Uint8Array, token: string) => {
        tokens.push(token);
        return 1;
      },
    } as unknown as RebuildsDeps['engine'];
    const clock = new FakeClock();
    const { state, log } = platform;
    const deps = { bus, state, engine, tenant: 'default', restoreCheckpoints: async () => 4, clock, log };
    return { deps, clock, reads, tokens };
  }

  it('RB-3 is counted, at both ends and between, and told with the time of what is left', async () => {
    await using undo = new AsyncDisposableStack();
    const { deps } = await openRebuilds([3, 4, 7], 9, undo);
    const rebuilds = undo.adopt(await Rebuilds.open(deps), (it) => it.close());
    expect(await rebuilds.latest()).toBeUndefined();
    const refused = { isWhole: false, gone: 2, last: 9, oldest: '2026-01-01T00:00:03.000Z' };
    expect(await rebuilds.start({ partial: false })).toEqual(refused);
    expect(await rebuilds.latest()).toBeUndefined();
    const started = await rebuilds.start({ partial: true });
    expect(await rebuilds.start({ partial: false })).toEqual(started);
    const done = await eventually(async () => {
      const found = await rebuilds.latest();
      expect(found?.record.state).toBe('done');
      return found?.record;
    });
    expect(done).toMatchObject({ gone: 6, events: 3, until: 9, checkpoints: 4, oldest: '2026-01-01T00:00:03.000Z' });
  });

  it('RB-4 a rebuild whose process ended is gone on with by another, where it was; its inserts are never taken for those of another', async () => {
    await using undo = new AsyncDisposableStack();
    const { deps, clock, reads, tokens } = await openRebuilds([1, 2, 3], 3, undo);
    const inserted = Promise.withResolvers<void>();
    const stuck = { ...deps.engine, insertLines: () => (inserted.resolve(), new Promise<never>(() => undefined)) };
    const first = await Rebuilds.open({ ...deps, engine: stuck });
    await first.start({ partial: false });
    await inserted.promise;
    const second = undo.adopt(await Rebuilds.open(deps), (it) => it.close());
    await eventually(async () => {
      clock.advance(60_000);
      expect((await second.latest())?.record.state).toBe('done');
    }, long);
    // The first one looks at the first message before it begins.
    expect(reads).toEqual([0, 0, 0]);
    const again = (await second.start({ partial: false })) as RebuildRecord;
    await eventually(async () => expect((await second.latest())?.record).toMatchObject({ id: again.id, state: 'done' }), long);
    expect(new Set(tokens).size).toBe(6);
  }, 300_000);

  it.each([
    ['never had anything', [], 0, true],
    ['begins with the first event of its emitter', [1, 2], 2, true],
    ['has lost what came first', [2, 3], 3, false],
    ['has lost everything', [], 3, false],
  ])('RB-6 a stream that %s', async (_id, sequences, last, isWhole) => {
    await using undo = new AsyncDisposableStack();
    const { deps } = await openRebuilds(sequences, last, undo);
    expect(await streamRest(deps.bus, new AbortController().signal)).toMatchObject({ isWhole, last });
  });

  it('RB-6 a stream that was not kept from the beginning is not whole, although nothing has left it', async () => {
    await using undo = new AsyncDisposableStack();
    const { deps } = await openRebuilds([4, 5], 5, undo);
    const bus = { ...deps.bus, extent: async () => ({ incarnation: 'x', first: 1, last: 5 }) };
    expect(await streamRest(bus, new AbortController().signal)).toMatchObject({ isWhole: false, gone: 0 });
  });

  it('RB-5 does not begin where there is nothing to read', async () => {
    await using undo = new AsyncDisposableStack();
    const { deps } = await openRebuilds([], 0, undo);
    const bus = { ...deps.bus, extent: () => Promise.reject(new StreamNotKept('no')) };
    const rebuilds = undo.adopt(await Rebuilds.open({ ...deps, bus: bus }), (it) => it.close());
    await expect(rebuilds.start({ partial: true })).rejects.toBeInstanceOf(StreamNotKept);
    expect(await rebuilds.latest()).toBeUndefined();
  });
});
