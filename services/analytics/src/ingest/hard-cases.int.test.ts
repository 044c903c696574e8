import { renderEvent } from '@switchyard/audit';
import { eventsSubject, type EventFields } from '@switchyard/contracts';
import type { StreamMessage } from '@switchyard/messaging';
import type { Engine } from '../engine/engine.js';
import { ENGINES, tablesForEach } from '../engine/engines.fixture.js';
import { storeBatch } from './store-batch.js';

const epoch = 1767225600000;
const emitter = 'edge-1';

function eventLine(sequence: number, fields: Partial<EventFields> = {}, recordedAtMs = epoch + sequence): string {
  const identity = { tenant: 'default', emitter, epoch, sequence, recordedAtMs };
  return `${renderEvent({ type: 'tool.called', outcome: 'ok', ...fields }, identity)}\n`;
}

const message = (lines: readonly (string | Buffer)[], messageId = `${emitter}/${epoch}/1-9`): StreamMessage => ({
  subject: eventsSubject('default', emitter),
  messageId,
  sequence: '1',
  data: Buffer.concat(lines.map((line) => Buffer.from(line as string))),
});

/** A line that an older or newer version, a broken disk or an attacker made of an event. */
const changed = (sequence: number, members: string | Buffer) =>
  Buffer.concat([Buffer.from(eventLine(sequence).slice(0, -2)), Buffer.from(members as string), Buffer.from('}\n')]);

/** Rows as they are read, in the order of their emitter. */
const rows = (engine: Engine, columns: string) =>
  engine.query(`SELECT ${columns} FROM (SELECT * FROM events LIMIT 1 BY event_id) ORDER BY emitter, epoch, sequence
    SETTINGS date_time_output_format = 'iso'`);

const figure = async (engine: Engine, sql: string) => Number(((await engine.query(sql)) as { n: string }[])[0]?.n);

