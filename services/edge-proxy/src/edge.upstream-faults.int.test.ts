import {
  answerResult,
  beginEvents,
  eventually,
  type Script,
  type ScriptedUpstream,
  startScriptedUpstream,
} from '@switchyard/testing';
import type { EventJson } from '@switchyard/contracts';
import type { Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { callOf, exchange, openSession, type RawAnswer } from './raw-client.fixture.js';
import { EXPIRED_CERTIFICATE } from './expired-certificate.fixture.js';

const LIMIT_BYTES = 64 * 1024;
const SILENCE_MS = 400;
const LIMIT_MS = 1_500;

const result = (text: string) => ({ content: [{ type: 'text', text }] });
const body = (id: unknown, more: object) => JSON.stringify({ jsonrpc: '2.0', id, ...more });
const raw =
  (status: number, contentType: string | undefined, text: string | Buffer, headers: Record<string, string> = {}): Script =>
  ({ response }) => {
    response.writeHead(status, { ...(contentType !== undefined && { 'content-type': contentType }), ...headers });
    response.end(text);
  };
/** Sends a piece again and again, until nobody listens. */
const endlessly =
  (piece: string, everyMs = 1): Script =>
  ({ response }) => {
    beginEvents(response);
    const timer = setInterval(() => response.write(piece), everyMs);
    response.on('close', () => clearInterval(timer));
  };

type Fault = readonly [id: string, script: Script, reason: string, code: number, sentence: RegExp];

const FAULTS: readonly Fault[] = [
  ['html', raw(200, 'text/html', '<h1>Sign in</h1>'), 'upstream_invalid', 10502, /HTTP 200 with content type "text\/html"/],
  ['no-type', raw(200, undefined, '{}'), 'upstream_invalid', 10502, /HTTP 200 with content type ""/],
  ['status-500', raw(500, 'text/plain', 'stack trace of theirs'), 'upstream_unavailable', 10503, /answered HTTP 500/],
  ['status-503-json', raw(503, 'application/json', '{}'), 'upstream_unavailable', 10503, /answered HTTP 503/],
  ['status-429', raw(429, 'text/plain', '', { 'retry-after': '7' }), 'upstream_unavailable', 10503, /answered HTTP 429/],
  [
    'status-401',
    raw(401, 'application/json', '{}', { 'www-authenticate': 'Bearer realm="theirs"' }),
    'credential_rejected',
    10502,
    /refused the gateway's credential \(HTTP 401\)/,
  ],
  ['status-403', raw(403, 'text/plain', 'no'), 'credential_rejected', 10502, /refused the gateway's credential \(HTTP 403\)/],
  [
    'redirect',
    raw(302, 'application/json', '{}', { location: 'https://elsewhere.example/mcp' }),
    'upstream_invalid',
    10502,
    /a redirect \(HTTP 302\)/,
  ],
  ['accepted', raw(202, undefined, ''), 'upstream_invalid', 10502, /HTTP 202 with content type ""/],
  ['status-404', raw(404, 'text/plain', ''), 'upstream_unavailable', 10503, /ends its sessions as soon as they are open/],
  ['status-400', raw(400, 'application/json', '{"error":"no"}'), 'upstream_invalid', 10502, /not a JSON-RPC response/],
  ['empty', raw(200, 'application/json', ''), 'upstream_invalid', 10502, /not a JSON-RPC response/],
  [
    'truncated',
    raw(200, 'application/json', '{"jsonrpc":"2.0","id":1,"res'),
    'upstream_invalid',
    10502,
    /not a JSON-RPC response/,
  ],
  ['batch', raw(200, 'application/json', '[]'), 'upstream_invalid', 10502, /not a JSON-RPC response/],
  [
    'request-for-answer',
    ({ message, response }) =>
      raw(200, 'application/json', body(message.id, { method: 'ping' }))({ message, response, request: response.req }),
    'upstream_invalid',
    10502,
    /not a JSON-RPC response/,
  ],
  [
    'wrong-id',
    raw(200, 'application/json', body(1, { result: result('stray') })),
    'upstream_invalid',
    10502,
    /a response to another request/,
  ],
  [
    'number-for-text-id',
    raw(200, 'application/json', '{"jsonrpc":"2.0","id":null,"result":{}}'),
    'upstream_invalid',
    10502,
    /not a JSON-RPC response/,
  ],
  [
    'stream-of-strays',
    ({ response }) => {
      const send = beginEvents(response);
      for (let id = 0; id < 6; id += 1) send({ jsonrpc: '2.0', id, result: result('stray') });
    },
    'upstream_invalid',
    10502,
    /more than 5 responses to other requests/,
  ],
  [
    'stream-of-requests',
    ({ response }) => {
      const send = beginEvents(response);
      for (let id = 0; id < 6; id += 1) send({ jsonrpc: '2.0', id, method: 'sampling/createMessage', params: {} });
    },
    'upstream_invalid',
    10502,
    /more than 5 requests that the gateway does not take/,
  ],
  [
    'stream-without-response',
    ({ response }) => {
      beginEvents(response)({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x' } });
      response.end();
    },
    'upstream_invalid',
    10502,
    /a stream that ended without a response/,
  ],
  [
    'stream-of-garbage',
    ({ response }) => void beginEvents(response)('data: not JSON\n\n'),
    'upstream_invalid',
    10502,
    /a message that is not JSON-RPC/,
  ],
  ['endless-line', endlessly(`data: ${'x'.repeat(8_192)}`), 'result_too_large', 10413, /more than 65536 bytes/],
  ['endless-event', endlessly(`data: ${'x'.repeat(8_192)}\n`), 'result_too_large', 10413, /more than 65536 bytes/],
  ['endless-comments', endlessly(': alive\n\n', 100), 'upstream_timeout', 10504, /was not done within 1500 ms/],
  [
    'endless-drip',
    ({ response }) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const timer = setInterval(() => response.write(' '), 100);
      response.on('close', () => clearInterval(timer));
    },
    'upstream_timeout',
    10504,
    /was not done within 1500 ms/,
  ],
  [
    'endless-json',
    ({ response }) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const timer = setInterval(() => response.write('x'.repeat(8_192)), 1);
      response.on('close', () => clearInterval(timer));
    },
    'result_too_large',
    10413,
    /more than 65536 bytes/,
  ],
  ['big-json', (all) => answerResult(all, result('x'.repeat(LIMIT_BYTES))), 'result_too_large', 10413, /more than 65536 bytes/],
  ['silence', () => undefined, 'upstream_timeout', 10504, /did not answer within 400 ms/],
  [
    'silence-in-stream',
    ({ response }) => void beginEvents(response),
    'upstream_timeout',
    10504,
    /did not answer within 400 ms|was not done within 1500 ms/,
  ],
  [
    'silence-in-json',
    ({ response }) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
    },
    'upstream_timeout',
    10504,
    /did not answer within 400 ms/,
  ],
  [
    'reset-before-answer',
    ({ request }) => void request.socket.resetAndDestroy(),
    'upstream_unavailable',
    10503,
    /could not be reached/,
  ],
  [
    'reset-in-json',
    ({ response, request }) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"jsonrpc":"2.0",', () => request.socket.resetAndDestroy());
    },
    'upstream_invalid',
    10502,
    /broke off in the middle of its answer/,
  ],
  [
    'reset-in-stream',
    ({ response, request }) => {
      beginEvents(response)(': alive\n\n');
      setTimeout(() => request.socket.resetAndDestroy(), 20);
    },
    'upstream_invalid',
    10502,
    /broke off in the middle of its answer/,
  ],
  ['not-http', ({ request }) => void request.socket.end('SSH-2.0-OpenSSH_9.6\r\n'), 'upstream_invalid', 10502, /not proper HTTP/],
  [
    'gzip',
    ({ message, response }) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(gzipSync(body(message.id, { result: result('zipped') })));
    },
    'upstream_invalid',
    10502,
    /a compressed body/,
  ],
  [
    'inner-hop-error',
    ({ message, response }) =>
      raw(
        200,
        'application/json',
        body(message.id, { error: { code: -32021, message: 'sampling is needed' } }),
      )({
        message,
        response,
        request: response.req,
      }),
    'upstream_invalid',
    10502,
    /refused what the gateway, not your client, wrote around the request \(error -32021\)/,
  ],
  [
    'input-required-of-its-own',
    (all) => answerResult(all, { resultType: 'input_required', inputRequests: { a: { method: 'roots/list' } } }),
    'upstream_invalid',
    10502,
    /a result of type "input_required"/,
  ],
  [
    'result-type-without-end',
    (all) => answerResult(all, { resultType: 'x'.repeat(10_000) }),
    'upstream_invalid',
    10502,
    /a result of type "x{64}", /,
  ],
  [
    'unknown-result-type',
    (all) => answerResult(all, { resultType: 'later', taskId: '1' }),
    'upstream_invalid',
    10502,
    /a result of type "later"/,
  ],
];

