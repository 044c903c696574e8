import { checkpointDigest, publicCheckpointKey, verifyExport, type BrokenExport, type SignedCheckpoint } from '@switchyard/audit';
import { EVENTS_STREAM } from '@switchyard/contracts';
import type { StreamMessage } from '@switchyard/messaging';
import { createLogger } from '@switchyard/telemetry';
import { FakeClock, tempDir } from '@switchyard/testing';
import { openLocalPlatform, type Platform } from '@switchyard/platform';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ENGINES, tablesForEach } from '../engine/engines.fixture.js';
import type { Engine } from '../engine/engine.js';
import { CheckpointCopies } from './checkpoint-copies.js';
import { loadCheckpointKey } from './checkpoint-key-file.js';
import { CheckpointStore } from './checkpoint-store.js';
import { Checkpointer } from './checkpointer.js';
import { storeBatch } from '../ingest/store-batch.js';
import { StoredRuns } from './stored-runs.js';
import { RetentionRecords } from '../retention/retention-records.js';
import { TrailLines } from './trail-lines.js';
import { type ExportRange, verifiableExport } from './verifiable-export.js';

const log = createLogger({ service: 'test', level: 'silent' });
const tenant = 'default';
const everything: ExportRange = { fromMs: 0, untilMs: undefined };
const HOUR_MS = 3_600_000;

/** Which of the messages that a replica stores itself it remembers until they are signed. */
type Remembers = 'nothing' | 'everything' | 'every other message';
const REMEMBERS: readonly Remembers[] = ['nothing', 'everything', 'every other message'];

