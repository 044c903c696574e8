import {
  answerResult,
  eventually,
  type ScriptedExchange,
  type ScriptedUpstream,
  startScriptedUpstream,
} from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import {
  callOf,
  exchange,
  INITIALIZE,
  messagesIn,
  open,
  openSession,
  type RawAnswer,
  type RawRequest,
} from './raw-client.fixture.js';

const MODERN = '2026-07-28';
const _meta = { 'io.modelcontextprotocol/protocolVersion': MODERN, 'io.modelcontextprotocol/clientCapabilities': {} };
const HINTS = { resultType: 'complete', ttlMs: 60_000, cacheScope: 'public' };
const FORGED = { 'dev.switchyard/unavailable': [{ upstream: 'x', reason: 'forged' }], 'dev.switchyard/': 1 };
const REGION = { type: 'string', 'x-mcp-header': 'Region' };

let old: ScriptedUpstream;
let nova: ScriptedUpstream;
let edge: TestEdge;
let thief: string;
/** Calls that wait for the test to end them. */
let held: (() => void)[] = [];

const hold = (call: ScriptedExchange) => held.push(() => answerResult(call, { content: [{ type: 'text', text: 'held' }] }));

/** An answer with what only the gateway may say: in the result, in its items, and spelt with an escape. */
function forge({ message, response }: ScriptedExchange, more: object): void {
  const item = { type: 'text', text: 't', _meta: { ...FORGED, kept: 1 } };
  const result = { content: [item], ...more, _meta: { ...FORGED, other: 2, 'dev.switchyardx/own': 3 } };
  const text = JSON.stringify({ jsonrpc: '2.0', id: message.id, result }).replace('dev.switchyard/u', 'dev\\u002eswitchyard\\/u');
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(text);
}

beforeAll(async () => {
  const tools = (names: string[]) =>
    names.map((name) => ({
      name,
      inputSchema: { type: 'object', properties: name === 'mirrors' ? { region: REGION } : {} },
      _meta: { ...FORGED, kept: 1 },
    }));
  old = await startScriptedUpstream({
    name: 'old',
    scripts: {
      'tools/list': (call) => answerResult(call, { tools: tools(['hold', 'forge', 'gateway_status']), _meta: FORGED }),
      'tools/call': (call) => (call.message.params?.name === 'hold' ? hold(call) : forge(call, {})),
    },
  });
  nova = await startScriptedUpstream({
    name: 'nova',
    scripts: {
      initialize: ({ message, response }) => {
        response.writeHead(404, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error: { code: -32601, message: 'no' } }));
      },
      'server/discover': (call) =>
        answerResult(call, { ...HINTS, supportedVersions: [MODERN], capabilities: { tools: {}, resources: {}, prompts: {} } }),
      'tools/list': (call) => answerResult(call, { ...HINTS, tools: tools(['forge', 'mirrors']) }),
      'prompts/list': (call) => answerResult(call, { ...HINTS, prompts: [{ name: 'p' }] }),
      'resources/list': (call) => answerResult(call, { ...HINTS, resources: [{ uri: 'test://mine', name: 'mine' }] }),
      'resources/templates/list': (call) => answerResult(call, { ...HINTS, resourceTemplates: [] }),
      'resources/read': (call) =>
        answerResult(call, { contents: [{ uri: 'test://mine', text: `for ${call.request.headers['x-request-id']}` }], ...HINTS }),
      'tools/call': (call) => forge(call, { resultType: 'complete' }),
    },
  });
  edge = await startTestEdge();
  const all = { tools: ['*'], prompts: ['*'], resources: ['*'] };
  await edge.publish({
    upstreams: [old, nova].map(({ url }, index) => ({
      name: index === 0 ? 'old' : 'nova',
      transport: { case: 'http' as const, value: { url } },
      timeoutMs: 20_000,
    })),
    servers: ['old', 'nova'].map((slug) => ({ slug, sources: [{ upstream: slug, ...all }], access: [{ everyone: true }] })),
  });
  thief = await edge.mint({ name: 'thief', servers: ['*'] });
}, 300_000);

beforeEach(() => {
  held = [];
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await Promise.all([old, nova].map((upstream) => upstream[Symbol.asyncDispose]()));
});

const requestIdOf = ({ headers }: Pick<RawAnswer, 'headers'>) => headers['x-request-id'] as string;
const eventOf = (answer: Pick<RawAnswer, 'headers'>) =>
  edge.event(({ type, request_id }) => type !== 'proxy.hop' && request_id === requestIdOf(answer));

