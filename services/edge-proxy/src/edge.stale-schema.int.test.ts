import { answerResult, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { exchange, openSession, type RawMessage } from './raw-client.fixture.js';

const PATH = '/mcp/moving';
const HINTS = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };

let upstream: ScriptedUpstream;
let edge: TestEdge;
/** The field that the tool's schema asks for, and the one without which calls are refused. */
let listed: string | undefined;
let statusOfRefusal: number;

beforeAll(async () => {
  upstream = await startScriptedUpstream({
    name: 'moving',
    scripts: {
      initialize: ({ response, message }) => {
        response.writeHead(404, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error: { code: -32601, message: 'no' } }));
      },
      'server/discover': (call) =>
        answerResult(call, { ...HINTS, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } }),
      'tools/list': (call) => {
        const property = { type: 'string', ...(listed !== undefined && { 'x-mcp-header': listed }) };
        const inputSchema = { type: 'object', properties: { p: property } };
        answerResult(call, { ...HINTS, tools: [{ name: 'act', inputSchema }] });
      },
      'tools/call': (call) => {
        if (call.request.headers['mcp-param-zone'] !== undefined)
          return answerResult(call, { resultType: 'complete', content: [{ type: 'text', text: 'done' }] });
        call.response.writeHead(statusOfRefusal, { 'content-type': 'application/json' });
        const error = { code: -32020, message: 'Mcp-Param-Zone is missing' };
        call.response.end(JSON.stringify({ jsonrpc: '2.0', id: call.message.id, error }));
      },
    },
  });
  edge = await startTestEdge();
  await edge.publish({
    upstreams: [{ name: 'moving', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 10_000 }],
    servers: [{ slug: 'moving', sources: [{ upstream: 'moving', tools: ['*'] }], access: [{ everyone: true }] }],
  });
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
const received = (method: string) => upstream.received.filter(({ body }) => body.includes(`"${method}"`));

/** Sends requests of one client. @returns what sends them */
async function client(era: 'modern' | 'legacy') {
  const session = era === 'legacy' ? await openSession(edge.url, PATH, edge.key) : undefined;
  return async (id: string, method: string, params: object, headers: Record<string, string> = {}): Promise<RawMessage> => {
    const modern = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, ...headers };
    const { messages } = await exchange(edge.url, {
      path: PATH,
      key: edge.key,
      ...(session === undefined ? { headers: modern } : { session }),
      body: { jsonrpc: '2.0', id, method, params: session === undefined ? { ...params, _meta } : params },
    });
    return messages.at(-1)!;
  };
}

interface Row {
  readonly era: 'modern' | 'legacy';
  /** What the schema asks for when the call is refused. */
  readonly then?: string;
  readonly sent?: Record<string, string>;
  readonly status?: number;
  readonly expected: object;
  readonly fields: readonly (string | undefined)[];
  readonly event: object;
}

const ok = { outcome: 'ok', http_status: 200 };
const done = { result: { content: [{ text: 'done' }] } };
const invalid = { error: { code: 10502, data: { reason: 'upstream_invalid' } } };
const failed = { outcome: 'error', reason: 'upstream_invalid', rpc_code: 10502, http_status: 200 };

describe('a tool whose mirrored parameters have changed since the gateway read its schema', () => {
  it.each<readonly [id: string, row: Row]>([
    [
      'RF-1 is called once more with the field that it wants',
      { era: 'modern', then: 'Zone', sent: { 'mcp-param-zone': 'eu' }, expected: done, fields: [undefined, 'eu'], event: ok },
    ],
    [
      'RF-2 is not called again where the client does not send the field',
      {
        era: 'modern',
        then: 'Zone',
        expected: { error: { code: -32020, data: { reason: 'header_mismatch', header: 'Mcp-Param-Zone' } } },
        fields: [undefined],
        event: { type: 'request.refused', outcome: 'error', reason: 'header_mismatch', rpc_code: -32020, http_status: 400 },
      },
    ],
    [
      'RF-3 is not called again where nothing has changed',
      { era: 'modern', expected: invalid, fields: [undefined], event: failed },
    ],
    [
      'RF-4 is called at most twice',
      {
        era: 'modern',
        then: 'Area',
        sent: { 'mcp-param-area': 'eu' },
        expected: invalid,
        fields: [undefined, 'eu'],
        event: failed,
      },
    ],
    [
      'RF-5 is not called again where it may have been done',
      {
        era: 'modern',
        then: 'Zone',
        sent: { 'mcp-param-zone': 'eu' },
        status: 200,
        expected: invalid,
        fields: [undefined],
        event: failed,
      },
    ],
    ['RF-6 is called once more', { era: 'legacy', then: 'Zone', expected: done, fields: [undefined, 'eu'], event: ok }],
    [
      'RF-7 is not called again where nothing has changed',
      { era: 'legacy', expected: invalid, fields: [undefined], event: failed },
    ],
    [
      'RF-8 is called at most twice',
      { era: 'legacy', then: 'Area', expected: invalid, fields: [undefined, 'eu'], event: failed },
    ],
    [
      'RF-9 is not called again where it may have been done',
      { era: 'legacy', then: 'Zone', status: 200, expected: invalid, fields: [undefined], event: failed },
    ],
  ])('%s', async (id, { era, then, sent, status = 400, expected, fields, event }) => {
    listed = undefined;
    statusOfRefusal = status;
    const send = await client(era);
    expect(await send('l', 'tools/list', {})).toMatchObject({ result: { tools: [{ name: 'act' }] } });
    const before = received('tools/call').length;
    listed = then;
    const answer = await send(id, 'tools/call', { name: 'act', arguments: { p: 'eu' } }, { 'mcp-name': 'act', ...sent });
    expect(answer).toMatchObject(expected);
    const calls = received('tools/call').slice(before);
    expect(calls.map(({ headers }) => headers[`mcp-param-${(then ?? 'zone').toLowerCase()}`])).toEqual(fields);
    const own = await edge.event(({ client_rpc_id }) => client_rpc_id === JSON.stringify(id));
    expect(own).toMatchObject({ era, ...event });
    const hops = edge.events.filter(
      ({ type, request_id, method }) => type === 'proxy.hop' && request_id === own.request_id && method === 'tools/call',
    );
    expect(hops).toHaveLength(calls.length);
  });

  it('RF-10 that the gateway has not read yet is called with the client’s own fields, and with the right ones once it has', async () => {
    await using fresh = await startTestEdge({ beside: edge });
    await fresh.publish({
      upstreams: [{ name: 'moving', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 10_000 }],
      servers: [{ slug: 'moving', sources: [{ upstream: 'moving', tools: ['*'] }], access: [{ everyone: true }] }],
    });
    listed = 'Zone';
    statusOfRefusal = 400;
    const { messages } = await exchange(fresh.url, {
      path: PATH,
      key: edge.key,
      headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'act' },
      body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'act', arguments: { p: 'eu' }, _meta } },
    });
    expect(messages[0]).toMatchObject({ error: { code: -32020, data: { reason: 'header_mismatch', header: 'Mcp-Param-Zone' } } });
  });
});
