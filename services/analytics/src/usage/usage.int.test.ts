import { renderEvent } from '@switchyard/audit';
import type { EventFields } from '@switchyard/contracts';
import type { Engine } from '../engine/engine.js';
import { ENGINES, tablesForEach } from '../engine/engines.fixture.js';
import { USAGE_DAYS, USAGE_MINUTES, rangesOf } from './rollup.js';
import { UsageCounter } from './usage-counter.js';

const noon = Date.UTC(2026, 0, 15, 12);

interface Given extends Partial<EventFields> {
  readonly sequence: number;
  /** Milliseconds after noon. */
  readonly at: number;
}

const line = ({ sequence, at, ...fields }: Given) =>
  `${renderEvent(
    { type: 'tool.called', outcome: 'ok', server: 'work', upstream: 'files', capability: 'read', ...fields },
    { tenant: 'default', emitter: 'edge-1', epoch: noon, sequence, recordedAtMs: noon + at },
  )}\n`;

let inserts = 0;

/** Inserts under a token of its own, as after the deduplication window. */
const insert = (engine: Engine, ...events: readonly Given[]) =>
  engine.insertLines('events', Buffer.from(events.map(line).join('')), `insert-${(inserts += 1)}`);

async function count(engine: Engine): Promise<void> {
  await new UsageCounter(engine, USAGE_MINUTES).run();
  await new UsageCounter(engine, USAGE_DAYS).run();
}

const sums = `toUInt32(sum(events)) AS events, toUInt32(sum(errors)) AS errors, toUInt32(sum(failed_upstream)) AS failed_upstream,
  toUInt32(sum(bytes_in)) AS bytes, toUInt32(sum(cost_micros)) AS cost,
  arrayMap(x -> toUInt32(x), quantilesBFloat16Merge(0.5, 0.95, 0.99)(durations)) AS quantiles`;
const minutes = (engine: Engine) =>
  engine.query(`SELECT toString(minute) AS minute, ${sums} FROM usage_minutes FINAL GROUP BY minute ORDER BY minute`);
const days = (engine: Engine) =>
  engine.query(
    `SELECT toString(day) AS day, principal_name AS name, ${sums} FROM usage_days FINAL GROUP BY day, name ORDER BY day, name`,
  );

/** The same from events themselves, each once. */
const exactly = (engine: Engine) =>
  engine.query(
    `SELECT toString(toStartOfMinute(occurred_at)) AS minute, toUInt32(count()) AS events, toUInt32(countIf(outcome = 'error')) AS errors,
       toUInt32(countIf(origin = 'upstream')) AS failed_upstream, toUInt32(sum(e.bytes_in)) AS bytes, toUInt32(sum(e.cost_micros)) AS cost,
       arrayMap(x -> toUInt32(x), quantilesBFloat16(0.5, 0.95, 0.99)(e.duration_us)) AS quantiles
     FROM (SELECT * FROM events LIMIT 1 BY event_id) AS e GROUP BY minute ORDER BY minute`,
  );

describe('ranges of buckets', () => {
  it('put neighbours together, of one tenant and up to an hour', () => {
    const starts = Array.from({ length: 61 }, (_, index) => ({ tenant: 'a', start: 600 + index * 60 }));
    expect(rangesOf([...starts, { tenant: 'b', start: 4260 }, { tenant: 'b', start: 9000 }], 60)).toEqual([
      { tenant: 'a', from: 600, to: 4200 },
      { tenant: 'a', from: 4200, to: 4260 },
      { tenant: 'b', from: 4260, to: 4320 },
      { tenant: 'b', from: 9000, to: 9060 },
    ]);
  });
});

