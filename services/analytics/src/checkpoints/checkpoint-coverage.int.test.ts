import { publicCheckpointKey, renderEvent, verifyExport, type SignedCheckpoint } from '@switchyard/audit';
import { eventsSubject } from '@switchyard/contracts';
import type { StreamMessage } from '@switchyard/messaging';
import { openLocalPlatform } from '@switchyard/platform';
import { createLogger } from '@switchyard/telemetry';
import { FakeClock, tempDir } from '@switchyard/testing';
import { hash } from 'node:crypto';
import path from 'node:path';
import { ENGINES, tablesForEach } from '../engine/engines.fixture.js';
import { storeBatch } from '../ingest/store-batch.js';
import { loadCheckpointKey } from './checkpoint-key-file.js';
import { CheckpointStore } from './checkpoint-store.js';
import { Checkpointer } from './checkpointer.js';
import { StoredRuns } from './stored-runs.js';
import { RetentionRecords } from '../retention/retention-records.js';
import { TrailLines } from './trail-lines.js';
import { verifiableExport } from './verifiable-export.js';

const tenant = 'default';
const epoch = 1767225600000;
const EMITTERS = ['edge-1', 'edge-2'];
const LINES = 120;
const REPLICAS = 3;

/** Numbers from 0 up to 1 that are the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Linked as docs/adr/0060-tamper-evidence.md says. */
function linked(emitter: string, of = tenant): Buffer[] {
  let link = sha256(`switchyard-audit-chain/1 ${emitter}/${epoch}`);
  return Array.from({ length: LINES }, (_, index) => {
    const identity = { tenant: of, emitter, epoch, sequence: index + 1, recordedAtMs: epoch + index };
    const text = renderEvent({ type: 'tool.called', outcome: 'ok', capability: `tool ü ${index}` }, identity).slice(0, -1);
    const line = (chain: string) => `${text},"chain":"${chain}"}`;
    link = sha256(line(link));
    return Buffer.from(line(link));
  });
}

const sha256 = (text: string) => hash('sha256', text, 'base64url');

function messageOf(emitter: string, lines: readonly Buffer[], first: number, count: number): StreamMessage {
  const some = lines.slice(first, first + count);
  const data = Buffer.concat(some.flatMap((line) => [line, Buffer.from('\n')]));
  const messageId = `${emitter}/${epoch}/${first + 1}-${first + some.length}`;
  return { subject: eventsSubject(tenant, emitter), messageId, sequence: '1', data };
}

/** Each line in one message at least; some messages twice, some lines in messages that overlap, late ones far from their place. */
function deliveries(random: () => number): StreamMessage[] {
  const all = EMITTERS.flatMap((emitter) => {
    const lines = linked(emitter);
    const messages: StreamMessage[] = [];
    for (let first = 0, count; first < LINES; first += count) {
      count = 1 + Math.floor(random() * 9);
      messages.push(messageOf(emitter, lines, first, count));
      if (random() < 0.2) messages.push(messageOf(emitter, lines, first, count));
      if (random() < 0.3) messages.push(messageOf(emitter, lines, Math.max(0, first - 4), count + 2));
    }
    return messages;
  });
  const placed = all.map((message, index) => ({
    message,
    place: (index * LINES) / all.length + random() * 20 * (random() < 0.2 ? 5 : 1),
  }));
  return placed.sort((one, other) => one.place - other.place).map(({ message }) => message);
}

