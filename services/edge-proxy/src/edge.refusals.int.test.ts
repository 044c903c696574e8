import { request as httpRequest } from 'node:http';
import { connect as tcpConnect } from 'node:net';
import { startLegacyUpstream, startModernUpstream, type ModernUpstream, type TestUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';

let legacy: TestUpstream;
let modern: ModernUpstream;
let edge: TestEdge;
let session: string;
let narrowKey: string;
let expiredKey: string;

const everything = { tools: ['*'], prompts: ['*'], resources: ['*'] };

beforeAll(async () => {
  legacy = await startLegacyUpstream({ name: 'alpha' });
  modern = await startModernUpstream({ name: 'nova' });
  edge = await startTestEdge({ limits: { bodyLimitBytes: 4096 } });
  await edge.publish({
    upstreams: [
      { name: 'alpha', transport: { case: 'http', value: { url: legacy.url } }, timeoutMs: 20_000 },
      { name: 'nova', transport: { case: 'http', value: { url: modern.url } }, timeoutMs: 20_000 },
    ],
    servers: [
      { slug: 'old', sources: [{ upstream: 'alpha', ...everything }], access: [{ everyone: true, tools: ['echo'] }] },
      { slug: 'new', sources: [{ upstream: 'nova', ...everything }], access: [{ everyone: true }] },
    ],
  });
  narrowKey = await edge.mint({ name: 'narrow', servers: ['new'] });
  expiredKey = await edge.mint({ name: 'expired', servers: ['*'], expiresAtMs: Date.now() - 1 });
  session = String((await send({ body: initialize })).headers['mcp-session-id']);
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await Promise.all([legacy[Symbol.asyncDispose](), modern[Symbol.asyncDispose]()]);
});

interface Attempt {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Record<string, string | string[] | undefined>;
  readonly body?: unknown;
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body:
    | {
        error?: { code: number; message: string; data: { reason: string; supported?: string[] } };
        id?: unknown;
        result?: unknown;
      }
    | undefined;
}

const text = (body: unknown) => (typeof body === 'string' ? body : JSON.stringify(body));

/** A plain HTTP request, so that nothing corrects what is wrong with it. */
function send({ path = '/mcp/old', method = 'POST', headers = {}, body }: Attempt): Promise<Answer> {
  const { hostname, port, host } = new URL(edge.url);
  const sent = {
    host,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    authorization: `Bearer ${edge.key}`,
    ...headers,
  };
  const present = Object.fromEntries(
    Object.entries(sent).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, path, method, headers: present }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const answer = Buffer.concat(chunks).toString('utf8');
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: answer.startsWith('{') ? (JSON.parse(answer) as Answer['body']) : undefined,
        });
      });
    });
    request.on('error', reject);
    request.end(body === undefined ? undefined : text(body));
  });
}

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '0' } },
};
const list = { jsonrpc: '2.0', id: 7, method: 'tools/list', params: {} };
const call = (name: string) => ({ jsonrpc: '2.0', id: 8, method: 'tools/call', params: { name, arguments: { text: 'x' } } });
const envelope = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
const modernCall = (extra: object = {}) => ({
  jsonrpc: '2.0',
  id: 9,
  method: 'tools/call',
  params: { name: 'echo', arguments: { text: 'x' }, _meta: { ...envelope, ...extra } },
});
const modernHeaders = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' };
const inSession = () => ({ 'mcp-session-id': session });

type Row = readonly [id: string, attempt: () => Attempt, status: number, code: number, reason: string];