/** Their ids in the catalogue of attacks. */
const CATALOGUE: Readonly<Record<string, string>> = {
  'endless-line': 'U3.a',
  'endless-event': 'U3.b',
  'endless-comments': 'U3.c',
  'endless-drip': 'U3.d',
  'endless-json': 'U3.e',
  'big-json': 'U3.f',
  silence: 'U3.g',
  'silence-in-stream': 'U3.h',
  'silence-in-json': 'U3.i',
  gzip: 'U3.j',
  'wrong-id': 'U4.a',
  'stream-of-strays': 'U4.b',
  'stream-of-requests': 'U4.c',
};

let faulty: ScriptedUpstream;
let sound: ScriptedUpstream;
let edge: TestEdge;
let tls: Server;
let session: string;

const portOf = (server: Server) => (server.address() as { port: number }).port;

beforeAll(async () => {
  const scripts = new Map(FAULTS.map(([id, script]) => [id, script]));
  faulty = await startScriptedUpstream({ name: 'faulty', tools: [...scripts.keys()] });
  faulty.on('tools/call', (all) => scripts.get(all.message.params?.name ?? '')?.(all));
  sound = await startScriptedUpstream({ name: 'sound', tools: ['fine'] });
  tls = createTlsServer(EXPIRED_CERTIFICATE);
  await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
  edge = await startTestEdge({ limits: { resultLimitBytes: LIMIT_BYTES, callLimitMs: LIMIT_MS } });
  const http = (name: string, url: string) => ({
    name,
    transport: { case: 'http' as const, value: { url } },
    timeoutMs: SILENCE_MS,
  });
  const source = (upstream: string) => ({ upstream, prefix: `${upstream}__`, tools: ['*'] });
  await edge.publish({
    upstreams: [
      http('faulty', faulty.url),
      http('sound', sound.url),
      http('untrusted', `https://localhost:${portOf(tls)}/mcp`),
      http('plain', `https://localhost:${sound.port}/mcp`),
      http('inner', 'http://10.255.255.1/mcp'),
    ],
    servers: [
      { slug: 'both', sources: [source('faulty'), source('sound')], access: [{ everyone: true }] },
      ...['untrusted', 'plain', 'inner'].map((name) => ({ slug: name, sources: [source(name)], access: [{ everyone: true }] })),
    ],
  });
  session = await openSession(edge.url, '/mcp/both', edge.key);
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await Promise.all([faulty, sound].map((upstream) => upstream[Symbol.asyncDispose]()));
  await new Promise((resolve) => tls.close(resolve));
});

