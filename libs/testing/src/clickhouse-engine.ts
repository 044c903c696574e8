// ClickHouse's HTTP interface over chDB, which is ClickHouse's engine as a library: as much of it as @clickhouse/client uses.
// A program: node clickhouse-engine.ts <data dir> <port, 0 for any> <file to write the port to>. Only erasable syntax and no
// relative imports, so that Node runs it from the source. One user (CLICKHOUSE_USER, CLICKHOUSE_PASSWORD; `default` without a
// password unless told); no sessions, roles, quotas, replication or native protocol.
import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import zlib from 'node:zlib';
import type { RawInsertFormat, Session } from 'chdb';

interface Query {
  readonly id: string;
  /** SQL; for an INSERT with rows apart, everything up to the name of the format. */
  readonly sql: string;
  /** Rows of an INSERT that came apart from its SQL. */
  readonly rows: Buffer | undefined;
  readonly database: string;
  readonly format: string;
  readonly settings: ReadonlyMap<string, string>;
  readonly readonly: boolean;
}

interface Answer {
  readonly bytes: Uint8Array;
  readonly summary: Readonly<Record<string, string>>;
}

class Refusal extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(`Code: ${code}. DB::Exception: ${message}`);
    this.code = code;
  }
}

// Keys that belong to the HTTP interface; every other key of the query string is a setting or a `param_…` of this query.
const interfaceKeys = new Set(
  `query database default_format query_id user password enable_http_compression compress decompress wait_end_of_query
  buffer_size session_timeout session_check send_progress_in_http_headers http_headers_progress_interval_ms
  http_write_exception_in_output_format http_response_buffer_size http_zlib_compression_level add_http_cors_header
  cancel_http_readonly_queries_on_client_close`.split(/\s+/),
);
const unsupportedKeys = ['session_id', 'role', 'quota_key'];
const rawFormats: readonly string[] = ['JSONCompactEachRow', 'CSV', 'CSVWithNames', 'TabSeparated', 'TSV'];
const fileFormats: readonly string[] = ['JSONEachRow', 'LineAsString'];
const statusByCode = new Map<number, number>([
  ...[6, 27, 36, 53, 62, 72, 117, 456, 457].map((code) => [code, 400] as const),
  ...[192, 193, 194, 497, 516].map((code) => [code, 403] as const),
  ...[16, 46, 47, 50, 60, 81, 115].map((code) => [code, 404] as const),
  ...[48].map((code) => [code, 501] as const),
]);

const [dir = '', port = '0', portFile = ''] = process.argv.slice(2);
const user = process.env['CLICKHOUSE_USER'] ?? 'default';
const password = process.env['CLICKHOUSE_PASSWORD'] ?? '';

// The library takes most of a second to load; a run that never queries does without it.
type Engine = { readonly open: () => Session; readonly close: () => void };
let engine: Promise<Engine> | undefined;

async function loadEngine(): Promise<Engine> {
  const chdb = await import('chdb');
  const keepOpen = new chdb.Session(dir);
  return { open: () => new chdb.Session(dir), close: () => keepOpen.close() };
}

