import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { clickhouseUrl, startClickHouse } from './clickhouse-server.js';
import { unusedName } from './unused-name.js';

let client: ClickHouseClient;
const database = unusedName('engine');
const log = { level: ClickHouseLogLevel.OFF };

beforeAll(async () => {
  client = createClient({ url: clickhouseUrl(), database, compression: { request: true, response: true }, log });
  await createClient({ url: clickhouseUrl() }).command({ query: `CREATE DATABASE ${database}` });
  await client.command({ query: 'CREATE TABLE rows (id UInt32, text String) ENGINE = MergeTree ORDER BY id' });
});
afterAll(async () => {
  await client.command({ query: `DROP DATABASE ${database}` });
  await client.close();
});

const select = async (query: string, query_params: Record<string, unknown> = {}) =>
  (await client.query({ query, query_params, format: 'JSONEachRow' })).json();

it('inserts rows and selects them, in the database of the client', async () => {
  const result = await client.insert({ table: 'rows', values: [{ id: 1, text: "it's\t\\ ü" }, { id: 2, text: '' }], format: 'JSONEachRow' }); // prettier-ignore
  expect(result.summary?.written_rows).toBe('2');
  expect(await select('SELECT * FROM rows ORDER BY id')).toEqual([{ id: 1, text: "it's\t\\ ü" }, { id: 2, text: '' }]); // prettier-ignore
});

it('binds parameters of every kind, also through multipart', async () => {
  const params = { text: "a'b\\c\td\ne ü ' OR 1=1 --", list: ['x', "y'"], number: 7, nothing: null, at: new Date(0) };
  const query =
    'SELECT {text:String} AS text, {list:Array(String)} AS list, {number:UInt8} AS number, {nothing:Nullable(String)} AS nothing, {at:DateTime} AS at';
  const expected = [{ text: params.text, list: params.list, number: 7, nothing: null, at: '1970-01-01 00:00:00' }];
  expect(await select(query, params)).toEqual(expected);
  const multipart = await client.query({ query, query_params: params, format: 'JSONEachRow', use_multipart_params: true });
  expect(await multipart.json()).toEqual(expected);
});

it.each([
  ['syntax', 'SELECT FROM WHERE', '62'],
  ['a table that is not there', 'SELECT * FROM absent', '60'],
  ['a column that is not there', 'SELECT absent FROM rows', '47'],
  ['a parameter that is not given', 'SELECT {absent:String}', '456'],
])('an error in %s arrives with its code', async (_, query, code) => {
  await expect(client.query({ query })).rejects.toMatchObject({ code });
});

it('a setting holds for its query and no longer; one that is not there is refused', async () => {
  const query = "SELECT getSetting('max_block_size') AS size";
  const own = await client.query({ query, format: 'JSONEachRow', clickhouse_settings: { max_block_size: '1234' } });
  expect(await own.json()).toEqual([{ size: 1234 }]);
  expect(await select(query)).not.toEqual([{ size: 1234 }]);
  const wrong = { ['absent_setting' as 'max_block_size']: '1' };
  await expect(client.query({ query, clickhouse_settings: wrong })).rejects.toMatchObject({ code: '115' });
});

it('a bad row of an insert is refused with its place, and nothing of the batch is written', async () => {
  const before = await select('SELECT count() AS n FROM rows');
  const post = (body: string) =>
    fetch(`${clickhouseUrl()}/?database=${database}&query=${encodeURIComponent('INSERT INTO rows FORMAT JSONEachRow')}`, {
      method: 'POST',
      body,
    });
  const refused = await post('{"id":7,"text":"ok"}\n{"id":"no number","text":"x"}\n');
  expect([refused.ok, await refused.text()]).toEqual([false, expect.stringMatching(/^Code: 27\. .*at row 2/s)]);
  expect(await select('SELECT count() AS n FROM rows')).toEqual(before);
});

it('bytes of a row that are not UTF-8 reach the engine as they are', async () => {
  const row = Buffer.concat([Buffer.from('{"id":77,"text":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}\n')]);
  const url = `${clickhouseUrl()}/?database=${database}&query=${encodeURIComponent('INSERT INTO rows FORMAT JSONEachRow')}`;
  expect((await fetch(url, { method: 'POST', body: new Uint8Array(row) })).status).toBe(200);
  expect(await select('SELECT hex(text) AS text FROM rows WHERE id = 77')).toEqual([{ text: 'FFFE' }]);
});

it('a wrong password is refused', async () => {
  const stranger = createClient({ url: clickhouseUrl(), password: 'wrong', log });
  await expect(stranger.query({ query: 'SELECT 1' })).rejects.toMatchObject({ code: '516' });
  await stranger.close();
});

it('answers a ping, and GET is read-only', async () => {
  expect(await client.ping()).toMatchObject({ success: true });
  const response = await fetch(`${clickhouseUrl()}/?query=${encodeURIComponent(`DROP DATABASE ${database}`)}`);
  expect([response.ok, response.headers.get('x-clickhouse-exception-code')]).toEqual([false, '164']);
});

it('many queries at once keep their settings, parameters and answers apart', async () => {
  const rows = await Promise.all(
    Array.from({ length: 40 }, (_, index) => select('SELECT {p:String} AS p', { p: `value ${index}` })),
  );
  expect(rows).toEqual(rows.map((_, index) => [{ p: `value ${index}` }]));
});

it('an engine of its own keeps its data over kill and restart', async () => {
  await using server = await startClickHouse();
  const own = createClient({ url: server.url, log });
  await own.command({ query: 'CREATE TABLE kept (id UInt8) ENGINE = MergeTree ORDER BY id' });
  await own.insert({ table: 'kept', values: [{ id: 1 }], format: 'JSONEachRow' });
  await server.kill();
  expect(await own.ping()).toMatchObject({ success: false });
  await server.restart();
  const rows = await own.query({ query: 'SELECT count() AS n FROM kept', format: 'JSONEachRow' });
  expect(await rows.json()).toEqual([{ n: 1 }]);
  await own.close();
});