let calls = 0;
/** Calls a tool and hands back the answer with its events, once they are all there. */
async function call(name: string, path = '/mcp/both', inSession = session) {
  const requestId = `call-${(calls += 1)}`;
  const answer = await exchange(edge.url, {
    path,
    key: edge.key,
    session: inSession,
    headers: { 'x-request-id': requestId },
    body: callOf(name),
  });
  await edge.event(({ type, request_id }) => type === 'tool.called' && request_id === requestId);
  return { answer, events: edge.events.filter(({ request_id }) => request_id === requestId) };
}

/** Nothing of the upstream's own header fields reaches a client (U7). */
function expectOwnHeaders({ headers }: RawAnswer): void {
  const known = [
    'x-request-id',
    'content-type',
    'content-length',
    'date',
    'connection',
    'keep-alive',
    'transfer-encoding',
    'cache-control',
    'x-accel-buffering',
  ];
  expect(Object.keys(headers).filter((name) => !known.includes(name))).toEqual([]);
}

function expectOneEvent(events: readonly EventJson[], expected: Partial<EventJson>): void {
  const own = events.filter(({ type }) => type !== 'proxy.hop');
  expect(own).toEqual([expect.objectContaining({ type: 'tool.called', ...expected })]);
}

describe('an upstream that misbehaves', () => {
  const labelled = FAULTS.map((fault) => [[CATALOGUE[fault[0]], fault[0]].join(' ').trim(), ...fault] as const);
  it.each(labelled)('UF %s', async (_label, id, _script, reason, code, sentence) => {
    const { answer, events } = await call(`faulty__${id}`);
    expect(answer.status).toBe(200);
    const response = answer.messages.at(-1);
    expect(response).toMatchObject({ id: 1, error: { code, data: { reason, upstream: 'faulty' } } });
    expect(response?.error?.message).toMatch(sentence);
    expect(response?.error?.message).toMatch(/^faulty .*\.$/);
    expect(events.filter(({ type }) => type === 'tool.called')).toEqual([
      expect.objectContaining({
        outcome: 'error',
        reason,
        rpc_code: code,
        http_status: 200,
        upstream: 'faulty',
        capability: `faulty__${id}`,
      }),
    ]);
    expect(events.filter(({ type }) => type === 'proxy.hop').length).toBeGreaterThan(0);
    expectOwnHeaders(answer);
    expect(answer.text).not.toContain('stack trace of theirs');
    const other = await call('sound__fine');
    expect(other.answer.messages).toEqual([expect.objectContaining({ result: result('sound: fine') })]);
  });

  it('UF the edge has not been hurt: no request failed, and nothing was thrown', () => {
    expect(edge.logged()).not.toMatch(/an exchange failed|a request failed/);
  });

  it('UF legacy upstreams are told when nobody waits for a call any more', async () => {
    for (const id of ['silence', 'endless-line']) {
      const before = faulty.received.length;
      await call(`faulty__${id}`);
      await eventually(() => faulty.received.slice(before).some((received) => received.body.includes('notifications/cancelled')));
    }
  });

  it.each([
    [
      'UF untrusted: a certificate that has expired and that nobody vouches for',
      'untrusted',
      'upstream_invalid',
      /untrusted .*TLS/,
    ],
    ['UF plain: TLS to a server that speaks none', 'plain', 'upstream_invalid', /plain .*TLS/],
    ['UF inner: an address that the gateway may not reach', 'inner', 'upstream_unavailable', /inner .*egress\.allow/],
  ])('%s', async (_id, upstream, reason, sentence) => {
    const own = await openSession(edge.url, `/mcp/${upstream}`, edge.key);
    const { answer, events } = await call(`${upstream}__x`, `/mcp/${upstream}`, own);
    expect(answer.messages).toEqual([
      expect.objectContaining({
        error: expect.objectContaining({
          message: expect.stringMatching(sentence) as string,
          data: expect.objectContaining({ reason, upstream }) as object,
        }) as object,
      }),
    ]);
    expect(events).toEqual([expect.objectContaining({ type: 'tool.called', outcome: 'error', reason })]);
  });
});

