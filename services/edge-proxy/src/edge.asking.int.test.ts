import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  type ClientCapabilities,
  ElicitationCompleteNotificationSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import {
  beginEvents,
  eventually,
  type ScriptedExchange,
  type ScriptedUpstream,
  startScriptedUpstream,
} from '@switchyard/testing';
import type { EventJson } from '@switchyard/contracts';
import path from 'node:path';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { callOf, exchange, INITIALIZE, messagesIn, open, type OpenAnswer, type RawMessage } from './raw-client.fixture.js';

const FORM = {
  method: 'elicitation/create',
  params: { message: 'Who?', requestedSchema: { type: 'object', properties: { who: { type: 'string' } } } },
};
const ACCEPTED = { action: 'accept', content: { who: 'Ana' } };

let upstream: ScriptedUpstream;
let edge: TestEdge;
/** The answers that the upstream got, oldest first. */
const answers: RawMessage[] = [];
let standing: ((message: object) => void) | undefined;

const resultText = (text: string) => ({ content: [{ type: 'text', text }] });
const asking =
  (asked: object) =>
  ({ message, response }: ScriptedExchange) => {
    const send = beginEvents(response);
    send({ jsonrpc: '2.0', id: 'up-1', ...asked });
    const from = answers.length;
    void eventually(() => answers.slice(from).find(({ id }) => id === 'up-1') ?? false).then(
      (answer) => {
        send({ jsonrpc: '2.0', id: message.id, result: resultText(JSON.stringify(answer.result ?? answer.error)) });
        response.end();
      },
      () => response.destroy(),
    );
  };

beforeAll(async () => {
  upstream = await startScriptedUpstream({ name: 'curious', tools: ['ask'] });
  upstream.on('answer', ({ message, response }) => {
    answers.push(message as RawMessage);
    response.writeHead(202).end();
  });
  upstream.on('GET', ({ response }) => {
    standing = beginEvents(response);
  });
  edge = await startTestEdge({ limits: { callLimitMs: 3_000 } });
  const all = { tools: ['*'], prompts: ['*'], resources: ['*'] };
  const local = { command: 'node', args: [path.join(__dirname, 'local-server.fixture.mjs')] };
  await edge.publish({
    upstreams: [
      { name: 'curious', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 1_000 },
      { name: 'local', transport: { case: 'stdio', value: local }, timeoutMs: 20_000 },
    ],
    servers: ['curious', 'local'].map((slug) => ({
      slug,
      sources: [{ upstream: slug, ...all }],
      access: [{ everyone: true }],
    })),
  });
});

