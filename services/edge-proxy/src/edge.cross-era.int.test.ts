import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  type ClientCapabilities,
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js';
import {
  answerResult,
  beginEvents,
  eventually,
  type ScriptedExchange,
  type ScriptedUpstream,
  startScriptedUpstream,
} from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { exchange, INITIALIZE, open, type RawMessage } from './raw-client.fixture.js';

const TOOLS = [
  { name: 'plain', inputSchema: { type: 'object', properties: { any: true } } },
  {
    name: 'mirrors',
    inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } },
    outputSchema: { type: 'array', items: { type: 'number' } },
  },
  { name: 'broken', inputSchema: { type: 'string' } },
];
const FORM = {
  method: 'elicitation/create',
  params: { message: 'Who?', mode: 'form', requestedSchema: { type: 'object', properties: {} } },
};
const done = { resultType: 'complete', content: [{ type: 'text', text: 'done' }] };

let upstream: ScriptedUpstream;
let edge: TestEdge;

type Params = Readonly<Record<string, unknown>>;
const callsOf = (name: string) =>
  upstream.received
    .filter(({ body }) => body.includes('"tools/call"') && body.includes(`"${name}"`))
    .map(({ headers, body }) => ({ headers, params: (JSON.parse(body) as { params: Params }).params }));
const fails =
  (code: number, status = 200, data?: object) =>
  (scripted: ScriptedExchange) => {
    scripted.response.writeHead(status, { 'content-type': 'application/json' });
    const error = { code, message: 'no', ...(data && { data }) };
    scripted.response.end(JSON.stringify({ jsonrpc: '2.0', id: scripted.message.id, error }));
  };