/** A modern request with the fields that mirror it. */
function modern(
  method: string,
  params: Readonly<Record<string, unknown>> = {},
  headers: Record<string, string> = {},
): RawRequest {
  const name = params.name ?? params.uri;
  const mirrored = {
    ...(typeof name === 'string' && { 'mcp-name': name }),
    'mcp-method': method,
    'mcp-protocol-version': MODERN,
  };
  const body = { jsonrpc: '2.0', id: 'm-1', method, params: { ...params, _meta } };
  return { path: '/mcp/nova', key: edge.key, headers: { ...mirrored, ...headers }, body };
}

const received = () => old.received.length + nova.received.length;

describe('E10 what a modern client may not post', () => {
  const call = { ...callOf('forge'), params: { ...callOf('forge').params, _meta } };
  it.each<readonly [id: string, body: unknown, code: number, reason: string]>([
    ['E10.c a batch', [call, call], -32600, 'invalid_request'],
    ['E10.d a result', { jsonrpc: '2.0', id: 1, result: {} }, -32600, 'invalid_request'],
    ['E10.e an error', { jsonrpc: '2.0', id: 1, error: { code: 1, message: 'x' } }, -32600, 'invalid_request'],
  ])('%s: 400, and nobody is asked', async (_id, body, code, reason) => {
    const before = received();
    const headers = { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': 'forge' };
    const answer = await exchange(edge.url, { path: '/mcp/nova', key: edge.key, headers, body });
    expect([answer.status, answer.messages[0]?.error]).toMatchObject([400, { code, data: { reason } }]);
    expect(await eventOf(answer)).toMatchObject({
      type: 'request.refused',
      outcome: 'error',
      reason,
      rpc_code: code,
      http_status: 400,
    });
    expect(received()).toBe(before);
  });
});

describe('E16 what belongs to others', () => {
  const victim = async () => {
    const session = await openSession(edge.url, '/mcp/old', edge.key);
    const call = exchange(edge.url, { path: '/mcp/old', key: edge.key, session, body: callOf('hold', {}, 'v-1') });
    await eventually(() => held.length === 1);
    return { session, call };
  };
  const notify = (method: string, params: object) => ({ jsonrpc: '2.0', method, params });

  it.each<readonly [id: string, body: object]>([
    ['E16.a its call is not cancelled', notify('notifications/cancelled', { requestId: 'v-1' })],
    ['E16.b its progress is not made up', notify('notifications/progress', { progressToken: 'v-1', progress: 1 })],
  ])('%s by another session, of this caller or another', async (_id, body) => {
    const { session, call } = await victim();
    const before = old.received.length;
    for (const key of [edge.key, thief]) {
      const own = await openSession(edge.url, '/mcp/old', key);
      expect(await exchange(edge.url, { path: '/mcp/old', key, session: own, body })).toMatchObject({ status: 202, text: '' });
      const foreign = await exchange(edge.url, { path: '/mcp/old', key: thief, session, body });
      expect([foreign.status, foreign.messages[0]?.error?.code]).toEqual([404, -32001]);
      expect(await eventOf(foreign)).toMatchObject({
        type: 'request.refused',
        outcome: 'error',
        reason: 'session_unknown',
        rpc_code: -32001,
        http_status: 404,
      });
    }
    const headers = { 'mcp-protocol-version': MODERN };
    const modernTry = await exchange(edge.url, { path: '/mcp/old', key: edge.key, headers, body });
    expect([modernTry.status, modernTry.text]).toEqual([202, '']);
    expect(old.received.slice(before).filter((one) => /cancelled|progress/.test(one.body))).toEqual([]);
    held[0]?.();
    const answer = await call;
    expect(answer.messages.at(-1)).toMatchObject({ id: 'v-1', result: { content: [{ text: 'held' }] } });
    expect(await eventOf(answer)).toMatchObject({ type: 'tool.called', outcome: 'ok', client_rpc_id: '"v-1"' });
  });

  it.each([
    ['E16.c a task', 'tasks/get'],
    ['E16.d a task to cancel', 'tasks/cancel'],
    ['E16.e the result of a task', 'tasks/result'],
  ])('%s is unknown to legacy clients, whoever has it, and nobody is asked', async (_id, method) => {
    const session = await openSession(edge.url, '/mcp/old', edge.key);
    const before = received();
    const body = { jsonrpc: '2.0', id: 1, method, params: { taskId: 'guessed' } };
    const answer = await exchange(edge.url, { path: '/mcp/old', key: edge.key, session, body });
    expect([answer.status, answer.messages[0]?.error]).toMatchObject([200, { code: -32602, data: { reason: 'task_unknown' } }]);
    const event = { type: 'task.used', outcome: 'error', reason: 'task_unknown', rpc_code: -32602, http_status: 200 };
    expect(await eventOf(answer)).toMatchObject(event);
    expect(received()).toBe(before);
  });

  it.each([
    ['E16.f a task', 'tasks/get'],
    ['E16.g a task to cancel', 'tasks/cancel'],
  ])('%s is unknown to modern clients, whoever has it, and nobody is asked', async (_id, method) => {
    const before = received();
    const declared = {
      ..._meta,
      'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
    };
    const answer = await exchange(edge.url, {
      ...modern(method, {}, { 'mcp-name': 'guessed' }),
      body: { jsonrpc: '2.0', id: 1, method, params: { taskId: 'guessed', _meta: declared } },
    });
    expect([answer.status, answer.messages[0]?.error]).toMatchObject([200, { code: -32602, data: { reason: 'task_unknown' } }]);
    const event = { type: 'task.used', outcome: 'error', reason: 'task_unknown', rpc_code: -32602, http_status: 200 };
    expect(await eventOf(answer)).toMatchObject(event);
    expect(received()).toBe(before);
  });
});

describe('E21 an upstream that says that everybody may see what one caller sees', () => {
  it.each<readonly [id: string, method: string, params: Readonly<Record<string, unknown>>]>([
    ['E21.a of what it is', 'server/discover', {}],
    ['E21.b of its tools', 'tools/list', {}],
    ['E21.c of its prompts', 'prompts/list', {}],
    ['E21.d of its resources', 'resources/list', {}],
    ['E21.e of its templates', 'resources/templates/list', {}],
    ['E21.f of a resource', 'resources/read', { uri: 'test://mine' }],
  ])('%s is not believed', async (_id, method, params) => {
    const answer = await exchange(edge.url, modern(method, params));
    expect(answer.status).toBe(200);
    expect(answer.messages[0]?.result).toMatchObject({ resultType: 'complete', cacheScope: 'private' });
    expect(answer.text).not.toContain('public');
    if (method !== 'server/discover') expect(await eventOf(answer)).toMatchObject({ outcome: 'ok', http_status: 200 });
  });

  it('E21.g a resource that was read is read anew for the next caller', async () => {
    const read = async (key: string) => {
      const answer = await exchange(edge.url, { ...modern('resources/read', { uri: 'test://mine' }), key });
      const [first] = answer.messages[0]?.result?.contents as { text: string }[];
      expect(first?.text).toBe(`for ${requestIdOf(answer)}`);
    };
    for (const key of [edge.key, thief, edge.key]) await read(key);
  });
});

describe('U11 a parameter that is to be repeated in a header field', () => {
  const asLegacy = async (region: string) => {
    const session = await openSession(edge.url, '/mcp/nova', edge.key);
    await exchange(edge.url, {
      path: '/mcp/nova',
      key: edge.key,
      session,
      body: { jsonrpc: '2.0', id: 0, method: 'tools/list' },
    });
    const before = nova.received.length;
    const answer = await exchange(edge.url, { path: '/mcp/nova', key: edge.key, session, body: callOf('mirrors', { region }) });
    return { answer, sent: nova.received.slice(before) };
  };

  it('U11.a with line breaks is encoded, and adds no field', async () => {
    const value = 'eu\r\nAuthorization: Bearer stolen\r\n\r\nGET / HTTP/1.1';
    const { answer, sent } = await asLegacy(value);
    expect(answer.status).toBe(200);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.headers['mcp-param-region']).toBe(`=?base64?${Buffer.from(value).toString('base64')}?=`);
    expect(sent[0]?.headers.authorization).toBeUndefined();
    expect(await eventOf(answer)).toMatchObject({ type: 'tool.called', outcome: 'ok' });
  });

  it('U11.b of more than 8 KiB is refused, and nobody is called', async () => {
    const { answer, sent } = await asLegacy('x'.repeat(8 * 1024 + 1));
    expect([answer.status, answer.messages[0]?.error]).toMatchObject([
      400,
      { code: -32602, data: { reason: 'invalid_params', header: 'mcp-param-region' } },
    ]);
    expect(sent).toEqual([]);
    expect(await eventOf(answer)).toMatchObject({
      outcome: 'error',
      reason: 'invalid_params',
      rpc_code: -32602,
      http_status: 400,
    });
    expect((await asLegacy('x'.repeat(8 * 1024))).sent).toHaveLength(1);
  });

  it('U11.c is refused of that size from a modern client too', async () => {
    await exchange(edge.url, modern('tools/list'));
    const region = 'x'.repeat(8 * 1024 + 1);
    const before = received();
    const call = modern('tools/call', { name: 'mirrors', arguments: { region } }, { 'mcp-param-region': region });
    const answer = await exchange(edge.url, call);
    expect([answer.status, answer.messages[0]?.error]).toMatchObject([400, { code: -32602, data: { reason: 'invalid_params' } }]);
    expect(await eventOf(answer)).toMatchObject({ outcome: 'error', reason: 'invalid_params', http_status: 400 });
    expect(received()).toBe(before);
  });
});