// The engine that is quicker to open: what is tried is above it.
describe.each(ENGINES.slice(1))('checkpoints of what several replicas store in %s', (_name, open) => {
  const openTables = tablesForEach(open);

  it.each([1, 2, 3])(
    'D6, D12: cover each line exactly once, whoever has stored it, was killed, or got it late or again; seed %i',
    async (seed) => {
      await using undo = new AsyncDisposableStack();
      const { engine } = undo.use(await openTables());
      const dir = undo.use(await tempDir()).path;
      const options = {
        dataDir: dir,
        service: 'analytics',
        emitter: 'a',
        logLevel: 'silent',
        auditLimitBytes: 1_000_000,
      } as const;
      const { state, telemetry } = undo.adopt(await openLocalPlatform(options), (it) => it.close());
      const key = await loadCheckpointKey({ file: path.join(dir, 'key.json'), createIfMissing: true });
      const store = await CheckpointStore.open(state, engine, tenant);
      const lines = new TrailLines(engine, tenant);
      const audit = { record: async () => undefined };
      const log = createLogger({ service: 'test', level: 'silent' });
      const clock = new FakeClock(Date.now());
      const deps = { tenant, key, store, lines, copies: undefined, audit, meter: telemetry.meter, clock, log };
      const replica = () => {
        const runs = new StoredRuns(tenant);
        return { runs, checkpointer: new Checkpointer({ ...deps, runs }) };
      };
      const replicas = Array.from({ length: REPLICAS }, replica);
      const random = randomOf(seed);
      const checkpoints: SignedCheckpoint[] = [];
      const sign = async (at: number) => {
        clock.advance(60_000);
        const checkpoint = await replicas[at]!.checkpointer.sign();
        if (checkpoint) checkpoints.push(checkpoint);
      };

      const waiting = deliveries(random);
      while (waiting.length > 0) {
        const at = Math.floor(random() * REPLICAS);
        const batch = waiting.splice(0, 1 + Math.floor(random() * 6));
        await storeBatch(engine, batch);
        // Killed between the database's answer and its own memory, or the stream's: somebody else gets the batch again.
        if (random() < 0.2) {
          replicas[at] = replica();
          if (random() < 0.7) waiting.splice(Math.floor(random() * 5), 0, ...batch);
        } else replicas[at]!.runs.add(batch);
        if (random() < 0.4) await sign(Math.floor(random() * REPLICAS));
      }
      for (let at = 0; at < REPLICAS; at++) await sign(at);

      expect(checkpoints.length).toBeGreaterThan(3);
      expect(checkpoints.map(({ number }) => number)).toEqual(checkpoints.map((_, index) => index + 1));
      for (const emitter of EMITTERS) {
        const reached = checkpoints.map(({ heads }) => heads[`${emitter}/${epoch}`]?.[0] ?? 0);
        expect(reached).toEqual(reached.toSorted((one, other) => one - other));
        expect(reached.at(-1)).toBe(LINES);
      }
      const exported: Buffer[] = [];
      const text = await verifiableExport(
        { fromMs: 0, untilMs: undefined },
        { store, lines, key, records: new RetentionRecords(engine, tenant, key) },
      );
      for await (const line of text ?? []) exported.push(Buffer.from(line.trimEnd()));
      const verdict = await verifyExport(each(exported), {
        keys: [await publicCheckpointKey(key)],
        copies: checkpoints.map(({ jws }) => jws),
      });
      expect(verdict).toMatchObject({ ok: true, events: EMITTERS.length * LINES, checkpoints: checkpoints.length });
    },
    120_000,
  );
});

async function* each(lines: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const line of lines) yield await Promise.resolve(line);
}

describe('runs that a replica remembers', () => {
  const all = (of: string) => linked('edge-1', of);

  it('T4: are those of its tenant: what another says under the same name is read from the database, which tells them apart', () => {
    const runs = new StoredRuns(tenant);
    runs.add([messageOf('edge-1', all('other'), 0, 5)]);
    expect(runs.of(`edge-1/${epoch}`)).toEqual([]);
    runs.add([messageOf('edge-1', all(tenant), 0, 5)]);
    expect(runs.of(`edge-1/${epoch}`)).toMatchObject([{ first: 1, last: 5, hasNews: true }]);
  });

  it('are forgotten when they are signed, and all of them before they take too much room', () => {
    const runs = new StoredRuns(tenant, 3);
    const lines = all(tenant);
    for (const first of [0, 5, 10]) runs.add([messageOf('edge-1', lines, first, 5)]);
    runs.forget(`edge-1/${epoch}`, 7);
    expect(runs.of(`edge-1/${epoch}`).map(({ first }) => first)).toEqual([6, 11]);
    for (const first of [15, 20]) runs.add([messageOf('edge-1', lines, first, 5)]);
    expect(runs.of(`edge-1/${epoch}`).map(({ first }) => first)).toEqual([21]);
  });
});