const literal = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
const identifier = (text: string) => `\`${text.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;

function assertAuthorized(headers: http.IncomingHttpHeaders, params: URLSearchParams): void {
  const basic = /^Basic (.+)$/i.exec(headers.authorization ?? '')?.[1];
  const [name, secret] = basic
    ? Buffer.from(basic, 'base64').toString().split(/:(.*)/s)
    : [headers['x-clickhouse-user'] ?? params.get('user') ?? 'default', headers['x-clickhouse-key'] ?? params.get('password')];
  if (name === user && (secret ?? '') === password) return;
  throw new Refusal(
    516,
    `${String(name)}: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)`,
  );
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const raw = await buffer(request);
  switch (request.headers['content-encoding']) {
    case undefined:
    case 'identity':
      return raw;
    case 'gzip':
      return zlib.gunzipSync(raw);
    case 'zstd':
      return zlib.zstdDecompressSync(raw);
    default:
      throw new Refusal(48, `Content-Encoding ${request.headers['content-encoding']} is not supported here. (NOT_IMPLEMENTED)`);
  }
}

/** A multipart body carries what the query string else does. */
async function readForm(body: Buffer, contentType: string, params: URLSearchParams): Promise<void> {
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
  for (const [key, value] of form) params.set(key, typeof value === 'string' ? value : await value.text());
}

async function readQuery(request: IncomingMessage, params: URLSearchParams): Promise<Query> {
  const body = await bodyOf(request);
  const contentType = request.headers['content-type'] ?? '';
  const isForm = contentType.startsWith('multipart/form-data');
  if (isForm) await readForm(body, contentType, params);
  const unsupported = unsupportedKeys.find((key) => params.has(key));
  if (unsupported) throw new Refusal(48, `${unsupported} is not supported here. (NOT_IMPLEMENTED)`);
  const inUrl = params.get('query');
  return {
    id: params.get('query_id') ?? randomUUID(),
    sql: inUrl ?? body.toString('utf8'),
    rows: inUrl !== null && !isForm && body.length > 0 ? body : undefined,
    database: params.get('database') ?? String(request.headers['x-clickhouse-database'] ?? 'default'),
    format: params.get('default_format') ?? String(request.headers['x-clickhouse-format'] ?? 'TabSeparated'),
    settings: new Map([...params].filter(([key]) => !interfaceKeys.has(key))),
    readonly: request.method === 'GET',
  };
}

/** Runs a query in a session of its own, so that settings, parameters and the database end with it. */
async function run(query: Query): Promise<Answer> {
  const { open } = await (engine ??= loadEngine());
  const session = open();
  try {
    if (query.database !== 'default') await session.queryAsync(`USE ${identifier(query.database)}`);
    for (const [key, value] of query.settings) await set(session, key, value);
    if (query.readonly) await set(session, 'readonly', '2');
    return query.rows ? await insertRows(session, query, query.rows) : await select(session, query.sql, query.format);
  } finally {
    session.close();
  }
}

async function set(session: Session, key: string, value: string): Promise<void> {
  if (!/^\w+$/.test(key)) throw new Refusal(115, `Unknown setting '${key}'. (UNKNOWN_SETTING)`);
  await session.queryAsync(`SET ${key} = ${literal(value)}`);
}

async function select(session: Session, sql: string, format: string): Promise<Answer> {
  const result = await session.queryAsync(sql, { format });
  return {
    bytes: result.bytes(),
    summary: summary({ read_rows: result.rowsRead, read_bytes: result.bytesRead, elapsed_ns: result.elapsed * 1e9 }),
  };
}

const plainInsert = /^\s*INSERT\s+INTO\s+([\w.]+)\s*(?:\(([\w\s,]+)\))?\s*FORMAT\s+(\w+)\s*$/i;

/** Rows stay bytes where the library takes them so: a row that is not UTF-8 must reach the engine as it is. */
async function insertRows(session: Session, query: Query, rows: Buffer): Promise<Answer> {
  const [, table = '', columns, format = ''] = plainInsert.exec(query.sql) ?? [];
  if (fileFormats.includes(format)) return insertFile(session, query.sql, rows);
  if (!rawFormats.includes(format)) return select(session, `${query.sql}\n${rows.toString('utf8')}`, query.format);
  const result = await session.insert({
    table,
    values: rows,
    format: format as RawInsertFormat,
    ...(columns === undefined ? {} : { columns: columns.split(',').map((column) => column.trim()) }),
  });
  const written = { written_rows: result.rowsWritten, written_bytes: result.bytesWritten };
  return { bytes: new Uint8Array(), summary: summary({ ...written, elapsed_ns: result.elapsed * 1e9 }) };
}

/** By way of a file, which costs the library less than half of what rows in the statement do. */
async function insertFile(session: Session, sql: string, rows: Buffer): Promise<Answer> {
  const file = path.resolve(dir, `incoming-${randomUUID()}`);
  try {
    await writeFile(file, rows);
    const result = await session.queryAsync(sql.replace(/\s*FORMAT\s+(\w+)\s*$/i, ` FROM INFILE ${literal(file)} FORMAT $1`));
    return { bytes: new Uint8Array(), summary: summary({ written_rows: linesIn(rows), elapsed_ns: result.elapsed * 1e9 }) };
  } finally {
    await rm(file, { force: true });
  }
}

function linesIn(rows: Buffer): number {
  let count = 0;
  for (let start = 0; start < rows.length; count++) {
    const feed = rows.indexOf('\n', start);
    start = feed < 0 ? rows.length : feed + 1;
  }
  return count;
}

function summary(numbers: Readonly<Record<string, number>>): Record<string, string> {
  const zeros = {
    read_rows: 0,
    read_bytes: 0,
    written_rows: 0,
    written_bytes: 0,
    result_rows: 0,
    result_bytes: 0,
    elapsed_ns: 0,
  };
  return Object.fromEntries(Object.entries({ ...zeros, ...numbers }).map(([key, value]) => [key, String(Math.round(value))]));
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  bytes: Uint8Array,
  headers: http.OutgoingHttpHeaders,
): void {
  const compress =
    /gzip/.test(String(request.headers['accept-encoding'])) && /[?&]enable_http_compression=1/.test(request.url ?? '');
  const payload = compress ? zlib.gzipSync(bytes) : bytes;
  response.writeHead(status, {
    'content-type': 'text/plain; charset=UTF-8',
    'x-clickhouse-timezone': 'UTC',
    'content-length': payload.length,
    ...(compress ? { 'content-encoding': 'gzip' } : {}),
    ...headers,
  });
  response.end(payload);
}

function sendError(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  const code = Number(/Code: (\d+)/.exec(message)?.[1] ?? 1002);
  const headers = { 'x-clickhouse-exception-code': String(code) };
  send(request, response, statusByCode.get(code) ?? 500, Buffer.from(`${message}\n`), headers);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://clickhouse');
  const isProbe = url.pathname === '/ping' || (request.method === 'GET' && !url.searchParams.has('query'));
  if (isProbe) return send(request, response, 200, Buffer.from('Ok.\n'), {});
  assertAuthorized(request.headers, url.searchParams);
  const query = await readQuery(request, url.searchParams);
  const result = await run(query);
  send(request, response, 200, result.bytes, {
    'x-clickhouse-query-id': query.id,
    'x-clickhouse-format': query.format,
    'x-clickhouse-summary': JSON.stringify(result.summary),
  });
}

async function stop(): Promise<void> {
  server.closeIdleConnections();
  await new Promise((resolve) => server.close(resolve));
  if (engine) (await engine).close();
  process.exit(0);
}

const server = http.createServer((request, response) => {
  answer(request, response).catch((error: unknown) => sendError(request, response, error));
});
server.listen(Number(port), '127.0.0.1', () => {
  const text = String((server.address() as AddressInfo).port);
  void writeFile(`${portFile}.new`, text).then(() => rename(`${portFile}.new`, portFile));
});
process.once('SIGTERM', () => void stop());
// Its standard input ends with the process that started it.
process.stdin.resume().once('close', () => process.exit(0));