describe.each(ENGINES)('usage in %s', (_name, open) => {
  const openTables = tablesForEach(open);
  const withEngine = (test: (engine: Engine) => Promise<void>) => async () => {
    await using opened = await openTables();
    await test(opened.engine);
  };

  it(
    'counts by minute and by day',
    withEngine(async (engine) => {
      await insert(
        engine,
        { sequence: 1, at: 0, principal_name: 'ana', duration_us: 1024, bytes_in: 10, cost_micros: 5 },
        { sequence: 2, at: 59_999, principal_name: 'ana', duration_us: 4096, bytes_in: 20, outcome: 'error', origin: 'upstream' },
        { sequence: 3, at: 60_000, principal_name: 'bo', duration_us: 2048, bytes_in: 30 },
      );
      await count(engine);
      expect(await minutes(engine)).toEqual([
        {
          minute: '2026-01-15 12:00:00',
          events: 2,
          errors: 1,
          failed_upstream: 1,
          bytes: 30,
          cost: 5,
          quantiles: [1024, 4096, 4096],
        },
        {
          minute: '2026-01-15 12:01:00',
          events: 1,
          errors: 0,
          failed_upstream: 0,
          bytes: 30,
          cost: 0,
          quantiles: [2048, 2048, 2048],
        },
      ]);
      expect(await days(engine)).toEqual([
        {
          day: '2026-01-15',
          name: 'ana',
          events: 2,
          errors: 1,
          failed_upstream: 1,
          bytes: 30,
          cost: 5,
          quantiles: [1024, 4096, 4096],
        },
        {
          day: '2026-01-15',
          name: 'bo',
          events: 1,
          errors: 0,
          failed_upstream: 0,
          bytes: 30,
          cost: 0,
          quantiles: [2048, 2048, 2048],
        },
      ]);
    }),
  );

  it(
    'D3: stays exact when events come twice, late, and after they were counted',
    withEngine(async (engine) => {
      const events = Array.from({ length: 200 }, (_, index): Given => ({
        sequence: index + 1,
        at: (index * 7_919) % 300_000,
        duration_us: 1_000 + index * 37,
        bytes_in: index,
        cost_micros: 3,
        ...(index % 9 === 0 ? { outcome: 'error', origin: 'upstream' } : {}),
      }));
      await insert(engine, ...events.slice(0, 120));
      await count(engine);
      await insert(engine, ...events.slice(60, 150));
      await count(engine);
      await insert(engine, ...events.slice(0, 150));
      await insert(engine, ...events.slice(100));
      await count(engine);
      const expected = await exactly(engine);
      expect(expected).toHaveLength(5);
      expect(await minutes(engine)).toEqual(expected);
      for (const table of ['events', 'usage_minutes', 'usage_days']) await engine.command(`OPTIMIZE TABLE ${table} FINAL`);
      expect(await minutes(engine)).toEqual(expected);
      expect(await days(engine)).toEqual([expect.objectContaining({ events: 200, cost: 600 })]);
    }),
  );

  it(
    'D3: a count of before never takes the place of a later one',
    withEngine(async (engine) => {
      await insert(engine, { sequence: 1, at: 0 }, { sequence: 2, at: 1 });
      await count(engine);
      // As a replica writes it that read before the second event and is slow.
      await engine.command(
        `INSERT INTO usage_minutes (tenant, minute, type, server, upstream, capability, events)
         SELECT tenant, minute, type, server, upstream, capability, 1 FROM usage_minutes FINAL`,
      );
      expect(await minutes(engine)).toEqual([expect.objectContaining({ events: 2 })]);
    }),
  );

  it(
    'counts each mark when it is new, and again when its insert must have ended',
    withEngine(async (engine) => {
      const counter = new UsageCounter(engine, USAGE_MINUTES);
      await insert(engine, { sequence: 1, at: 0 });
      expect(await counter.run()).toBe(1);
      expect(await counter.run()).toBe(0);
      // Two minutes later, for the database: everything that it has noted is two minutes older.
      await engine.command('CREATE TABLE marks_before ENGINE = Memory AS SELECT * FROM usage_marks');
      await engine.command('TRUNCATE TABLE usage_marks');
      await engine.command('INSERT INTO usage_marks SELECT tenant, minute, marked_at - INTERVAL 121 SECOND FROM marks_before');
      await engine.command('CREATE TABLE progress_before ENGINE = Memory AS SELECT * FROM usage_progress');
      await engine.command('TRUNCATE TABLE usage_progress');
      await engine.command('INSERT INTO usage_progress SELECT rollup, through - INTERVAL 121 SECOND FROM progress_before');
      expect(await counter.run()).toBe(1);
      expect(await counter.run()).toBe(0);
    }),
  );

  it(
    'several at once count as one does',
    withEngine(async (engine) => {
      await insert(
        engine,
        ...Array.from({ length: 100 }, (_, index) => ({ sequence: index + 1, at: index * 1_000, bytes_in: 1 })),
      );
      await Promise.all([1, 2, 3].map(() => count(engine)));
      expect(await minutes(engine)).toEqual([
        expect.objectContaining({ events: 60, bytes: 60 }),
        expect.objectContaining({ events: 40, bytes: 40 }),
      ]);
    }),
  );

  it(
    'counts everything anew when told',
    withEngine(async (engine) => {
      await insert(engine, { sequence: 1, at: 0 }, { sequence: 2, at: 3_600_000 }, { sequence: 3, at: 86_400_000 });
      await engine.command('TRUNCATE TABLE usage_marks');
      expect(await new UsageCounter(engine, USAGE_DAYS).recount()).toBe(2);
      expect(await new UsageCounter(engine, USAGE_MINUTES).recount()).toBe(3);
      expect(await minutes(engine)).toHaveLength(3);
      expect(await days(engine)).toHaveLength(2);
    }),
  );
});
