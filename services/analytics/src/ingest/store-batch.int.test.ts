import type { EventFields } from '@switchyard/contracts';
import { renderEvent } from '@switchyard/audit';
import type { StreamMessage } from '@switchyard/messaging';
import { EngineError, type Engine } from '../engine/engine.js';
import { ENGINES, tablesForEach } from '../engine/engines.fixture.js';
import { storeBatch } from './store-batch.js';

const epoch = 1767225600000;

function eventLine(sequence: number, fields: Partial<EventFields> = {}): string {
  const identity = { tenant: 'default', emitter: 'edge-1', epoch, sequence, recordedAtMs: epoch + sequence };
  return `${renderEvent({ type: 'tool.called', outcome: 'ok', ...fields }, identity)}\n`;
}

/** The message that a forwarder makes of these sequences. */
function message(first: number, last: number): StreamMessage {
  const lines = Array.from({ length: last - first + 1 }, (_, index) => eventLine(first + index));
  return rawMessage(Buffer.from(lines.join('')), `edge-1/${epoch}/${first}-${last}`);
}

const rawMessage = (data: Buffer, messageId = 'edge-1/1/raw'): StreamMessage => ({
  subject: 'switchyard.events.v1.x.y',
  messageId,
  sequence: '1',
  data,
});

type Counts = { readonly raw: number; readonly exact: number };

async function counts(engine: Engine): Promise<Counts> {
  const [row] = (await engine.query(
    'SELECT toUInt32((SELECT count() FROM events)) AS raw, toUInt32((SELECT count() FROM events FINAL)) AS exact',
  )) as Counts[];
  return row ?? { raw: -1, exact: -1 };
}

const deadLetters = (engine: Engine) =>
  engine.query('SELECT message_id, line_number, reason, line FROM dead_letters FINAL ORDER BY message_id, line_number');

/** An engine that fails as told, after or before the real one did its work. */
function failing(
  engine: Engine,
  fail: { before?: (table: string) => Error | undefined; after?: () => Error | undefined },
): Engine {
  return {
    command: (sql, params) => engine.command(sql, params),
    query: (sql, params) => engine.query(sql, params),
    insertLines: async (table, lines, token) => {
      const refused = fail.before?.(table);
      if (refused) throw refused;
      const rows = await engine.insertLines(table, lines, token);
      const lost = fail.after?.();
      if (lost) throw lost;
      return rows;
    },
    insertTexts: (...texts) => engine.insertTexts(...texts),
    ready: () => engine.ready(),
    close: () => engine.close(),
  };
}