describe.each(ENGINES)('hard cases in %s', (_name, open) => {
  const openTables = tablesForEach(open);
  const withEngine = (test: (engine: Engine) => Promise<void>) => async () => {
    await using opened = await openTables();
    await test(opened.engine);
  };

  it(
    'D3: a spool that is replayed after the window, and after the month, is one row for each event at read',
    withEngine(async (engine) => {
      await storeBatch(engine, [message([1, 2, 3].map((sequence) => eventLine(sequence)))]);
      // The same rows as they would lie there if they had come in another month, which no merge puts together.
      await engine.command('INSERT INTO events SELECT * REPLACE (ingested_at - INTERVAL 40 DAY AS ingested_at) FROM events');
      await storeBatch(engine, [message([eventLine(1)], 'again'), message([eventLine(2), eventLine(3)], 'and-again')]);
      await engine.command('OPTIMIZE TABLE events FINAL');
      expect(await figure(engine, 'SELECT count() AS n FROM events')).toBe(6);
      expect(await rows(engine, 'toUInt32(sequence) AS sequence')).toEqual([{ sequence: 1 }, { sequence: 2 }, { sequence: 3 }]);
      expect(await figure(engine, 'SELECT count() AS n FROM events FINAL')).toBe(3);
      expect(await figure(engine, 'SELECT count(DISTINCT event_id) AS n FROM events')).toBe(3);
    }),
  );

  it.each([
    ['arguments of 5 MiB', changed(2, `,"detail":{"arguments":"${'x'.repeat(5 * 1024 ** 2)}"}`), 'line_too_long'],
    [
      'bad UTF-8',
      changed(2, Buffer.concat([Buffer.from(',"server":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"')])),
      'not_utf8',
    ],
    ['an unknown field', changed(2, ',"mood":"fine"'), 'not_an_event'],
    ['a wrong type', changed(2, ',"bytes_in":"many"'), 'not_an_event'],
    ['a member that comes twice', changed(2, ',"type":"auth.signed_in"'), 'not_an_event'],
  ])('D4: %s becomes a dead letter and an event that says so; the stream goes on', (_id, poison, reason) =>
    withEngine(async (engine) => {
      const batch = [message([eventLine(1), poison, eventLine(3)]), message([eventLine(4)], 'next')];
      for (let time = 0; time < 2; time++) expect((await storeBatch(engine, batch)).rows).toBe(3);
      expect(await rows(engine, 'toUInt32(sequence) AS sequence, type, outcome, reason')).toEqual([
        { sequence: 1, type: 'tool.called', outcome: 'ok', reason: '' },
        { sequence: 2, type: 'event.unreadable', outcome: 'unknown', reason },
        { sequence: 3, type: 'tool.called', outcome: 'ok', reason: '' },
        { sequence: 4, type: 'tool.called', outcome: 'ok', reason: '' },
      ]);
      expect(
        await engine.query(
          `SELECT toUInt32(length(line)) AS bytes, lower(hex(SHA256(line))) = (SELECT any(detail['sha256']) FROM events WHERE sequence = 2) AS same
           FROM dead_letters FINAL`,
        ),
      ).toEqual([{ bytes: poison.length - 1, same: 1 }]);
    })(),
  );

  it(
    'D4: values that only a newer version knows are kept as they are',
    withEngine(async (engine) => {
      const newer = eventLine(1).replace('"tool.called"', '"tool.dreamt"').replace('"ok"', '"surprised"');
      expect(await storeBatch(engine, [message([newer])])).toEqual({ rows: 1, deadLetters: [] });
      expect(await rows(engine, 'type, outcome')).toEqual([{ type: 'tool.dreamt', outcome: 'surprised' }]);
    }),
  );

  it.each([
    ['another emitter', changed(2, ',"mood":"fine"').toString().replaceAll('edge-1', 'edge-2')],
    ['another tenant', changed(2, ',"mood":"fine"').toString().replace('"tenant":"default"', '"tenant":"other"')],
    ['an id that is not its own', changed(2, ',"mood":"fine"').toString().replace(`${epoch}/2"`, `${epoch}/9"`)],
    ['nothing', 'rubbish\n'],
  ])('D4: a line that speaks in the name of %s stands for no event', (_id, poison) =>
    withEngine(async (engine) => {
      const { deadLetters } = await storeBatch(engine, [message([eventLine(1), poison])]);
      expect(deadLetters).toHaveLength(1);
      expect(await rows(engine, 'toUInt32(sequence) AS sequence')).toEqual([{ sequence: 1 }]);
    })(),
  );

  it.each([
    ['time', 'SELECT count() FROM numbers(1000000000000) WHERE cityHash64(number) % 7 = 0 SETTINGS max_execution_time = 2', 159],
    ['memory', 'SELECT length(groupArray(number)) FROM numbers(2000000000) SETTINGS max_memory_usage = 268435456', 241],
  ])('X7: a question that takes too much %s is ended, and events go on being stored meanwhile', (_id, question, code) =>
    withEngine(async (engine) => {
      const ended = expect(engine.query(question)).rejects.toMatchObject({ code });
      for (let sequence = 1; sequence <= 3; sequence++)
        expect((await storeBatch(engine, [message([eventLine(sequence)], `m-${sequence}`)])).rows).toBe(1);
      await ended;
      expect(await figure(engine, 'SELECT count() AS n FROM events')).toBe(3);
    })(),
  );

  it(
    'D9: clocks that are wrong, go back or leap change neither order nor partition, and all times are kept',
    withEngine(async (engine) => {
      const hour = 3_600_000;
      const clocks = [0, hour, -hour, 1, Date.UTC(2037, 0) - epoch, 2];
      await storeBatch(engine, [message(clocks.map((off, index) => eventLine(index + 1, {}, epoch + off)))]);
      const given = eventLine(7, { occurred_at: '2016-12-31T23:59:59.999Z' });
      await storeBatch(engine, [message([given], 'given')]);
      const read = (await rows(engine, 'toUInt32(sequence) AS sequence, occurred_at, recorded_at')) as {
        sequence: number;
        occurred_at: string;
        recorded_at: string;
      }[];
      expect(read.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7]);
      expect(read.slice(0, 6).map(({ occurred_at }) => Date.parse(occurred_at))).toEqual(clocks.map((off) => epoch + off));
      expect(read[6]).toMatchObject({ occurred_at: '2016-12-31T23:59:59.999Z', recorded_at: '2026-01-01T00:00:00.007Z' });
      const arrivals = "SELECT count() AS n FROM events WHERE abs(dateDiff('second', ingested_at, now64(3))) < 3600";
      expect(await figure(engine, arrivals)).toBe(7);
      const partitions = await engine.query(
        `SELECT DISTINCT partition = concat('(\\'default\\',', toString(toYYYYMM(now('UTC'))), ')') AS is_of_arrival FROM system.parts
         WHERE database = currentDatabase() AND table = 'events' AND active`,
      );
      expect(partitions).toEqual([{ is_of_arrival: 1 }]);
    }),
  );

  it(
    'D9: a leap second is no time that the engine knows: kept apart, byte for byte, or as the second after it',
    withEngine(async (engine) => {
      const leap = eventLine(1, { occurred_at: '2016-12-31T23:59:60.000Z' });
      const { rows: stored, deadLetters } = await storeBatch(engine, [message([leap])]);
      expect(stored + deadLetters.length).toBe(1);
      expect(await figure(engine, 'SELECT count() AS n FROM events')).toBe(1);
    }),
  );
});
