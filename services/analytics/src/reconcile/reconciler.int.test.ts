import { renderEvent } from '@switchyard/audit';
import { BUCKETS, emitterProgressKey, type EventFields } from '@switchyard/contracts';
import { SqliteState } from '@switchyard/state';
import { createLogger } from '@switchyard/telemetry';
import { FakeClock } from '@switchyard/testing';
import { ENGINES, tablesForEach } from '../engine/engines.fixture.js';
import type { Gap } from './gap-table.js';
import { Reconciler } from './reconciler.js';

const log = createLogger({ service: 'test', level: 'silent' });
const epoch = 1767225600000;
const minute = 60_000;

/** @param atMs what the emitter's clock says */
function linesOf(sequences: readonly number[], emitter = 'edge-1', atMs = (sequence: number) => epoch + sequence): Buffer {
  const lines = sequences.map((sequence) => {
    const identity = { tenant: 'default', emitter, epoch, sequence, recordedAtMs: atMs(sequence) };
    return `${renderEvent({ type: 'tool.called', outcome: 'ok' }, identity)}\n`;
  });
  return Buffer.from(lines.join(''));
}

const upTo = (last: number, except: readonly number[] = []) =>
  Array.from({ length: last }, (_, index) => index + 1).filter((sequence) => !except.includes(sequence));

const spans = (gaps: readonly Gap[]) => gaps.map(({ emitter, first, last }) => `${emitter} ${first}-${last}`);

describe.each(ENGINES)('the reconciler on %s', (_name, openEngine) => {
  const openTables = tablesForEach(openEngine);

  async function prepare() {
    const opened = await openTables();
    const state = SqliteState.open(':memory:');
    const emitters = await state.bucket(BUCKETS.emitters, 'default');
    const clock = new FakeClock(epoch);
    const events: EventFields[] = [];
    const audit = { record: async (event: EventFields) => void events.push(event) };
    const { engine } = opened;
    const reconciler = new Reconciler({ engine, emitters, audit, clock, log });
    let inserts = 0;
    return {
      engine,
      clock,
      events,
      reconciler,
      insert: (lines: Buffer) => engine.insertLines('events', lines, `test-${(inserts += 1)}`),
      say: (emitter: string, written: number, forwarded: number, atMs = clock.now()) =>
        emitters.put(emitterProgressKey(emitter, epoch), Buffer.from(JSON.stringify({ written, forwarded, at_ms: atMs }))),
      run: async (afterMs = minute) => {
        clock.advance(afterMs);
        return reconciler.run();
      },
      [Symbol.asyncDispose]: async () => {
        await state.close();
        await opened[Symbol.asyncDispose]();
      },
    };
  }

  it('says nothing where nothing is missing, whatever came twice (D3), in whatever order, by whatever clock (D9)', async () => {
    await using it = await prepare();
    await it.insert(linesOf([3, 1, 2]));
    await it.insert(linesOf([2, 3, 4]));
    // An hour forward, an hour back, and a step back in the middle.
    await it.insert(
      linesOf(upTo(9), 'edge-2', (sequence) => epoch + (sequence % 2 === 0 ? 3_600_000 : -3_600_000) - sequence * 1_000),
    );
    expect([await it.run(), await it.run()].map(({ open }) => open)).toEqual([[], []]);
    const rows = await it.engine.query(
      `SELECT toUInt32(count()) AS rows FROM (SELECT event_id FROM events WHERE emitter = 'edge-1' LIMIT 1 BY event_id)`,
    );
    expect(rows).toEqual([{ rows: 4 }]);
    const placed = await it.engine.query(
      `SELECT toUInt32(sequence) AS sequence FROM events WHERE emitter = 'edge-2' ORDER BY emitter, epoch, sequence`,
    );
    expect(placed).toEqual(upTo(9).map((sequence) => ({ sequence })));
  });

  it('reports what is missing in two runs, once, and what closes it: late events', async () => {
    await using it = await prepare();
    await it.insert(linesOf(upTo(20, [5, 6, 7, 12])));
    expect((await it.run()).found).toEqual([]);
    const { found } = await it.run();
    expect(spans(found)).toEqual(['edge-1 5-7', 'edge-1 12-12']);
    expect(it.events).toMatchObject([
      {
        type: 'audit.gap_found',
        outcome: 'error',
        detail: { emitter: 'edge-1', epoch: `${epoch}`, first: '5', last: '7', missing: '3' },
      },
      { type: 'audit.gap_found', detail: { first: '12', last: '12', missing: '1' } },
    ]);
    expect((await it.run()).found).toEqual([]);
    await it.insert(linesOf([6, 12]));
    const partly = await it.run();
    expect([spans(partly.closed), spans(partly.open)]).toEqual([
      ['edge-1 5-7', 'edge-1 12-12'],
      ['edge-1 5-5', 'edge-1 7-7'],
    ]);
    await it.insert(linesOf([5, 7]));
    const last = await it.run();
    expect([spans(last.closed), last.open]).toEqual([['edge-1 5-5', 'edge-1 7-7'], []]);
    expect(it.events.slice(2).map(({ type, detail }) => [type, detail?.still_missing])).toEqual([
      ['audit.gap_closed', '2'],
      ['audit.gap_closed', '0'],
      ['audit.gap_closed', '0'],
      ['audit.gap_closed', '0'],
    ]);
    const left = await it.engine.query(
      `SELECT toUInt32(count()) AS gaps FROM audit_gaps FINAL WHERE closed_at = toDateTime64(0, 3, 'UTC')`,
    );
    expect(left).toEqual([{ gaps: 0 }]);
  });

  it('misses what an emitter forwarded, and what one recorded that has gone silent; not what is on its way', async () => {
    await using it = await prepare();
    await it.insert(linesOf(upTo(5), 'edge-1'));
    await it.insert(linesOf(upTo(5), 'edge-2'));
    await it.say('edge-1', 9, 8);
    await it.say('edge-2', 7, 5, it.clock.now() - 3_600_000);
    await it.say('edge-3', 2, 0);
    expect([await it.run(), await it.run()].map(({ found }) => spans(found))).toEqual([[], ['edge-2 6-7']]);
    await it.say('edge-1', 9, 8);
    await it.say('edge-3', 2, 0);
    // Five minutes later everything that was forwarded should have arrived.
    expect(spans((await it.run(5 * minute)).found)).toEqual([]);
    await it.say('edge-1', 9, 8);
    await it.say('edge-3', 2, 0);
    expect(spans((await it.run()).found)).toEqual(['edge-1 6-8']);
    await it.insert(linesOf([6, 7, 8], 'edge-1'));
    expect(spans((await it.run()).closed)).toEqual(['edge-1 6-8']);
  });

  it('finds one that is missing among hundreds of thousands, and a missing run over the ends of parts', async () => {
    await using it = await prepare();
    const missing = new Set([1, 65_535, 65_536, 131_072, 140_000]);
    const select = `SELECT concat('edge-1/1/', toString(number)) AS event_id, 'default' AS tenant, 'tool.called' AS type,
      fromUnixTimestamp64Milli(toInt64(1767225600000 + number)) AS occurred_at, 'edge-1' AS emitter, 1 AS epoch, number AS sequence
      FROM numbers(1, 150000) WHERE number NOT IN (${[...missing].join(', ')})`;
    await it.engine.command(`INSERT INTO events (event_id, tenant, type, occurred_at, emitter, epoch, sequence) ${select}`);
    await it.run();
    expect(spans((await it.run()).found)).toEqual(
      ['1-1', '65535-65536', '131072-131072', '140000-140000'].map((range) => `edge-1 ${range}`),
    );
  });
});
