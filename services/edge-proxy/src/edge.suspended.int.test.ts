import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import {
  answerResult,
  beginEvents,
  eventually,
  type ScriptedExchange,
  type ScriptedMessage,
  type ScriptedUpstream,
  startScriptedUpstream,
} from '@switchyard/testing';
import { randomUUID } from 'node:crypto';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { exchange, open, type RawAnswer, type RawRequest } from './raw-client.fixture.js';

const FORM = { message: 'Who?', requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } };
const URL_FORM = { mode: 'url', elicitationId: 'e-1', message: 'Sign in.', url: 'https://example.com/' };

/** Answers to the upstream's own requests, by their id. */
const waiting = new Map<string, (message: ScriptedMessage) => void>();
const sessions = new Set<string>();
let consented = false;

const ask = (send: (message: object) => void, method: string, params: object) =>
  new Promise<ScriptedMessage>((resolve) => {
    const id = randomUUID();
    waiting.set(id, resolve);
    send({ jsonrpc: '2.0', id, method, params });
  });

/** A legacy server (2025-11-25) that asks its client while a call runs. */
async function call(scripted: ScriptedExchange): Promise<void> {
  const { message, request, response } = scripted;
  if (!sessions.has(String(request.headers['mcp-session-id']))) return void response.writeHead(404).end();
  if (message.params?.name === 'plain') return answerResult(scripted, { content: [], structuredContent: { a: 1.5 } });
  if (message.params?.name === 'gone') return void response.writeHead(500).end();
  if (message.params?.name === 'sign-in') {
    if (consented) return answerResult(scripted, { content: [{ type: 'text', text: 'signed in' }] });
    response.writeHead(200, { 'content-type': 'application/json' });
    const error = { code: -32042, message: 'Sign in first.', data: { elicitations: [URL_FORM] } };
    return void response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error }));
  }
  const send = beginEvents(response);
  send({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'asking' } });
  if (message.params?.name === 'wait' || message.params?.name === 'talk') return;
  const answers =
    message.params?.name === 'two'
      ? await Promise.all([ask(send, 'elicitation/create', FORM), ask(send, 'roots/list', {})])
      : [await ask(send, 'elicitation/create', FORM)];
  const failed = answers.find(({ error }) => error !== undefined);
  if (failed) send({ jsonrpc: '2.0', id: message.id, error: { code: -32000, message: 'refused' } });
  else {
    const text = JSON.stringify(answers.map(({ result }) => result));
    send({ jsonrpc: '2.0', id: message.id, result: { content: [{ type: 'text', text }] } });
  }
  response.end();
}

let upstream: ScriptedUpstream;
let edge: TestEdge;

beforeAll(async () => {
  upstream = await startScriptedUpstream({
    name: 'old',
    tools: ['form', 'two', 'plain', 'sign-in'],
    scripts: {
      initialize: (scripted) => {
        const id = randomUUID();
        sessions.add(id);
        const capabilities = { tools: {}, logging: {} };
        answerResult(
          scripted,
          { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 'old', version: '1' } },
          { 'mcp-session-id': id },
        );
      },
      'logging/setLevel': (scripted) => answerResult(scripted, {}),
      'tools/call': (scripted) => void call(scripted),
      answer: ({ message, response }) => {
        waiting.get(String(message.id))?.(message);
        response.writeHead(202).end();
      },
    },
  });
  edge = await startTestEdge();
  await edge.publish(snapshot());
});

const snapshot = () => ({
  upstreams: [
    { name: 'old', transport: { case: 'http' as const, value: { url: upstream.url } }, timeoutMs: 10_000 },
    { name: 'hasty', transport: { case: 'http' as const, value: { url: upstream.url } }, timeoutMs: 1_500 },
  ],
  servers: ['old', 'hasty'].map((slug) => ({
    slug,
    sources: [{ upstream: slug, tools: ['*'] }],
    access: [{ everyone: true }],
  })),
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

interface Sent {
  readonly capabilities?: object;
  readonly retry?: object;
  readonly logLevel?: string;
  readonly slug?: string;
}

function requestOf(
  name: string,
  { capabilities = { elicitation: {}, roots: {} }, retry, logLevel, slug = 'old' }: Sent = {},
): RawRequest {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': capabilities,
    ...(logLevel !== undefined && { 'io.modelcontextprotocol/logLevel': logLevel }),
  };
  return {
    path: `/mcp/${slug}`,
    key: edge.key,
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
    body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {}, ...retry, _meta } },
  };
}