beforeAll(async () => {
  upstream = await startScriptedUpstream({
    name: 'nova',
    scripts: {
      initialize: fails(-32601, 404),
      'server/discover': (scripted) =>
        answerResult(scripted, {
          resultType: 'complete',
          supportedVersions: ['2026-07-28'],
          capabilities: { tools: {}, prompts: {}, logging: {} },
        }),
      'tools/list': (scripted) =>
        answerResult(scripted, { resultType: 'complete', ttlMs: 0, cacheScope: 'private', tools: TOOLS }),
      'prompts/list': (scripted) => answerResult(scripted, { resultType: 'complete', prompts: [{ name: 'p' }] }),
    },
  });
  edge = await startTestEdge({ limits: { callLimitMs: 8_000 } });
  await edge.publish({
    upstreams: [{ name: 'nova', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 20_000 }],
    servers: [
      {
        slug: 'new',
        sources: [{ upstream: 'nova', prefix: 'n__', tools: ['*'], prompts: ['*'], resources: ['*'] }],
        access: [{ everyone: true }],
      },
    ],
  });
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

async function connect(capabilities: ClientCapabilities = {}): Promise<{ client: Client } & AsyncDisposable> {
  const client = new Client({ name: 'old', version: '1' }, { capabilities });
  if (capabilities.elicitation) client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'decline' }));
  if (capabilities.roots) client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [] }));
  if (capabilities.sampling)
    client.setRequestHandler(CreateMessageRequestSchema, () => {
      throw new McpError(-1, 'the user said no');
    });
  const requestInit = { headers: { authorization: `Bearer ${edge.key}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp/new', edge.url), { requestInit }));
  return { client, [Symbol.asyncDispose]: () => client.close() };
}

describe('a legacy client on a modern upstream', () => {
  it('XL-1 is shown its tools in the form of the client’s revision, without those that clients would refuse', async () => {
    await using connection = await connect();
    const { tools } = await connection.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['n__plain', 'n__mirrors']);
    expect(tools[0]?.inputSchema.properties).toEqual({ any: {} });
    expect(tools[1]?.outputSchema).toMatchObject({ type: 'object', required: ['result'] });
  });

  it('XL-2 sends requests that describe themselves, with the header fields that they need; results are made legacy', async () => {
    upstream.on('tools/call', (scripted) =>
      answerResult(scripted, {
        ...done,
        structuredContent: [1, 2],
        _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'nova' } },
      }),
    );
    await using connection = await connect({ elicitation: {}, roots: { listChanged: true } });
    await connection.client.setLoggingLevel('warning');
    const result = await connection.client.callTool({ name: 'n__mirrors', arguments: { region: 'Zürich' } });
    expect(result).toEqual({ content: done.content, structuredContent: { result: [1, 2] }, _meta: {} });
    const [call] = callsOf('mirrors');
    expect(call?.params).toMatchObject({
      name: 'mirrors',
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': { elicitation: {}, roots: {} },
        'io.modelcontextprotocol/logLevel': 'warning',
      },
    });
    expect(call?.headers).toMatchObject({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'mirrors',
      'mcp-param-region': '=?base64?WsO8cmljaA==?=',
    });
    expect(call?.headers['mcp-session-id']).toBeUndefined();
  });

  it('XL-9 has its requests to the upstream recorded with the upstream’s era, its own with its own', async () => {
    upstream.on('tools/call', (scripted) => answerResult(scripted, done));
    await using connection = await connect();
    await connection.client.listTools();
    await connection.client.callTool({ name: 'n__plain' });
    for (const [type, method] of [
      ['capability.listed', 'tools/list'],
      ['tool.called', 'tools/call'],
    ] as const) {
      const own = await edge.event((event) => event.type === type && event.method === method);
      expect(own.era).toBe('legacy');
      const hop = await edge.event((event) => event.type === 'proxy.hop' && event.request_id === own.request_id);
      expect(hop).toMatchObject({ method, era: 'modern', outcome: 'ok', upstream: 'nova' });
    }
  });

  it('XL-3 is asked for everything at once, and its call is retried with the answers and the state', async () => {
    upstream.on('tools/call', (scripted) => {
      const { inputResponses } = scripted.message.params as Params;
      if (inputResponses !== undefined) return answerResult(scripted, done);
      const inputRequests = { who: FORM, where: { method: 'roots/list' } };
      return answerResult(scripted, { resultType: 'input_required', inputRequests, requestState: 's-1' });
    });
    await using connection = await connect({ elicitation: {}, roots: {} });
    const from = callsOf('plain').length;
    expect(await connection.client.callTool({ name: 'n__plain', arguments: {} })).toMatchObject({ content: done.content });
    const [first, retry] = callsOf('plain').slice(from);
    expect(first?.params).not.toHaveProperty('inputResponses');
    expect(retry?.params).toMatchObject({
      name: 'plain',
      requestState: 's-1',
      inputResponses: { who: { action: 'decline' }, where: { roots: [] } },
    });
  });

  it.each([
    ['XL-4a what it did not declare', {}, FORM, /elicitation\.form, which the client does not support/],
    [
      'XL-4b what it then refuses',
      { sampling: {} },
      { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } },
      /answered sampling\/createMessage with error -1/,
    ],
  ])('%s ends the call in words for the model', async (_id, capabilities, asked, says) => {
    upstream.on('tools/call', (scripted) =>
      answerResult(scripted, { resultType: 'input_required', inputRequests: { x: asked } }),
    );
    await using connection = await connect(capabilities);
    expect(await connection.client.callTool({ name: 'n__plain', arguments: {} })).toMatchObject({
      isError: true,
      content: [{ text: expect.stringMatching(says) as string }],
    });
  });

  it('XL-5 waits while its upstream wants nothing but to see the call again, at most ten times', async () => {
    upstream.on('tools/call', (scripted) => answerResult(scripted, { resultType: 'input_required', requestState: 's' }));
    await using connection = await connect();
    const from = callsOf('plain').length;
    const started = performance.now();
    expect(await connection.client.callTool({ name: 'n__plain', arguments: {} })).toMatchObject({ isError: true });
    expect(callsOf('plain').length - from).toBe(11);
    expect(performance.now() - started).toBeGreaterThan(2_000);
  });

  it.each([
    ['XL-6a a missing capability', fails(-32021, 400, { requiredCapabilities: { sampling: {} } }), { isError: true }],
    ['XL-6b an unknown method, which is no lost session', fails(-32601, 404), { code: -32601 }],
    ['XL-6c a code that only modern servers have', fails(-32030), { code: -32603 }],
    ['XL-6d a fault of the gateway’s own', fails(-32020, 400), { code: 10502, data: { reason: 'upstream_invalid' } }],
    ['XL-6e its parameters', fails(-32602), { code: -32602 }],
  ])('%s is told in terms of its revision', async (_id, script, expected) => {
    upstream.on('tools/call', script);
    await using connection = await connect();
    const seen = await connection.client.callTool({ name: 'n__plain', arguments: {} }).catch((error: unknown) => error);
    expect(seen).toMatchObject(expected);
  });

  it('XL-7 hears progress, and its cancellation closes the upstream’s stream', async () => {
    let left = false;
    upstream.on('tools/call', ({ message, response }) => {
      response.on('close', () => (left = true));
      const progressToken = message.params?._meta?.progressToken;
      beginEvents(response)({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: 1 } });
    });
    await using connection = await connect();
    const abort = new AbortController();
    const progress: number[] = [];
    const call = connection.client.callTool({ name: 'n__plain', arguments: {} }, undefined, {
      signal: abort.signal,
      onprogress: (one) => void progress.push(one.progress),
    });
    await eventually(() => progress.length > 0);
    abort.abort('enough');
    await expect(call).rejects.toThrow();
    await eventually(() => left);
    expect(upstream.received.some(({ body }) => body.includes('notifications/cancelled'))).toBe(false);
  });

  it('XL-9 is given its stream where the upstream is silent for long, and comes back for the answer', async () => {
    const asked = Promise.withResolvers<ScriptedExchange>();
    upstream.on('tools/call', (scripted) => asked.resolve(scripted));
    const path = '/mcp/new';
    const { headers } = await exchange(edge.url, { path, key: edge.key, body: INITIALIZE });
    const session = String(headers['mcp-session-id']);
    const body = { jsonrpc: '2.0', id: 'slow', method: 'tools/call', params: { name: 'n__plain', arguments: {} } };
    const first = await open(edge.url, { path, key: edge.key, session, body });
    const [, id = ''] = await eventually(() => /^id: ?(\S+)$/m.exec(first.text()) ?? false);
    first.leave();
    await first.ended;
    answerResult(await asked.promise, done);
    const { messages } = await exchange(edge.url, {
      path,
      method: 'GET',
      key: edge.key,
      session,
      headers: { 'last-event-id': id },
    });
    expect(messages).toMatchObject([{ id: 'slow', result: { content: done.content } }]);
  });

  it('XL-8 gets prompts in the content of its own revision', async () => {
    upstream.on('prompts/get', (scripted) =>
      answerResult(scripted, {
        resultType: 'complete',
        messages: [{ role: 'user', content: { type: 'resource_link', uri: 'x://y', name: 'y' } }],
      }),
    );
    const params = { ...INITIALIZE.params, protocolVersion: '2024-11-05' };
    const path = '/mcp/new';
    const { headers } = await exchange(edge.url, { path, key: edge.key, body: { ...INITIALIZE, params } });
    const body = { jsonrpc: '2.0', id: 'g', method: 'prompts/get', params: { name: 'n__p' } };
    const session = String(headers['mcp-session-id']);
    const { messages } = await exchange(edge.url, { path, key: edge.key, session, body });
    expect(messages).toEqual<RawMessage[]>([
      {
        jsonrpc: '2.0',
        id: 'g',
        result: { messages: [{ role: 'user', content: { type: 'text', text: 'y: x://y' } }] },
      } as RawMessage,
    ]);
  });
});
