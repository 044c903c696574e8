import { publicCheckpointKey, verifyExport } from '@switchyard/audit';
import { BUCKETS, EVENTS_STREAM, type EventFields } from '@switchyard/contracts';
import type { StreamMessage } from '@switchyard/messaging';
import { openLocalPlatform, type Platform } from '@switchyard/platform';
import { createLogger } from '@switchyard/telemetry';
import { FakeClock, tempDir } from '@switchyard/testing';
import path from 'node:path';
import { CheckpointCopies } from '../checkpoints/checkpoint-copies.js';
import { loadCheckpointKey } from '../checkpoints/checkpoint-key-file.js';
import { CheckpointStore } from '../checkpoints/checkpoint-store.js';
import { Checkpointer } from '../checkpoints/checkpointer.js';
import { StoredRuns } from '../checkpoints/stored-runs.js';
import { TrailLines } from '../checkpoints/trail-lines.js';
import { verifiableExport } from '../checkpoints/verifiable-export.js';
import type { Engine } from '../engine/engine.js';
import type { OpenedEngine } from '../engine/engines.fixture.js';
import { linesOf } from '../ingest/message-lines.js';
import type { DeliveredThrough } from '../sinks/delivered-through.js';
import { Gate } from './gate.js';
import { RetentionPass, type PassDeps, type RetentionDays } from './retention-pass.js';
import { RetentionRecords } from './retention-records.js';

export const DAY_MS = 86_400_000;
export const TENANT = 'default';
const log = createLogger({ service: 'test', level: 'silent' });
const lasting = new AbortController().signal;

/** Stores events as they come, as if the database's clock said what the test's does. */
async function store(engine: Engine, messages: readonly StreamMessage[], atMs: number): Promise<void> {
  const texts = messages.flatMap(linesOf).map(({ bytes }) => bytes.toString());
  const at = new Date(atMs).toISOString();
  const token = messages.map(({ messageId }) => messageId).join(' ');
  const events = texts.map((text) => `${text.slice(0, -1)},"ingested_at":"${at}"}\n`);
  const lines = texts.map((line) => `${JSON.stringify({ line, stored_at: Math.floor(atMs / 1_000) })}\n`);
  await engine.insertLines('event_lines', Buffer.from(lines.join('')), token);
  await engine.insertLines('events', Buffer.from(events.join('')), token);
}

/** A trail in a database, what is deleted from it, and what retention says. @param open with empty tables */
export async function openRetention(open: () => Promise<OpenedEngine>) {
  await using undo = new AsyncDisposableStack();
  const { engine } = undo.use(await open());
  const dir = undo.use(await tempDir()).path;
  const clock = new FakeClock(Date.parse('2025-01-01T00:00:00.000Z'));
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
  const consume = {
    stream: EVENTS_STREAM,
    durable: 'test',
    batchMessages: 100,
    batchBytes: 1024 ** 2,
    batchWaitMs: 10,
    handle: (messages: readonly StreamMessage[]) => store(engine, messages, clock.now()),
    onError: (error: unknown) => log.error('events were not stored', { error }),
  };
  undo.adopt(await platform.bus.consume(consume), (it) => it.close());
  const key = await loadCheckpointKey({ file: path.join(dir, 'key', 'checkpoint.json'), createIfMissing: true });
  const checkpoints = await CheckpointStore.open(platform.state, engine, TENANT);
  const now = async () => clock.now();
  const lines = Object.assign(new TrailLines(engine, TENANT), { now });
  const records = new RetentionRecords(engine, TENANT, key);
  const checkpointer = new Checkpointer({
    ...{ tenant: TENANT, key, store: checkpoints, lines, audit: platform.audit, meter: platform.telemetry.meter, clock, log },
    copies: new CheckpointCopies(path.join(dir, 'copies')),
    runs: new StoredRuns(TENANT),
  });
  const kv = await platform.state.bucket(BUCKETS.retention, TENANT);
  const gate = new Gate(kv, clock);
  const sinks: DeliveredThrough[] = [];
  const told: EventFields[] = [];
  const audit: PassDeps['audit'] = { record: async (event) => void told.push(event) };
  const deps = {
    ...{ engine, tenant: TENANT, kv, gate, records, key, audit, now, log },
    copiedThrough: () => checkpoints.copied(),
    sinks: async () => sinks,
  };
  /** In process, what was forwarded has been stored. */
  const stored = async () => {
    while (platform.audit.depthBytes() > 0) await new Promise((resolve) => setImmediate(resolve));
  };
  const exported = async (fromMs = 0) => {
    const text = await verifiableExport({ fromMs, untilMs: undefined }, { store: checkpoints, lines, key, records });
    const found: Buffer[] = [];
    for await (const line of text ?? []) found.push(Buffer.from(line.trimEnd()));
    return found;
  };
  const opened = undo.move();
  return {
    ...{ engine, clock, kv, gate, records, sinks, told, checkpointer, deps, exported, platform },
    pass: (days: RetentionDays, other: Partial<typeof deps> = {}, signal = lasting) =>
      new RetentionPass({ ...deps, ...other }).run(days, signal),
    /** Records events, each with a name of its own. */
    record: async (count: number, fields: Partial<EventFields> = {}) => {
      const events = Array.from({ length: count }, (_, index) =>
        platform.audit.record({ type: 'tool.called', outcome: 'ok', capability: `tool ${index}`, ...fields }),
      );
      await Promise.all(events);
      await stored();
    },
    /** Signs what there is, and copies that away. */
    seal: async () => {
      const signed = await checkpointer.sign();
      await checkpointer.copy();
      await stored();
      return signed;
    },
    verify: async (text: readonly Buffer[]) => verifyExport(each(text), { keys: [await publicCheckpointKey(key)], copies: [] }),
    count: async (table: string, where = '1') => {
      const [row] = (await engine.query(`SELECT toUInt32(count()) AS rows FROM ${table} WHERE ${where}`)) as { rows: number }[];
      return row?.rows ?? 0;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function* each(lines: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const line of lines) yield await Promise.resolve(line);
}