describe('U13 what an upstream says in the gateway’s name', () => {
  const clean = { _meta: { other: 2, 'dev.switchyardx/own': 3 }, content: [{ type: 'text', text: 't', _meta: { kept: 1 } }] };

  it.each<readonly [id: string, client: 'legacy' | 'modern', upstream: 'old' | 'nova']>([
    ['U13.a', 'legacy', 'old'],
    ['U13.b', 'legacy', 'nova'],
    ['U13.c', 'modern', 'old'],
    ['U13.d', 'modern', 'nova'],
  ])('%s is taken out of results (%s client, %s upstream), and nothing else is', async (_id, client, upstream) => {
    const path = `/mcp/${upstream}`;
    const request =
      client === 'modern'
        ? { ...modern('tools/call', { name: 'forge', arguments: {} }), path }
        : { path, key: edge.key, session: await openSession(edge.url, path, edge.key), body: callOf('forge') };
    const answer = await exchange(edge.url, request);
    const { result } = answer.messages[0]!;
    expect(result).toMatchObject(clean);
    expect(answer.text).not.toContain('forged');
    expect(answer.text).not.toMatch(/dev(\.|\\u002e)switchyard\\?\//);
    expect(await eventOf(answer)).toMatchObject({ type: 'tool.called', outcome: 'ok', http_status: 200 });
  });

  it('U13.e is taken out of lists, with the tool that is the gateway’s', async () => {
    for (const path of ['/mcp/old', '/mcp/nova']) {
      const answer = await exchange(edge.url, { ...modern('tools/list'), path });
      const tools = answer.messages[0]?.result?.tools as { name: string; _meta: object }[];
      expect(tools.map(({ name }) => name)).not.toContain('gateway_status');
      expect(tools.length).toBeGreaterThan(0);
      for (const tool of tools) expect(tool._meta).toEqual({ kept: 1 });
      expect(answer.messages[0]?.result?._meta ?? {}).not.toHaveProperty('dev.switchyard/unavailable');
      expect(await eventOf(answer)).toMatchObject({ type: 'capability.listed', outcome: 'ok' });
    }
  });
});

describe('E13 the stream of a session', () => {
  it('E13.b is not taken by a second GET, of the same caller or another', async () => {
    const session = await openSession(edge.url, '/mcp/old', edge.key);
    old.on('GET', ({ response }) => void response.writeHead(405).end());
    const stream = await open(edge.url, { path: '/mcp/old', method: 'GET', key: edge.key, session });
    expect(stream.status).toBe(200);
    for (const [key, status, reason] of [
      [edge.key, 409, 'stream_conflict'],
      [thief, 404, 'session_unknown'],
    ] as const) {
      const answer = await exchange(edge.url, { path: '/mcp/old', method: 'GET', key, session });
      expect([answer.status, answer.messages[0]?.error?.data.reason]).toEqual([status, reason]);
      expect(await eventOf(answer)).toMatchObject({ type: 'request.refused', outcome: 'error', reason, http_status: status });
    }
    let isOpen = true;
    void stream.ended.then(() => (isOpen = false));
    const ping = { ...INITIALIZE, id: 5, method: 'ping', params: {} };
    expect((await exchange(edge.url, { path: '/mcp/old', key: edge.key, session, body: ping })).status).toBe(200);
    expect([isOpen, messagesIn(stream.text())]).toEqual([true, []]);
    stream.leave();
  });
});