const ROWS: readonly Row[] = [
  ['E1-a no token', () => ({ body: list, headers: { authorization: undefined } }), 401, 10401, 'token_missing'],
  ['E1-b malformed token', () => ({ body: list, headers: { authorization: 'Bearer a b' } }), 401, 10401, 'token_malformed'],
  ['E1-c another scheme', () => ({ body: list, headers: { authorization: 'Basic YTpi' } }), 401, 10401, 'token_malformed'],
  [
    'E1-d unknown API key',
    () => ({ body: list, headers: { authorization: `Bearer sy_${'a'.repeat(12)}_${'b'.repeat(43)}` } }),
    401,
    10401,
    'token_invalid',
  ],
  [
    'E1-e expired API key',
    () => ({ body: list, headers: { authorization: `Bearer ${expiredKey}` } }),
    401,
    10401,
    'token_invalid',
  ],
  ['E1-f not a JWT', () => ({ body: list, headers: { authorization: 'Bearer abc' } }), 401, 10401, 'token_malformed'],
  [
    'E2-a API key of another server',
    () => ({ body: list, headers: { authorization: `Bearer ${narrowKey}` } }),
    403,
    10403,
    'key_not_for_server',
  ],
  [
    'E23-a keys of the issuer cannot be had',
    () => ({ body: list, headers: { authorization: `Bearer ${unverifiable()}` } }),
    503,
    10503,
    'authentication_unavailable',
  ],
  ['E6-a foreign Origin', () => ({ body: list, headers: { origin: 'https://evil.example' } }), 403, -32600, 'origin_forbidden'],
  ['E6-b unknown Host', () => ({ body: list, headers: { host: 'evil.example' } }), 421, -32600, 'host_not_served'],
  [
    'E6-c Host with a look-alike suffix',
    () => ({ body: list, headers: { host: `127.0.0.1.evil.example:${new URL(edge.url).port}` } }),
    421,
    -32600,
    'host_not_served',
  ],
  [
    'E6-d X-Forwarded-Host is not believed',
    () => ({ body: list, headers: { host: 'evil.example', 'x-forwarded-host': new URL(edge.url).host } }),
    421,
    -32600,
    'host_not_served',
  ],
  ['E7-a encoded path', () => ({ path: '/%6dcp/old', body: list }), 404, -32600, 'not_found'],
  ['E7-b double slash', () => ({ path: '//mcp/old', body: list }), 404, -32600, 'not_found'],
  ['E7-c trailing slash', () => ({ path: '/mcp/old/', body: list }), 404, -32600, 'not_found'],
  ['E7-d path parameter', () => ({ path: '/mcp/old;x', body: list }), 404, -32600, 'not_found'],
  ['E7-e dot segments', () => ({ path: '/mcp/../mcp/old', body: list }), 404, -32600, 'not_found'],
  ['E7-f TRACE', () => ({ method: 'TRACE' }), 405, -32600, 'method_not_allowed'],
  [
    'E7-g method override',
    () => ({ method: 'PUT', headers: { 'x-http-method-override': 'POST' }, body: list }),
    405,
    -32600,
    'method_not_allowed',
  ],
  ['E7-h GET without a session', () => ({ method: 'GET' }), 405, -32600, 'method_not_allowed'],
  ['SRV-1 unknown server', () => ({ path: '/mcp/nowhere', body: list }), 404, -32600, 'server_unknown'],
  ['E18-a body over the limit, announced', () => ({ body: `"${'x'.repeat(5000)}"` }), 413, -32600, 'body_too_large'],
  [
    'E18-b compressed body',
    () => ({ body: list, headers: { 'content-encoding': 'gzip' } }),
    415,
    -32600,
    'unsupported_media_type',
  ],
  [
    'CT-1 wrong content type',
    () => ({ body: list, headers: { 'content-type': 'text/plain' } }),
    415,
    -32600,
    'unsupported_media_type',
  ],
  [
    'CT-2 a type that only looks like JSON',
    () => ({ body: list, headers: { 'content-type': 'application/json-patch+json' } }),
    415,
    -32600,
    'unsupported_media_type',
  ],
  ['AC-1 Accept without streams', () => ({ body: list, headers: { accept: 'application/json' } }), 406, -32600, 'not_acceptable'],
  ['J-1 malformed JSON', () => ({ body: '{"jsonrpc":' }), 400, -32700, 'parse_error'],
  ['J-2 empty body', () => ({ body: '' }), 400, -32700, 'parse_error'],
  [
    'E9-a duplicate keys',
    () => ({ body: '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}' }),
    400,
    -32600,
    'invalid_request',
  ],
  [
    'E9-b a key in another case',
    () => ({ body: '{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/list"}' }),
    400,
    -32600,
    'invalid_request',
  ],
  ['E9-c byte order mark', () => ({ body: `\uFEFF${text(list)}` }), 400, -32700, 'parse_error'],
  ['E9-d lone surrogate', () => ({ body: '{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}' }), 400, -32700, 'parse_error'],
  [
    'E9-e too deep',
    () => ({ body: `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":${'['.repeat(70)}${']'.repeat(70)}}}` }),
    400,
    -32700,
    'parse_error',
  ],
  [
    'E9-f id beyond 2^53',
    () => ({ body: '{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}' }),
    400,
    -32600,
    'invalid_request',
  ],
  ['E9-g null id', () => ({ body: '{"jsonrpc":"2.0","id":null,"method":"ping"}' }), 400, -32600, 'invalid_request'],
  [
    'E9-h a key that folds to one of ours',
    () => ({ body: '{"jsonrpc":"2.0","id":1,"method":"ping","param\u017f":{}}' }),
    400,
    -32600,
    'invalid_request',
  ],
  [
    'E9-i __proto__',
    () => ({ body: '{"jsonrpc":"2.0","id":1,"method":"ping","__proto__":{"method":"tools/list"}}' }),
    400,
    -32600,
    'invalid_request',
  ],
  [
    'E9-j __proto__ in params',
    () => ({ body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","__proto__":{"name":"fail"}}}' }),
    400,
    -32600,
    'invalid_request',
  ],
  ['E9-k NaN', () => ({ body: '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":NaN}}' }), 400, -32700, 'parse_error'],
  ['E9-l NaN for an id', () => ({ body: '{"jsonrpc":"2.0","id":NaN,"method":"ping"}' }), 400, -32700, 'parse_error'],
  [
    'E9-m a name that stands twice',
    () => ({ body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","name":"delete_all"}}' }),
    400,
    -32600,
    'invalid_request',
  ],
  ['E10-a batch', () => ({ body: [list, list], headers: inSession() }), 400, -32600, 'invalid_request'],
  [
    'E10-b response outside of a session',
    () => ({ body: { jsonrpc: '2.0', id: 1, result: {} } }),
    400,
    -32600,
    'session_missing',
  ],
  [
    'E8-a version header missing',
    () => ({ path: '/mcp/new', body: modernCall(), headers: { ...modernHeaders, 'mcp-protocol-version': undefined } }),
    400,
    -32020,
    'header_mismatch',
  ],
  [
    'E8-b method header missing',
    () => ({ path: '/mcp/new', body: modernCall(), headers: { ...modernHeaders, 'mcp-method': undefined } }),
    400,
    -32020,
    'header_mismatch',
  ],
  [
    'E8-c method header differs',
    () => ({ path: '/mcp/new', body: modernCall(), headers: { ...modernHeaders, 'mcp-method': 'tools/list' } }),
    400,
    -32020,
    'header_mismatch',
  ],
  [
    'E8-d name header differs',
    () => ({ path: '/mcp/new', body: modernCall(), headers: { ...modernHeaders, 'mcp-name': 'fail' } }),
    400,
    -32020,
    'header_mismatch',
  ],
  [
    'E8-e name header doubled',
    () => ({ path: '/mcp/new', body: modernCall(), headers: { ...modernHeaders, 'mcp-name': ['echo', 'fail'] } }),
    400,
    -32020,
    'header_mismatch',
  ],
  [
    'E8-f odd Base64 sentinel',
    () => ({ path: '/mcp/new', body: modernCall(), headers: { ...modernHeaders, 'mcp-name': '=?base64?%%%?=' } }),
    400,
    -32020,
    'header_mismatch',
  ],
  [
    'E8-n name header missing',
    () => ({ path: '/mcp/new', body: modernCall(), headers: { ...modernHeaders, 'mcp-name': undefined } }),
    400,
    -32020,
    'header_mismatch',
  ],
  [
    'E8-o version header differs',
    () => ({ path: '/mcp/new', body: modernCall(), headers: { ...modernHeaders, 'mcp-protocol-version': '2025-11-25' } }),
    400,
    -32020,
    'header_mismatch',
  ],
  [
    'E8-p version header doubled',
    () => ({
      path: '/mcp/new',
      body: modernCall(),
      headers: { ...modernHeaders, 'mcp-protocol-version': ['2026-07-28', '2026-07-28'] },
    }),
    400,
    -32020,
    'header_mismatch',
  ],
  [
    'E8-q method header doubled',
    () => ({ path: '/mcp/new', body: modernCall(), headers: { ...modernHeaders, 'mcp-method': ['tools/call', 'tools/call'] } }),
    400,
    -32020,
    'header_mismatch',
  ],
  [
    'E8-r name header in another case',
    () => ({ path: '/mcp/new', body: modernCall(), headers: { ...modernHeaders, 'mcp-name': 'ECHO' } }),
    400,
    -32020,
    'header_mismatch',
  ],
  [
    'E8-g envelope key missing',
    () => ({
      path: '/mcp/new',
      body: { ...list, params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } } },
      headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' },
    }),
    400,
    -32602,
    'invalid_params',
  ],
  [
    'E11-a unknown version',
    () => ({
      path: '/mcp/new',
      body: modernCall({ 'io.modelcontextprotocol/protocolVersion': '2031-01-01' }),
      headers: { ...modernHeaders, 'mcp-protocol-version': '2031-01-01' },
    }),
    400,
    -32022,
    'unsupported_version',
  ],
  [
    'E11-b modern header without envelope',
    () => ({ path: '/mcp/new', body: list, headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' } }),
    400,
    -32602,
    'invalid_params',
  ],
  [
    'M-1 unknown method, modern',
    () => ({
      path: '/mcp/new',
      body: { ...modernCall(), method: 'tools/destroy' },
      headers: { ...modernHeaders, 'mcp-method': 'tools/destroy' },
    }),
    404,
    -32601,
    'method_not_found',
  ],
  [
    'M-2 method that the era has lost',
    () => ({
      path: '/mcp/new',
      body: { jsonrpc: '2.0', id: 1, method: 'ping', params: { _meta: envelope } },
      headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'ping' },
    }),
    404,
    -32601,
    'method_not_found',
  ],
  [
    'M-3 unknown method, legacy',
    () => ({ body: { ...list, method: 'tools/destroy' }, headers: inSession() }),
    200,
    -32601,
    'method_unknown',
  ],
  ['S-1 session header missing', () => ({ body: list }), 400, -32600, 'session_missing'],
  ['S-2 unknown session', () => ({ body: list, headers: { 'mcp-session-id': 'nope' } }), 404, -32001, 'session_unknown'],
  [
    'S-3 session of another server',
    () => ({ path: '/mcp/new', body: list, headers: inSession() }),
    404,
    -32001,
    'session_unknown',
  ],
  ['S-4 DELETE without a session', () => ({ method: 'DELETE' }), 405, -32600, 'method_not_allowed'],
  [
    'S-5 unsupported version in a session',
    () => ({ body: list, headers: { ...inSession(), 'mcp-protocol-version': '1999-01-01' } }),
    400,
    -32022,
    'unsupported_version',
  ],
  ['R-1 tool that nobody has', () => ({ body: call('nothing'), headers: inSession() }), 200, 10403, 'policy_denied'],
  [
    'R-2 call without a name',
    () => ({ body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: {} }, headers: inSession() }),
    400,
    -32602,
    'invalid_params',
  ],
  [
    'R-3 cursor that is not ours',
    () => ({ body: { ...list, params: { cursor: 'x' } }, headers: inSession() }),
    200,
    -32602,
    'cursor_invalid',
  ],
  ['P-1 tool without access', () => ({ body: call('delete_all'), headers: inSession() }), 200, 10403, 'policy_denied'],
];

/** Looks like a token of ours, so that its signature has to be checked; the issuer cannot be reached. */
function unverifiable(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  return `${part({ alg: 'ES256', typ: 'at+jwt', kid: 'k' })}.${part({ iss: edge.url, aud: `${edge.url}/mcp/old`, exp: now + 60, iat: now })}.${'A'.repeat(86)}`;
}

describe('what the edge refuses', () => {
  it.each(ROWS)('%s', async (_id, attempt, status, code, reason) => {
    const before = legacy.received.length + modern.received.length;
    const answer = await send(attempt());
    expect({ status: answer.status, code: answer.body?.error?.code, reason: answer.body?.error?.data.reason }).toEqual({
      status,
      code,
      reason,
    });
    expect(answer.body?.error?.message).toMatch(/^\S.*[.?]$/);
    expect(legacy.received.length + modern.received.length).toBe(before);
    const requestId = answer.headers['x-request-id'];
    if (requestId !== undefined)
      expect(await edge.event((event) => event.request_id === requestId)).toMatchObject({
        reason,
        http_status: status,
        rpc_code: code,
      });
  });

  it('401 names the metadata document, and an error only where a token was sent', async () => {
    const missing = await send({ body: list, headers: { authorization: undefined } });
    expect(missing.headers['www-authenticate']).toBe(
      `Bearer scope="mcp", resource_metadata="${edge.url}/.well-known/oauth-protected-resource/mcp/old", ` +
        'DPoP algs="ES256 Ed25519 EdDSA PS256"',
    );
    const invalid = await send({ body: list, headers: { authorization: 'Bearer abc' } });
    expect(invalid.headers['www-authenticate']).toContain('error="invalid_token"');
  });

  it('E11-d -32022 names the versions that are supported', async () => {
    const answer = await send({
      path: '/mcp/new',
      body: modernCall({ 'io.modelcontextprotocol/protocolVersion': '2031-01-01' }),
      headers: { ...modernHeaders, 'mcp-protocol-version': '2031-01-01' },
    });
    expect(answer.body?.error).toMatchObject({ code: -32022, data: { supported: ['2026-07-28'], requested: '2031-01-01' } });
  });

  it('E11-c ignores a session header on modern calls, and gives none', async () => {
    const answer = await send({
      path: '/mcp/new',
      body: modernCall(),
      headers: { ...modernHeaders, 'mcp-session-id': 'whatever' },
    });
    expect(answer.status).toBe(200);
    expect(answer.body?.result).toMatchObject({ content: [{ text: 'nova: x' }] });
    expect(answer.headers['mcp-session-id']).toBeUndefined();
    const event = await edge.event(
      ({ type, request_id }) => type === 'tool.called' && request_id === answer.headers['x-request-id'],
    );
    expect(event).toMatchObject({ outcome: 'ok', era: 'modern', revision: '2026-07-28', http_status: 200 });
  });

  it('gives back the id of the request, whatever its type', async () => {
    for (const id of [0, 7, 'seven', '']) expect((await send({ body: { ...list, id } })).body?.id).toBe(id);
  });

  it('honours a sound X-Request-Id and replaces an unsound one', async () => {
    expect((await send({ body: list, headers: { 'x-request-id': 'mine-1' } })).headers['x-request-id']).toBe('mine-1');
    expect((await send({ body: list, headers: { 'x-request-id': 'x'.repeat(200) } })).headers['x-request-id']).toMatch(
      /^[0-9a-f]{32}$/,
    );
  });
});

/** Sends bytes as they are and gives back everything that is answered until the connection ends. */
function raw(bytes: string): Promise<string> {
  const { hostname, port } = new URL(edge.url);
  return new Promise((resolve, reject) => {
    const socket = tcpConnect(Number(port), hostname, () => socket.write(bytes));
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

describe('what is not HTTP', () => {
  const head = () => `POST /mcp/old HTTP/1.1\r\nHost: ${new URL(edge.url).host}\r\nContent-Type: application/json\r\n`;
  it.each([
    [
      'E19-a Content-Length and Transfer-Encoding',
      () => `${head()}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['E19-b two Content-Lengths', () => `${head()}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd`, 400],
    ['E19-c folded header', () => `${head()}X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n`, 400],
    ['E19-d space before the colon', () => `${head()}Content-Length : 0\r\n\r\n`, 400],
    ['E19-e bare line feeds', () => `POST /mcp/old HTTP/1.1\nHost: x\n\n`, 400],
    ['E19-f bad chunk size', () => `${head()}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400],
    ['E18-c header section too large', () => `${head()}X-A: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ['E18-d very many header fields', () => `${head()}${'a: b\r\n'.repeat(4_000)}\r\n`, 431],
  ])('%s: refused, connection closed', async (_id, bytes, status) => {
    expect(await raw(bytes())).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });
});
