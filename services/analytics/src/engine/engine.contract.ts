import { EngineError, type Engine } from './engine.js';
import type { OpenedEngine } from './engines.fixture.js';

const definition = `CREATE TABLE things (id String, n UInt32, at DateTime64(3, 'UTC'), detail Map(String, String))
  ENGINE = ReplacingMergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100`;

const lines = (...rows: readonly unknown[]) => Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));

/** What every adapter of the engine port does. */
export function engineContract(name: string, open: () => Promise<OpenedEngine>): void {
  describe(`engine contract: ${name}`, () => {
    async function withTable(test: (engine: Engine) => Promise<void>): Promise<void> {
      await using opened = await open();
      await opened.engine.command(definition);
      await test(opened.engine);
    }

    const count = async (engine: Engine) =>
      Number(((await engine.query('SELECT count() AS n FROM things')) as { n: string }[])[0]?.n);

    it('answers', async () => {
      await using opened = await open();
      expect(await opened.engine.ready()).toBe(true);
      expect(await opened.engine.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    });

    it('inserts lines and says how many rows they held', () =>
      withTable(async (engine) => {
        const at = '2026-01-02T03:04:05.678Z';
        expect(await engine.insertLines('things', lines({ id: 'a', n: 1, at, detail: { k: 'v' } }, { id: 'b' }), 't1')).toBe(2);
        expect(await engine.query("SELECT * FROM things ORDER BY id SETTINGS date_time_output_format = 'iso'")).toEqual([
          { id: 'a', n: 1, at, detail: { k: 'v' } },
          { id: 'b', n: 0, at: '1970-01-01T00:00:00.000Z', detail: {} },
        ]);
      }));

    it('inserts texts as they are, each in a row with defaults made of it', () =>
      withTable(async (engine) => {
        await engine.command(`CREATE TABLE texts (line String, size UInt32 DEFAULT length(line)) ENGINE = MergeTree ORDER BY line
          SETTINGS non_replicated_deduplication_window = 100`);
        const texts = ['{"a":"\\u00fc\\"\\\\"}', 'rubbish\t\\N', "it's", 'with return\r', 'ü'];
        for (const token of ['t1', 't1', 't2'])
          await engine.insertTexts('texts', 'line', Buffer.from(`${texts.join('\n')}\n`), token);
        const rows = await engine.query('SELECT DISTINCT line, size FROM texts ORDER BY line');
        expect(rows).toEqual(texts.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).map((line) => ({ line, size: Buffer.from(line).length }))); // prettier-ignore
        expect(await engine.query('SELECT toUInt32(count()) AS n FROM texts')).toEqual([{ n: 2 * texts.length }]);
      }));

    it('drops an insert whose token it knows', () =>
      withTable(async (engine) => {
        await engine.insertLines('things', lines({ id: 'a' }), 't1');
        await engine.insertLines('things', lines({ id: 'b' }), 't1');
        await engine.insertLines('things', lines({ id: 'c' }), 't2');
        expect(await engine.query('SELECT id FROM things ORDER BY id')).toEqual([{ id: 'a' }, { id: 'c' }]);
      }));

    it('keeps the settings and the token of an insert to it', () =>
      withTable(async (engine) => {
        const settings = () =>
          engine.query(
            `SELECT name, value FROM system.settings
             WHERE name IN ('insert_deduplication_token', 'max_execution_time', 'materialize_skip_indexes_on_insert') ORDER BY name`,
          );
        const before = await settings();
        await engine.insertLines('things', lines({ id: 'a' }), 't1');
        expect(await settings()).toEqual(before);
        await engine.command("INSERT INTO things (id) SELECT 'b'");
        await engine.command("INSERT INTO things (id) SELECT 'c'");
        expect(await count(engine)).toBe(3);
      }));

    it.each([
      ['unknown-column', '{"id":"x","other":1}\n'],
      ['not-json', 'hello\n'],
      ['cut-off', '{"id":"x'],
      ['wrong-type', '{"id":"x","n":"many"}\n'],
      ['negative', '{"id":"x","n":-1}\n'],
      ['duplicate-key', '{"id":"x","id":"y"}\n'],
      ['lone-surrogate', '{"id":"\\ud800"}\n'],
      ['bad-time', '{"id":"x","at":"yesterday"}\n'],
    ])('%s: inserts nothing of lines with such a one, and gives the code', (_id, bad) =>
      withTable(async (engine) => {
        const insert = engine.insertLines('things', Buffer.concat([lines({ id: 'good' }), Buffer.from(bad)]), 't1');
        await expect(insert).rejects.toBeInstanceOf(EngineError);
        await expect(insert).rejects.toMatchObject({ code: expect.any(Number) as unknown });
        expect(await count(engine)).toBe(0);
      }),
    );

    it('inserts nothing of many megabytes with one bad line at the end', () =>
      withTable(async (engine) => {
        const many = lines(...Array.from({ length: 8_000 }, (_, index) => ({ id: `${index}-${'x'.repeat(1_000)}` })));
        const insert = engine.insertLines('things', Buffer.concat([many, Buffer.from('rubbish\n')]), 't1');
        await expect(insert).rejects.toMatchObject({ code: expect.any(Number) as unknown });
        expect(await count(engine)).toBe(0);
        expect(await engine.insertLines('things', many, 't2')).toBe(8_000);
      }));

    it('makes one block of many rows, in their order, with what the table has for fields that are left out', () =>
      withTable(async (engine) => {
        await engine.command(`CREATE TABLE many (id LowCardinality(String), n UInt32 DEFAULT length(id), tags Array(LowCardinality(String)),
          at DateTime64(3, 'UTC') DEFAULT toDateTime64('2026-01-02 03:04:05', 3, 'UTC'), twice UInt32 ALIAS 2 * n)
          ENGINE = MergeTree ORDER BY tuple() SETTINGS non_replicated_deduplication_window = 100`);
        const rows = 200_000;
        const each = Array.from({ length: rows }, (_, index) => lines({ id: `${index % 7}`, ...(index > 0 && { n: index }) }));
        const many = Buffer.concat(each);
        for (const token of ['t1', 't1']) expect(await engine.insertLines('many', many, token)).toBe(rows);
        const [found] = await engine.query(
          `SELECT toUInt32(count()) AS n, toUInt32(uniqExact(_part)) AS parts, toUInt32(countIf(at != toDateTime64('2026-01-02 03:04:05', 3, 'UTC'))) AS other,
             (SELECT n FROM many LIMIT 1) AS first, (SELECT toUInt32(twice) FROM many WHERE n = 4) AS twice FROM many`,
        );
        expect(found).toEqual({ n: rows, parts: 1, other: 0, first: 1, twice: 8 });
        const later = '2027-01-01T00:00:00.000Z';
        await engine.insertLines('many', lines({ id: 'x', n: rows, at: later, tags: ['a', 'b'] }), 't2');
        expect(await engine.query(`SELECT tags, toString(at) AS at FROM many WHERE n = ${rows}`)).toEqual([
          { tags: ['a', 'b'], at: '2027-01-01 00:00:00.000' },
        ]);
        await engine.command('ALTER TABLE many ADD COLUMN more LowCardinality(String)');
        await engine.insertLines('many', lines({ id: 'y', more: 'later' }), 't3');
        expect(await engine.query("SELECT n, more FROM many WHERE more != ''")).toEqual([{ n: 1, more: 'later' }]);
      }));

    it('takes bytes as they are', () =>
      withTable(async (engine) => {
        const bytes = Buffer.concat([Buffer.from('{"id":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}\n')]);
        await engine.insertLines('things', bytes, 't1');
        expect(await engine.query('SELECT hex(id) AS id FROM things')).toEqual([{ id: 'FFFE' }]);
      }));

    it('takes a line of 5 MiB', () =>
      withTable(async (engine) => {
        await engine.insertLines('things', lines({ id: 'x'.repeat(5 * 1024 ** 2) }), 't1');
        expect(await engine.query('SELECT length(id) AS length FROM things')).toEqual([{ length: 5 * 1024 ** 2 }]);
      }));

    it.each(["it's", '\\', "\\'; DROP TABLE things; --", '{x:String}', 'ü\t\n\0"', ''])('keeps parameters values: %j', (value) =>
      withTable(async (engine) => {
        await engine.insertLines('things', lines({ id: value }), 't1');
        const rows = await engine.query('SELECT {value:String} AS given FROM things WHERE id = {value:String}', { value });
        expect(rows).toEqual([{ given: value }]);
      }),
    );

    it.each([
      ['syntax', 'SELEKT 1', 62],
      ['unknown-table', 'SELECT * FROM nowhere', 60],
      ['too-long', 'SELECT sleepEachRow(1) FROM numbers(5) SETTINGS max_execution_time = 1, max_block_size = 1', 159],
    ])('%s: gives the code of a query that fails', (_id, sql, code) =>
      withTable(async (engine) => {
        await expect(engine.query(sql)).rejects.toMatchObject({ name: 'EngineError', code });
        expect(await engine.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
      }),
    );

    it('queries while it inserts', () =>
      withTable(async (engine) => {
        const inserts = Array.from({ length: 20 }, (_, index) =>
          engine.insertLines('things', lines({ id: `${index}` }), `t${index}`),
        );
        const queries = Array.from({ length: 20 }, () => engine.query('SELECT count() FROM things'));
        await Promise.all([...inserts, ...queries]);
        expect(await count(engine)).toBe(20);
      }));

    it('closes twice', async () => {
      await using opened = await open();
      await opened.engine.close();
      await opened.engine.close();
    });
  });
}