/** A trail whose lines are stored by a real spool, bus and engine. */
async function openTrail(open: () => Promise<{ engine: Engine } & AsyncDisposable>, remembers: Remembers = 'nothing') {
  await using undo = new AsyncDisposableStack();
  const { engine } = undo.use(await open());
  const dir = undo.use(await tempDir()).path;
  const platform: Platform = undo.adopt(
    await openLocalPlatform({
      dataDir: dir,
      service: 'analytics',
      emitter: 'edge-1',
      logLevel: 'silent',
      auditLimitBytes: 64 * 1024 ** 2,
    }),
    (it) => it.close(),
  );
  const runs = new StoredRuns(tenant);
  let messages = 0;
  const isRemembered = () => remembers !== 'nothing' && (remembers === 'everything' || (messages += 1) % 2 === 0);
  const consume = {
    stream: EVENTS_STREAM,
    durable: 'test',
    batchMessages: 100,
    batchBytes: 1024 ** 2,
    batchWaitMs: 10,
    handle: async (batch: readonly StreamMessage[]) => {
      await storeBatch(engine, batch);
      runs.add(batch.filter(isRemembered));
    },
    onError: (error: unknown) => log.error('lines were not kept', { error }),
  };
  undo.adopt(await platform.bus.consume(consume), (it) => it.close());
  const key = await loadCheckpointKey({ file: path.join(dir, 'key', 'checkpoint.json'), createIfMissing: true });
  const store = await CheckpointStore.open(platform.state, engine, tenant);
  const lines = new TrailLines(engine, tenant);
  const clock = new FakeClock(Date.now());
  const copies = new CheckpointCopies(path.join(dir, 'copies'));
  const deps = { tenant, key, store, lines, runs, copies, audit: platform.audit, meter: platform.telemetry.meter, clock, log };
  const copied = () =>
    readFileSync(path.join(dir, 'copies', 'checkpoints.jws'), 'utf8')
      .trimEnd()
      .split('\n');
  const opened = undo.move();
  return {
    engine,
    clock,
    copied,
    checkpointer: new Checkpointer(deps),
    anotherReplica: () => new Checkpointer({ ...deps, runs: new StoredRuns(tenant) }),
    record: async (count: number) => {
      const events = Array.from({ length: count }, (_, index) =>
        platform.audit.record({ type: 'tool.called', outcome: 'ok', capability: `tool ü ${index}` }),
      );
      await Promise.all(events);
      await stored(platform.audit);
    },
    exported: async (range = everything) => {
      const text = await verifiableExport(range, { store, lines, key, records: new RetentionRecords(engine, tenant, key) });
      const found: Buffer[] = [];
      for await (const line of text ?? []) found.push(Buffer.from(line.trimEnd()));
      return found;
    },
    verify: async (text: readonly Buffer[], trusted: readonly string[] = []) =>
      verifyExport(each(text), { keys: [await publicCheckpointKey(key)], copies: trusted }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** In process, what was forwarded has been stored. */
async function stored(audit: Platform['audit']): Promise<void> {
  while (audit.depthBytes() > 0) await new Promise((resolve) => setImmediate(resolve));
}

async function* each(lines: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const line of lines) yield await Promise.resolve(line);
}

const numberOf = (checkpoint: SignedCheckpoint | undefined) => checkpoint?.number;

describe.each(ENGINES)('checkpoints over %s', (_name, open) => {
  const openTables = tablesForEach(open);

  it.each(REMEMBERS)('D6, D12: sign what was recorded, and what is exported verifies; remembering %s', async (remembers) => {
    await using trail = await openTrail(openTables, remembers);
    expect(await trail.checkpointer.sign()).toBeUndefined();
    await trail.record(20);
    const first = await trail.checkpointer.sign();
    expect(first).toMatchObject({ number: 1, previous: '' });
    for (let more = 0; more < 3; more++) await trail.record(10);
    const second = await trail.checkpointer.sign();
    expect(second).toMatchObject({ number: 2, previous: checkpointDigest(first!.jws) });
    await trail.checkpointer.copy();
    await trail.checkpointer.copy();
    expect(trail.copied()).toEqual([first!.jws, second!.jws]);
    // The event of the first checkpoint is part of what the second signs.
    expect(await trail.verify(await trail.exported(), trail.copied())).toMatchObject({ ok: true, events: 51, checkpoints: 2 });
  });

  it('say nothing where nothing but checkpoints was recorded, and are signed once by several replicas', async () => {
    await using trail = await openTrail(openTables);
    await trail.record(5);
    const signed = await Promise.all([trail.checkpointer.sign(), trail.anotherReplica().sign(), trail.anotherReplica().sign()]);
    expect(signed.filter((checkpoint) => checkpoint !== undefined).map(numberOf)).toEqual([1]);
    await trail.record(0);
    expect(await trail.checkpointer.sign()).toBeUndefined();
    trail.clock.advance(3_600_000);
    expect(numberOf(await trail.checkpointer.sign())).toBe(2);
  });

  it('D6: exports between two times begin and end with a checkpoint', async () => {
    await using trail = await openTrail(openTables);
    const times: number[] = [];
    for (let round = 0; round < 4; round++) {
      await trail.record(10);
      times.push(Date.parse((await trail.checkpointer.sign())!.at));
      trail.clock.advance(60_000);
    }
    const text = await trail.exported({ fromMs: times[1]! + 1, untilMs: times[2]! - 1 });
    expect(await trail.verify(text)).toMatchObject({
      ok: true,
      events: 11,
      from: new Date(times[1]!).toISOString(),
      until: new Date(times[2]!).toISOString(),
    });
  });

  it('D9: sign everything, and are exported to the end, whatever the clock of who signs says', async () => {
    await using trail = await openTrail(openTables);
    for (const stepMs of [0, HOUR_MS, -HOUR_MS, -HOUR_MS, HOUR_MS]) {
      trail.clock.setWallClock(trail.clock.now() + stepMs);
      await trail.record(10);
      expect(await trail.checkpointer.sign()).toBeDefined();
    }
    const whole = { ok: true, checkpoints: 5, events: 54 };
    expect(await trail.verify(await trail.exported({ fromMs: 0, untilMs: undefined }))).toMatchObject(whole);
    expect(await trail.verify(await trail.exported({ fromMs: 0, untilMs: trail.clock.now() }))).toMatchObject(whole);
  });

  it('D9: a range of time has everything of it, also where the clock went back meanwhile', async () => {
    await using trail = await openTrail(openTables);
    const now = trail.clock.now();
    for (const stepMs of [0, HOUR_MS, 60_000 - HOUR_MS, 60_000]) {
      trail.clock.setWallClock(trail.clock.now() + stepMs);
      await trail.record(10);
      await trail.checkpointer.sign();
    }
    // The second checkpoint says that it is of an hour later.
    expect(await trail.verify(await trail.exported({ fromMs: now + 30_000, untilMs: now + 90_000 }))).toMatchObject({
      ok: true,
      events: 33,
      from: new Date(now).toISOString(),
      until: new Date(now + 120_000).toISOString(),
    });
  });
});

// What is done to the tables is the same in both engines; the library is the quicker one to start.
describe.each(ENGINES.slice(1))('a forged trail in %s', (_name, open) => {
  const openTables = tablesForEach(open);

  const FORGERIES: readonly [string, string, Partial<BrokenExport>][] = [
    [
      'D12-altered',
      `ALTER TABLE event_lines UPDATE line = replaceOne(line, 'tool ', 'evil ') WHERE sequence = 7 SETTINGS mutations_sync = 2`,
      {
        eventId: expect.stringMatching(/\/7$/) as string,
        sentence: expect.stringContaining('is not what was recorded') as string,
      },
    ],
    [
      'D12-deleted',
      `ALTER TABLE event_lines DELETE WHERE sequence = 7 SETTINGS mutations_sync = 2`,
      { eventId: expect.stringMatching(/\/8$/) as string, sentence: expect.stringContaining('missing (7 to 7)') as string },
    ],
    ['D6-partition-dropped', `TRUNCATE TABLE event_lines`, { eventId: expect.stringMatching(/\/1$/) as string }],
    ['D6-checkpoint-dropped', `TRUNCATE TABLE checkpoints`, { line: 1 }],
  ];

  it.each(FORGERIES)('%s: by somebody with rights in the database, is found', async (_id, sql, expected) => {
    await using trail = await openTrail(openTables);
    await trail.record(20);
    await trail.checkpointer.sign();
    await trail.checkpointer.copy();
    await trail.engine.command(sql);
    expect(await trail.verify(await trail.exported(), trail.copied())).toMatchObject({ ok: false, ...expected });
  });

  it('D12: what is changed before it is signed, and is signed as it came, is found in the export', async () => {
    await using trail = await openTrail(openTables, 'everything');
    await trail.record(20);
    await trail.engine.command(
      `ALTER TABLE event_lines UPDATE line = replaceOne(line, 'tool ', 'evil ') WHERE sequence = 7 SETTINGS mutations_sync = 2`,
    );
    const checkpoint = await trail.checkpointer.sign();
    expect(Object.values(checkpoint!.heads).map(([sequence]) => sequence)).toEqual([20]);
    expect(await trail.verify(await trail.exported())).toMatchObject({
      ok: false,
      eventId: expect.stringMatching(/\/7$/) as string,
    });
  });

  it('D6: nothing behind a record that was changed before it was signed is ever signed', async () => {
    await using trail = await openTrail(openTables);
    await trail.record(20);
    await trail.engine.command(
      `ALTER TABLE event_lines UPDATE line = replaceOne(line, 'tool ', 'evil ') WHERE sequence = 7 SETTINGS mutations_sync = 2`,
    );
    const checkpoint = await trail.checkpointer.sign();
    expect(Object.values(checkpoint!.heads).map(([sequence]) => sequence)).toEqual([6]);
  });
});