const send = (name: string, sent: Sent = {}, url = edge.url) => exchange(url, requestOf(name, sent));
const last = ({ messages }: RawAnswer) => messages.at(-1) ?? {};
const asked = (answer: RawAnswer) =>
  last(answer).result as { inputRequests: Record<string, { method: string; params?: object }>; requestState: string };
const textOf = (answer: RawAnswer) => (last(answer).result?.content as { text: string }[] | undefined)?.[0]?.text;
const said = () => upstream.received.map(({ body }) => body);

describe('a legacy server that asks a modern client (MCP 2026-07-28, "Multi Round-Trip Requests")', () => {
  it('SU-1 suspends the call, and goes on with the answer', async () => {
    const first = asked(await send('form'));
    expect(first).toMatchObject({
      resultType: 'input_required',
      inputRequests: { 'ask-1': { method: 'elicitation/create', params: FORM } },
    });
    const answer = { action: 'accept', content: { name: 'Ana' } };
    const second = await send('form', {
      retry: { inputResponses: { 'ask-1': answer, other: {} }, requestState: first.requestState },
    });
    expect(last(second).result).toMatchObject({ resultType: 'complete', content: [{ text: JSON.stringify([answer]) }] });
    const event = await edge.event(
      ({ type, detail }) => type === 'tool.called' && JSON.stringify(detail).includes('input_required'),
    );
    expect(event).toMatchObject({ outcome: 'ok', capability: 'form' });
  });

  it('SU-2 asks side by side what is asked side by side, and again for what is missing', async () => {
    const first = asked(await send('two'));
    expect(Object.values(first.inputRequests).map(({ method }) => method)).toEqual(['elicitation/create', 'roots/list']);
    const inputResponses = { 'ask-1': { action: 'decline' } };
    const second = asked(await send('two', { retry: { inputResponses, requestState: first.requestState } }));
    expect(Object.keys(second.inputRequests)).toEqual(['ask-2']);
    const third = await send('two', { retry: { inputResponses: { 'ask-2': { roots: [] } }, requestState: second.requestState } });
    expect(textOf(third)).toBe('[{"action":"decline"},{"roots":[]}]');
  });

  it('SU-3 E15.k a state is good for one retry', async () => {
    const { requestState } = asked(await send('form'));
    const retry = { inputResponses: { 'ask-1': { action: 'cancel' } }, requestState };
    expect(textOf(await send('form', { retry }))).toBe('[{"action":"cancel"}]');
    const again = await send('form', { retry });
    expect([again.status, last(again).error]).toMatchObject([200, { code: -32602, data: { reason: 'request_state_invalid' } }]);
    const event = await edge.event(
      ({ type, request_id }) => type === 'tool.called' && request_id === again.headers['x-request-id'],
    );
    const refusal = { outcome: 'error', reason: 'request_state_invalid', rpc_code: -32602, http_status: 200 };
    expect(event).toMatchObject({ ...refusal, detail: { because: 'not_waiting' } });
  });

  it('SU-4 what the client has not declared is refused to the server, and the client is told', async () => {
    const answer = await send('form', { capabilities: {} });
    expect(answer.messages.at(-1)?.error).toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { elicitation: { form: {} } } },
    });
  });

  it('SU-6 an upstream session that has ended is opened anew, and the call sent once more', async () => {
    await send('plain');
    sessions.clear();
    const before = said().filter((body) => body.includes('"initialize"')).length;
    expect(last(await send('plain')).result).toMatchObject({ resultType: 'complete', structuredContent: { a: 1.5 } });
    expect(said().filter((body) => body.includes('"initialize"'))).toHaveLength(before + 1);
  });

  it('SU-7 requests of one caller share a session, and carry nothing of the modern era', async () => {
    await send('plain');
    const before = said().length;
    await send('plain');
    const bodies = said().slice(before);
    expect(bodies).toHaveLength(1);
    expect(bodies[0]).not.toContain('io.modelcontextprotocol');
  });

  it('SU-15 hops are recorded with the era of the upstream', async () => {
    await send('plain');
    const { _meta } = (requestOf('plain').body as { params: { _meta: object } }).params;
    const body = { jsonrpc: '2.0', id: 'l-1', method: 'tools/list', params: { _meta } };
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' };
    await exchange(edge.url, { path: '/mcp/old', key: edge.key, headers, body });
    for (const method of ['tools/list', 'tools/call']) {
      const hop = await edge.event((event) => event.type === 'proxy.hop' && event.method === method);
      expect(hop).toMatchObject({ era: 'legacy', upstream: 'old' });
    }
    const list = await edge.event(({ type }) => type === 'capability.listed');
    expect(list).toMatchObject({ era: 'modern', outcome: 'ok' });
  });

  it('SU-16 whatever else a client declares opens no session of its own', async () => {
    const handshakes = () => said().filter((body) => body.includes('"initialize"')).length;
    await send('plain', { capabilities: { sampling: {}, roots: {} } });
    const before = handshakes();
    for (const n of [1, 2, 3]) {
      const junk = { sampling: { [`x${n}`]: n }, roots: { listChanged: true, n }, [`y${n}`]: {} };
      expect(last(await send('plain', { capabilities: junk })).result).toMatchObject({ resultType: 'complete' });
    }
    expect(handshakes()).toBe(before);
  });

  it('SU-8 log messages reach those who ask for them', async () => {
    const quiet = await send('form');
    expect(quiet.messages).toHaveLength(1);
    const loud = await send('form', { logLevel: 'debug' });
    expect(loud.messages.map(({ method }) => method)).toEqual(['notifications/message', undefined]);
    expect((await send('form', { logLevel: 'error' })).messages).toHaveLength(1);
    expect(said().filter((body) => body.includes('logging/setLevel'))).toHaveLength(1);
  });

  it('SU-9 a client that goes away cancels the call', async () => {
    const before = said().length;
    const request = await open(edge.url, requestOf('wait', { logLevel: 'debug' }));
    request.leave();
    await eventually(() =>
      said()
        .slice(before)
        .some((body) => body.includes('notifications/cancelled')),
    );
  });

  it('SU-10 an error that asks for URLs becomes a round', async () => {
    const capabilities = { elicitation: { url: {} } };
    const first = asked(await send('sign-in', { capabilities }));
    expect(first.inputRequests).toEqual({
      'url-1': { method: 'elicitation/create', params: { mode: 'url', message: 'Sign in.', url: 'https://example.com/' } },
    });
    const { requestState } = first;
    const declined = await send('sign-in', {
      capabilities,
      retry: { inputResponses: { 'url-1': { action: 'decline' } }, requestState },
    });
    expect(last(declined).result).toMatchObject({ isError: true });
    consented = true;
    const retry = { inputResponses: { 'url-1': { action: 'accept' } }, requestState };
    expect(textOf(await send('sign-in', { capabilities, retry }))).toBe('signed in');
  });

  it('SU-11 the official client answers without knowing', async () => {
    const client = new Client(
      { name: 'v2-client', version: '2.0.0' },
      { versionNegotiation: { mode: 'auto' }, capabilities: { elicitation: { form: {} } } },
    );
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept' as const, content: { name: 'Bo' } }));
    await client.connect(
      new StreamableHTTPClientTransport(new URL(`${edge.url}/mcp/old`), {
        requestInit: { headers: { authorization: `Bearer ${edge.key}` } },
      }),
    );
    const result = await client.callTool({ name: 'form', arguments: {} });
    expect(JSON.stringify(result.content)).toContain('Bo');
    await client.close();
  });

  it('SU-13 waits for the user as long as it is promised, however short the time is that the upstream has', async () => {
    const first = asked(await send('form', { slug: 'hasty' }));
    // What is given up for its silence was begun later: the upstream's time has passed twice.
    for (const _again of [1, 2])
      expect(last(await send('wait', { slug: 'hasty' })).error).toMatchObject({ data: { reason: 'upstream_timeout' } });
    const answer = { action: 'accept', content: { name: 'Ana' } };
    const retry = { inputResponses: { 'ask-1': answer }, requestState: first.requestState };
    expect(textOf(await send('form', { slug: 'hasty', retry }))).toBe(JSON.stringify([answer]));
  });

  it('SU-14 the call’s own time limit does not run while the user is being asked', async () => {
    await using other = await startTestEdge({ limits: { callLimitMs: 1_000 }, beside: edge });
    await other.publish(snapshot());
    const first = asked(await send('form', {}, other.url));
    const talked = exchange(other.url, requestOf('talk'));
    expect(last(await talked).error).toMatchObject({ message: 'old was not done within 1000 ms.' });
    const answer = { action: 'accept', content: { name: 'Ana' } };
    const retry = { inputResponses: { 'ask-1': answer }, requestState: first.requestState };
    expect(textOf(await send('form', { retry }, other.url))).toBe(JSON.stringify([answer]));
  });

  it('SU-12 an edge that stops refuses and cancels what waits', async () => {
    await using other = await startTestEdge();
    await other.publish(snapshot());
    const before = said().length;
    await exchange(other.url, { ...requestOf('form'), key: other.key });
    await other.edge.close();
    await eventually(() => {
      const bodies = said().slice(before);
      return bodies.some((body) => body.includes('notifications/cancelled')) && bodies.some((body) => body.includes('-32603'));
    });
  });
});