describe('what upstreams send beside the response', () => {
  it('US-1 U4.d the first of two responses counts', async () => {
    faulty.on('tools/call', ({ message, response }) => {
      const send = beginEvents(response);
      send({ jsonrpc: '2.0', id: message.id, result: result('first') });
      send({ jsonrpc: '2.0', id: message.id, result: result('second') });
      response.end();
    });
    const { answer, events } = await call('faulty__html');
    expect(answer.messages).toEqual([{ jsonrpc: '2.0', id: 1, result: result('first') }]);
    expectOneEvent(events, { outcome: 'ok', http_status: 200 });
  });

  it('US-2 U4.e a few strays before the response harm nobody', async () => {
    faulty.on('tools/call', ({ message, response }) => {
      const send = beginEvents(response);
      send({ jsonrpc: '2.0', id: 'another', result: result('stray') });
      send('event: other\ndata: {"x":1}\n\n: a comment\n\nid: 7\nretry: 10\ndata:\n\n');
      send({ jsonrpc: '2.0', id: message.id, result: result('own') });
      response.end();
    });
    const { answer, events } = await call('faulty__html');
    expect(answer.messages).toEqual([{ jsonrpc: '2.0', id: 1, result: result('own') }]);
    expectOneEvent(events, { outcome: 'ok', http_status: 200 });
  });

  it('US-3 U4.f requests on the stream are answered: ping with a result, others with -32601', async () => {
    const before = faulty.received.length;
    faulty.on('tools/call', ({ message, response }) => {
      const send = beginEvents(response);
      send({ jsonrpc: '2.0', id: 'p', method: 'ping' });
      send({ jsonrpc: '2.0', id: 's', method: 'sampling/createMessage', params: {} });
      setTimeout(() => {
        send({ jsonrpc: '2.0', id: message.id, result: result('done') });
        response.end();
      }, 50);
    });
    const { answer, events } = await call('faulty__html');
    expect(answer.messages).toEqual([{ jsonrpc: '2.0', id: 1, result: result('done') }]);
    expectOneEvent(events, { outcome: 'ok', http_status: 200 });
    const answers = await eventually(() => {
      const found = faulty.received
        .slice(before)
        .map((received) => JSON.parse(received.body) as { id: string; result?: object; error?: { code: number } });
      const own = found.filter(({ id }) => id === 'p' || id === 's');
      return own.length === 2 && own;
    });
    expect(answers.find(({ id }) => id === 'p')).toMatchObject({ result: {} });
    expect(answers.find(({ id }) => id === 's')).toMatchObject({ error: { code: -32601 } });
  });

  it('US-4 U4.g relays progress of this call and log messages; drops what is another’s and what nobody knows', async () => {
    faulty.on('tools/call', ({ message, response }) => {
      const send = beginEvents(response);
      const progressToken = message.params?._meta?.progressToken;
      const notify = (method: string, params: object) => send({ jsonrpc: '2.0', method, params });
      notify('notifications/progress', { progressToken: 'another', progress: 1 });
      notify('notifications/progress', { progressToken, progress: 2 });
      notify('notifications/cancelled', { requestId: 1 });
      notify('notifications/unheard/of', { data: 'x' });
      notify('notifications/message', { level: 'info', data: 'heard' });
      send({ jsonrpc: '2.0', id: message.id, result: result('done') });
      response.end();
    });
    const message = callOf('faulty__html');
    const requestId = 'strays';
    const answer = await exchange(edge.url, {
      path: '/mcp/both',
      key: edge.key,
      session,
      headers: { 'x-request-id': requestId },
      body: { ...message, params: { ...message.params, _meta: { progressToken: 0 } } },
    });
    await edge.event(({ type, request_id }) => type === 'tool.called' && request_id === requestId);
    expectOneEvent(
      edge.events.filter(({ request_id }) => request_id === requestId),
      { outcome: 'ok', http_status: 200 },
    );
    expect(answer.messages.map(({ method, params }) => ({ method, params }))).toEqual([
      { method: 'notifications/progress', params: { progressToken: 0, progress: 2 } },
      { method: 'notifications/message', params: { level: 'info', data: 'heard' } },
      { method: undefined, params: undefined },
    ]);
  });

  it('US-7 an error of its own under a code that modern revisions reserve reaches a legacy client as it is, after one call', async () => {
    faulty.on('tools/call', ({ message, response }) => {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(body(message.id, { error: { code: -32020, message: 'out of paper' } }));
    });
    const before = faulty.received.length;
    const { answer, events } = await call('faulty__html');
    expect(answer.messages).toEqual([{ jsonrpc: '2.0', id: 1, error: { code: -32020, message: 'out of paper' } }]);
    expect(faulty.received.slice(before).map(({ body: sent }) => (JSON.parse(sent) as { method: string }).method)).toEqual([
      'tools/call',
    ]);
    expectOneEvent(events, { outcome: 'error', rpc_code: -32020, http_status: 200 });
  });

  it('US-5 U4.h what comes behind a response that has gone out is dropped', async () => {
    faulty.on('tools/call', ({ message, response }) => {
      const send = beginEvents(response);
      const log = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x'.repeat(30_000) } };
      for (let index = 0; index < 20; index += 1) send(log);
      send(`data: ${'x'.repeat(2 * LIMIT_BYTES)}\n\n`);
      for (let index = 0; index < 20; index += 1) send(log);
      send({ jsonrpc: '2.0', id: message.id, result: result('late') });
    });
    const { answer, events } = await call('faulty__html');
    expect(answer.messages.at(-1)).toMatchObject({ error: { code: 10413 } });
    expectOneEvent(events, { outcome: 'error', reason: 'result_too_large', rpc_code: 10413 });
    expect((await call('sound__fine')).answer.status).toBe(200);
  });

  it('US-6 header fields of the upstream stay here, its bytes go through unchanged', async () => {
    const odd = '{"content" : [ {"type":"text","text":"\\u00e9\\/","vendor":{"x":1.50}} ],  "isError":false}';
    faulty.on('tools/call', ({ message, response }) => {
      response.writeHead(200, {
        'content-type': 'application/json; charset=utf-8',
        'set-cookie': 'a=b',
        'www-authenticate': 'Bearer',
        location: 'https://elsewhere.example',
        'strict-transport-security': 'max-age=1',
        'access-control-allow-origin': '*',
        'mcp-session-id': 'theirs',
      });
      response.end(`{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":${odd}}`);
    });
    const { answer } = await call('faulty__html');
    expectOwnHeaders(answer);
    expect(answer.text).toBe(`{"jsonrpc":"2.0","id":1,"result":${odd}}`);
  });
});