describe.each(ENGINES)('storing batches in %s', (_name, open) => {
  const openTables = tablesForEach(open);
  const withEngine = (test: (engine: Engine) => Promise<void>) => async () => {
    await using opened = await openTables();
    await test(opened.engine);
  };

  it(
    'stores every event',
    withEngine(async (engine) => {
      expect(await storeBatch(engine, [message(1, 300), message(301, 500)])).toEqual({ rows: 500, deadLetters: [] });
      expect(await counts(engine)).toEqual({ raw: 500, exact: 500 });
    }),
  );

  it(
    'stores a batch that comes again once: the engine knows its token',
    withEngine(async (engine) => {
      for (let time = 0; time < 3; time++) await storeBatch(engine, [message(1, 100), message(101, 200)]);
      expect(await counts(engine)).toEqual({ raw: 200, exact: 200 });
    }),
  );

  it(
    'reads shifted batches exactly: other tokens, the same events',
    withEngine(async (engine) => {
      await storeBatch(engine, [message(1, 100)]);
      await storeBatch(engine, [message(51, 150), message(151, 160)]);
      await storeBatch(engine, [message(1, 160)]);
      const { raw, exact } = await counts(engine);
      expect(exact).toBe(160);
      expect(raw).toBeGreaterThanOrEqual(160);
      await engine.command('OPTIMIZE TABLE events FINAL');
      expect(await counts(engine)).toEqual({ raw: 160, exact: 160 });
    }),
  );

  it(
    'survives a restart between insert and acknowledgement',
    withEngine(async (engine) => {
      const lost = failing(engine, { after: () => new EngineError('the connection broke', undefined) });
      await expect(storeBatch(lost, [message(1, 100)])).rejects.toBeInstanceOf(EngineError);
      // Redelivered together with what came meanwhile.
      await storeBatch(engine, [message(1, 100), message(101, 120)]);
      expect((await counts(engine)).exact).toBe(120);
    }),
  );

  it(
    'stores nothing as dead while the engine is at fault',
    withEngine(async (engine) => {
      // 241 MEMORY_LIMIT_EXCEEDED, 243 NOT_ENOUGH_SPACE, 60 UNKNOWN_TABLE, 242 TABLE_IS_READ_ONLY, none
      for (const code of [241, 243, 60, 242, undefined]) {
        const broken = failing(engine, { before: (table) => (table === 'events' ? new EngineError('no', code) : undefined) });
        await expect(storeBatch(broken, [message(1, 10), rawMessage(Buffer.from('rubbish\n'))])).rejects.toMatchObject({ code });
      }
      expect(await counts(engine)).toEqual({ raw: 0, exact: 0 });
      expect(await deadLetters(engine)).toEqual([]);
    }),
  );

  const badUtf8 = Buffer.concat([
    Buffer.from(eventLine(7).slice(0, -2)),
    Buffer.from(',"server":"'),
    Buffer.from([0xc3, 0x28]),
    Buffer.from('"}\n'),
  ]);

  it.each([
    ['rubbish', Buffer.from('rubbish\n'), 'not_an_event'],
    ['bad-utf8', badUtf8, 'not_utf8'],
    [
      'unknown-column',
      Buffer.from('{"event_id":"a","tenant":"t","type":"x","occurred_at":"2026-01-01T00:00:00Z","mood":"fine"}\n'),
      'not_an_event',
    ],
    ['no-identity', Buffer.from('{"type":"tool.called"}\n'), 'not_an_event'],
    ['no-object', Buffer.from('"text"\n'), 'not_an_event'],
    ['cut-off', Buffer.from(`${eventLine(8).slice(0, 40)}\n`), 'not_an_event'],
    ['negative', Buffer.from(eventLine(9).replace('}\n', ',"bytes_in":-1}\n')), 'not_an_event'],
    ['duplicate-key', Buffer.from(eventLine(9).replace('}\n', ',"type":"x"}\n')), 'not_an_event'],
    ['lone-surrogate', Buffer.from(eventLine(9).replace('}\n', ',"server":"\\ud800"}\n')), 'not_an_event'],
    ['5-mib', Buffer.from(eventLine(9).replace('}\n', `,"server":"${'x'.repeat(5 * 1024 ** 2)}"}\n`)), 'line_too_long'],
  ])('%s: becomes a dead letter, the rest of the batch goes on', (_id, poison, reason) =>
    withEngine(async (engine) => {
      const batch = [
        message(101, 130),
        rawMessage(Buffer.concat([Buffer.from(eventLine(1)), poison, Buffer.from(eventLine(2))]), 'm'),
        message(131, 150),
      ];
      for (let time = 0; time < 2; time++) {
        const stored = await storeBatch(engine, batch);
        expect(stored.deadLetters.map((letter) => [letter.line.number, letter.reason])).toEqual([[2, reason]]);
      }
      expect((await counts(engine)).exact).toBe(52);
      const line = poison.subarray(0, -1);
      const kept = (await engine.query('SELECT message_id, line_number, reason, line_base64 FROM dead_letters FINAL')) as {
        line_base64: string;
      }[];
      expect(kept).toEqual([{ message_id: 'm', line_number: 2, reason, line_base64: line.toString('base64') }]);
    })(),
  );

  it(
    'finds many poison lines among good ones',
    withEngine(async (engine) => {
      const lines = Array.from({ length: 200 }, (_, index) => (index % 40 === 17 ? `bad ${index}\n` : eventLine(index + 1)));
      const stored = await storeBatch(engine, [rawMessage(Buffer.from(lines.join('')), 'm')]);
      expect(stored.rows).toBe(195);
      expect((await deadLetters(engine)).map((row) => (row as { line: string }).line)).toEqual([
        'bad 17',
        'bad 57',
        'bad 97',
        'bad 137',
        'bad 177',
      ]);
      expect((await counts(engine)).exact).toBe(195);
    }),
  );

  it(
    'keeps every line that is text, byte for byte, with the place that it says it has',
    withEngine(async (engine) => {
      const odd = eventLine(2).replaceAll('edge-1', 'e\\"\\u0031');
      const lines = [
        eventLine(1, { capability: 'a\\u2028"\\' }),
        odd,
        'rubbish\r\n',
        eventLine(3).replace('"tenant":"default",', ''),
        '{"no":"place"}\n',
      ];
      for (let time = 0; time < 2; time++)
        await storeBatch(engine, [
          rawMessage(Buffer.from(lines.join('')), 'm'),
          rawMessage(Buffer.concat([badUtf8, Buffer.from(eventLine(4))]), 'n'),
        ]);
      const kept = await engine.query(
        `SELECT tenant, emitter, toString(epoch) AS epoch, toUInt32(sequence) AS sequence, line FROM event_lines
         ORDER BY emitter, sequence, line LIMIT 1 BY line`,
      );
      const of = (line: string, tenant: string, emitter: string, sequence: number) => ({
        tenant,
        emitter,
        epoch: sequence === 0 ? '0' : String(epoch),
        sequence,
        line: line.slice(0, -1),
      });
      expect(kept).toEqual([
        of('rubbish\r\n', '', '', 0),
        of('{"no":"place"}\n', '', '', 0),
        of(odd, 'default', 'e"1', 2),
        of(lines[0]!, 'default', 'edge-1', 1),
        of(lines[3]!, '', 'edge-1', 3),
        of(eventLine(4), 'default', 'edge-1', 4),
      ]);
    }),
  );

  it(
    'takes messages without any line',
    withEngine(async (engine) => {
      expect(await storeBatch(engine, [rawMessage(Buffer.from('')), rawMessage(Buffer.from('\n\n'))])).toEqual({
        rows: 0,
        deadLetters: [],
      });
      expect(await storeBatch(engine, [rawMessage(Buffer.from('')), message(1, 2)])).toEqual({ rows: 2, deadLetters: [] });
    }),
  );

  it(
    'keeps what an event says, to the last field',
    withEngine(async (engine) => {
      const line = eventLine(1, {
        capability: 'a"\\\nü\u2028',
        rpc_code: -32601,
        duration_us: 2 ** 32 - 1,
        detail: { k: 'v', 'ü"': '' },
      });
      await storeBatch(engine, [rawMessage(Buffer.from(line))]);
      const [row] = await engine.query(
        "SELECT * EXCEPT (ingested_at) FROM events SETTINGS date_time_output_format = 'iso', output_format_json_quote_64bit_integers = 1",
      );
      expect(row).toMatchObject(JSON.parse(line) as object);
    }),
  );
});