beforeEach(() => {
  upstream.on('tools/call', asking(FORM));
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

async function connect(
  capabilities: ClientCapabilities,
  slug = 'curious',
): Promise<{ client: Client; transport: StreamableHTTPClientTransport } & AsyncDisposable> {
  const client = new Client({ name: 'asked', version: '1' }, { capabilities });
  if (capabilities.elicitation) client.setRequestHandler(ElicitRequestSchema, () => ACCEPTED as never);
  if (capabilities.roots) client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///home' }] }));
  const requestInit = { headers: { authorization: `Bearer ${edge.key}` } };
  const transport = new StreamableHTTPClientTransport(new URL(`/mcp/${slug}`, edge.url), { requestInit });
  await client.connect(transport);
  return { client, transport, [Symbol.asyncDispose]: () => client.close() };
}

const text = (result: unknown) => JSON.parse((result as { content: { text: string }[] }).content[0]!.text) as unknown;
const handshakes = () => upstream.received.filter(({ body }) => body.includes('"initialize"')).map(({ body }) => body);

/** A raw client with a call under way that waits for the client's answer. */
async function suspended(
  key = edge.key,
  id: string | number = 1,
): Promise<{ session: string; call: OpenAnswer; asked: RawMessage }> {
  const params = { ...INITIALIZE.params, capabilities: { elicitation: {} } };
  const { headers } = await exchange(edge.url, { path: '/mcp/curious', key, body: { ...INITIALIZE, params } });
  const session = String(headers['mcp-session-id']);
  const call = await open(edge.url, { path: '/mcp/curious', key, session, body: callOf('ask', {}, id) });
  const asked = await eventually(() => messagesIn(call.text()).find(({ method }) => method === FORM.method) ?? false);
  return { session, call, asked };
}

const post = (session: string, body: object, key = edge.key) => exchange(edge.url, { path: '/mcp/curious', key, session, body });
const response = (id: unknown) => ({ jsonrpc: '2.0', id, result: ACCEPTED });

describe('a legacy client that legacy upstreams ask', () => {
  it('AS-1 is announced with what it declared and the gateway carries, and nothing else', async () => {
    const before = handshakes().length;
    await using _one = await connect({
      elicitation: { form: {} },
      roots: {},
      tasks: { list: {} },
      experimental: { x: {} },
    });
    await using _two = await connect({});
    const told = handshakes()
      .slice(before)
      .map((body) => (JSON.parse(body) as RawMessage).params?.['capabilities']);
    expect(told).toEqual([{ elicitation: { form: {} }, roots: {}, experimental: { x: {} } }, {}]);
  });

  it('AS-2 is asked on the stream of its call, and its answer comes back under the upstream’s id', async () => {
    await using connection = await connect({ elicitation: {} });
    expect(text(await connection.client.callTool({ name: 'ask' }))).toEqual(ACCEPTED);
  });

  it('AS-3 is asked on its own stream what the upstream asks on its own', async () => {
    standing = undefined;
    await using _connection = await connect({ roots: {} });
    const send = await eventually(() => standing ?? false);
    const from = answers.length;
    send({ jsonrpc: '2.0', id: 7, method: 'roots/list' });
    const answer = await eventually(() => answers.slice(from)[0] ?? false);
    expect(answer).toMatchObject({ id: 7, result: { roots: [{ uri: 'file:///home' }] } });
  });

  it.each([
    ['AS-4a a capability', {}, FORM, -32601, /elicitation/],
    [
      'AS-4b a mode',
      { elicitation: {} },
      { method: FORM.method, params: { mode: 'url', message: '?', url: 'https://x', elicitationId: 'e' } },
      -32602,
      /elicitation\.url/,
    ],
    ['AS-4c a method', { roots: {} }, { method: 'tasks/list' }, -32601, /tasks\/list/],
  ] as const)('%s that it did not declare it is not asked for', async (_id, capabilities, asked, code, message) => {
    upstream.on('tools/call', asking(asked));
    await using connection = await connect(capabilities);
    expect(text(await connection.client.callTool({ name: 'ask' }))).toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });

  it('AS-5 answers ping by itself for no one: the gateway does', async () => {
    upstream.on('tools/call', asking({ method: 'ping' }));
    await using connection = await connect({});
    expect(text(await connection.client.callTool({ name: 'ask' }))).toEqual({});
  });

  it('AS-6 takes longer to answer than its upstream may be silent', async () => {
    const { session, call, asked } = await suspended();
    // The upstream's silence is what is tested: its limit is 1 s.
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    expect(await post(session, response(asked.id))).toMatchObject({ status: 202, text: '' });
    await call.ended;
    expect(messagesIn(call.text()).at(-1)).toMatchObject({ id: 1, result: resultText(JSON.stringify(ACCEPTED)) });
  });

  it('AS-7 has its answers to itself: other sessions and other callers answer nothing', async () => {
    const mine = await suspended();
    const other = await suspended();
    const stranger = await edge.mint({ name: 'stranger', servers: ['*'] });
    const from = answers.length;
    expect(await post(other.session, response(mine.asked.id))).toMatchObject({ status: 202 });
    expect(await post(mine.session, response(mine.asked.id), stranger)).toMatchObject({ status: 404 });
    expect(await post(mine.session, response('made-up'))).toMatchObject({ status: 202 });
    expect(answers.slice(from)).toEqual([]);
    expect(await post(mine.session, response(mine.asked.id))).toMatchObject({ status: 202 });
    await eventually(() => answers.length > from);
    // Once.
    expect(await post(mine.session, response(mine.asked.id))).toMatchObject({ status: 202 });
    await post(other.session, response(other.asked.id));
    await Promise.all([mine.call.ended, other.call.ended]);
    expect(answers.slice(from)).toHaveLength(2);
  });

  it.each([
    ['AS-8a leaves', ({ call }: Awaited<ReturnType<typeof suspended>>) => Promise.resolve(call.leave()), 'did not answer'],
    [
      'AS-8b cancels',
      ({ session }: Awaited<ReturnType<typeof suspended>>) =>
        post(session, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }),
      'no longer there',
    ],
    ['AS-8c is silent for as long as a call may take', () => Promise.resolve(), 'did not answer'],
  ] as const)('%s, and the upstream gets an error', async (_id, act, says) => {
    const from = answers.length;
    await act(await suspended());
    const answer = await eventually(() => answers.slice(from)[0] ?? false);
    expect(answer).toMatchObject({ id: 'up-1', error: { code: -32000, message: expect.stringMatching(says) as string } });
  });

  it('AS-9 is told that the upstream has withdrawn its question', async () => {
    let withdraw = () => {};
    upstream.on('tools/call', ({ message, response: stream }) => {
      const send = beginEvents(stream);
      send({ jsonrpc: '2.0', id: 'up-1', ...FORM });
      withdraw = () => {
        send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'up-1' } });
        send({ jsonrpc: '2.0', id: message.id, result: resultText('{}') });
        stream.end();
      };
    });
    const { call, asked } = await suspended();
    withdraw();
    await call.ended;
    expect(messagesIn(call.text()).slice(1)).toMatchObject([
      { method: 'notifications/cancelled', params: { requestId: asked.id } },
      { id: 1, result: resultText('{}') },
    ]);
  });

  it('AS-10 hears of elicitations that were completed, and its upstreams of changed roots', async () => {
    standing = undefined;
    await using connection = await connect({ roots: { listChanged: true }, elicitation: { url: {} } });
    const send = await eventually(() => standing ?? false);
    const heard: unknown[] = [];
    connection.client.setNotificationHandler(ElicitationCompleteNotificationSchema, ({ params }) => void heard.push(params));
    send({ jsonrpc: '2.0', method: 'notifications/elicitation/complete', params: { elicitationId: 'e-1' } });
    await eventually(() => heard.length > 0);
    expect(heard).toEqual([{ elicitationId: 'e-1' }]);
    await connection.client.sendRootsListChanged();
    await eventually(() => upstream.received.some(({ body }) => body.includes('notifications/roots/list_changed')));
  });

  it('AS-11 is given error -32042 as it is', async () => {
    const error = { code: -32042, message: 'Sign in', data: { elicitations: [{ mode: 'url', url: 'https://x', message: '?' }] } };
    upstream.on('tools/call', ({ message, response: reply }) => {
      reply.writeHead(200, { 'content-type': 'application/json' });
      reply.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error }));
    });
    await using connection = await connect({ elicitation: { url: {} } });
    await expect(connection.client.callTool({ name: 'ask' })).rejects.toMatchObject({ code: -32042, data: error.data });
  });

  it('AS-13 answers at any edge of the cluster, and there too in its own session only', async () => {
    await using second = await startTestEdge({ beside: edge });
    const mine = await suspended();
    const other = await suspended();
    const answer = (session: string, id: unknown) =>
      exchange(second.url, { path: '/mcp/curious', key: edge.key, session, body: response(id) });
    const from = answers.length;
    expect(await answer(other.session, mine.asked.id)).toMatchObject({ status: 202 });
    expect(await answer(mine.session, 'AAAAAAAAAAAA-1')).toMatchObject({ status: 202 });
    expect(answers.slice(from)).toEqual([]);
    expect(await answer(mine.session, mine.asked.id)).toMatchObject({ status: 202 });
    expect(await answer(other.session, other.asked.id)).toMatchObject({ status: 202 });
    await Promise.all([mine.call.ended, other.call.ended]);
    expect(messagesIn(mine.call.text()).at(-1)).toMatchObject({ id: 1, result: resultText(JSON.stringify(ACCEPTED)) });
  });

  it.each([
    ['AS-14a with what came before the question, which it gets again', 0, 1],
    ['AS-14b with the question, which it has', 1, 0],
  ])('%s: that lost its stream while it was asked, and comes back; its answer counts once', async (id, seen, again) => {
    const { session, call, asked } = await suspended(edge.key, id);
    call.leave();
    await call.ended;
    const ids = [...call.text().matchAll(/^id: (.*)$/gm)].map(([, id]) => id!);
    const resumed = await open(edge.url, {
      path: '/mcp/curious',
      method: 'GET',
      key: edge.key,
      session,
      headers: { 'last-event-id': ids[seen]! },
    });
    await eventually(() => messagesIn(resumed.text()).length === again);
    const from = answers.length;
    for (const _twice of [1, 2]) expect(await post(session, response(asked.id))).toMatchObject({ status: 202, text: '' });
    await resumed.ended;
    const expected = [...(again === 1 ? [asked] : []), { jsonrpc: '2.0', id, result: resultText(JSON.stringify(ACCEPTED)) }];
    expect(messagesIn(resumed.text())).toEqual(expected);
    expect(answers.slice(from)).toHaveLength(1);
    const isCalled = ({ type, client_rpc_id }: EventJson) => type === 'tool.called' && client_rpc_id === JSON.stringify(id);
    expect(await edge.event(isCalled)).toMatchObject({ outcome: 'ok', capability: 'ask', http_status: 200 });
  });

  it('AS-15 U4.i is spared an upstream that asks without end: the call is cut, and nothing more is asked', async () => {
    upstream.on('tools/call', ({ response: stream }) => {
      const send = beginEvents(stream);
      for (let id = 0; id < 300; id += 1) send({ jsonrpc: '2.0', id, ...FORM });
    });
    const params = { ...INITIALIZE.params, capabilities: { elicitation: {} } };
    const { headers } = await exchange(edge.url, { path: '/mcp/curious', key: edge.key, body: { ...INITIALIZE, params } });
    const session = String(headers['mcp-session-id']);
    const { messages } = await post(session, callOf('ask', {}, 'flood'));
    expect(messages.at(-1)).toMatchObject({ id: 'flood', error: { code: 10502, data: { reason: 'upstream_invalid' } } });
    expect(messages.filter(({ method }) => method === FORM.method)).toHaveLength(64);
    const event = await edge.event(({ type, client_rpc_id }) => type === 'tool.called' && client_rpc_id === '"flood"');
    expect(event).toMatchObject({ outcome: 'error', reason: 'upstream_invalid', rpc_code: 10502, http_status: 200 });
  });

  it('AS-12 is not asked by a process in whose hands several calls are', async () => {
    await using one = await connect({ sampling: {} }, 'local');
    await using two = await connect({ sampling: {} }, 'local');
    const abort = new AbortController();
    const hanging = two.client.callTool({ name: 'hang' }, undefined, { signal: abort.signal }).catch(() => 'aborted');
    await eventually(() => edge.logged().includes('hanging'));
    const asked = JSON.stringify(text(await one.client.callTool({ name: 'ask' })));
    expect(asked).toContain('-32601');
    abort.abort();
    await hanging;
  });
});
