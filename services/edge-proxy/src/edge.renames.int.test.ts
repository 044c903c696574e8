import {
  answerResult,
  beginEvents,
  eventually,
  type ScriptedExchange,
  type ScriptedUpstream,
  startScriptedUpstream,
} from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { exchange, messagesIn, open, openSession, type RawMessage } from './raw-client.fixture.js';

// What a virtual server changes, and what it must not, in every place where a name, a URI, an id or a token stands: over a server with a
// prefix, in front of two upstreams that have everything under the same names.

const REVISION = '2026-07-28';
const SERVER_INFO = 'io.modelcontextprotocol/serverInfo';
const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId';
const LINK = { type: 'resource_link', uri: 'app://note/7', name: 'note' };
const EMBEDDED = { type: 'resource', resource: { uri: 'app://note/7', text: 'seven' } };
const WIDGET = 'ui://app/widget.html';
const kept = { ttlMs: 0, cacheScope: 'private' };

type Params = Readonly<Record<string, unknown>> & { readonly _meta?: Readonly<Record<string, unknown>> };
type Era = 'legacy' | 'modern';
type Script = (call: ScriptedExchange) => void;

const TOOLS = [
  {
    name: 'show',
    title: 'Show',
    description: 'show, as show does',
    inputSchema: { type: 'object', properties: { show: { type: 'string' } } },
    _meta: { ui: { resourceUri: WIDGET }, 'com.example/own': 'show' },
  },
];

let upstream: ScriptedUpstream;
let second: ScriptedUpstream;
let edge: TestEdge;

/** A server of both eras, which says in every answer who it is. */
async function startBoth(name: string): Promise<ScriptedUpstream> {
  const capabilities = { tools: {}, prompts: {}, resources: { subscribe: true }, completions: {} };
  const info = { name: 'show', version: '1' };
  const results: Readonly<Record<string, (params: Params) => object>> = {
    initialize: () => ({ protocolVersion: '2025-11-25', capabilities, serverInfo: info }),
    'server/discover': () => ({ supportedVersions: [REVISION], capabilities, ...kept }),
    'tools/list': ({ cursor }) =>
      cursor === 'upstream-2' ? { tools: [], ...kept } : { tools: TOOLS, nextCursor: 'upstream-2', ...kept },
    'prompts/list': () => ({ prompts: [{ name: 'greet', description: 'greet', arguments: [{ name: 'greet' }] }], ...kept }),
    'resources/list': () => ({
      resources: [
        { uri: WIDGET, name: 'widget' },
        { uri: `app://${name}`, name: 'show' },
      ],
      ...kept,
    }),
    'resources/templates/list': () => ({ resourceTemplates: [{ uriTemplate: 'app://note/{id}', name: 'note' }], ...kept }),
    'tools/call': () => ({ content: [{ type: 'text', text: `${name}: show` }, LINK, EMBEDDED] }),
    'prompts/get': () => ({ messages: [{ role: 'user', content: EMBEDDED }] }),
    'resources/read': ({ uri }) => ({
      contents: [{ uri, text: name, _meta: { ui: { csp: { connectDomains: ['https://show'] } } } }],
      ...kept,
    }),
    'completion/complete': () => ({ completion: { values: [name] } }),
  };
  const scripts = Object.entries(results).map(([method, result]): [string, Script] => [
    method,
    (call: ScriptedExchange) => {
      const params = (call.message.params ?? {}) as Params;
      const isModern = params._meta?.['io.modelcontextprotocol/protocolVersion'] !== undefined;
      answerResult(call, {
        ...result(params),
        ...(isModern && { resultType: 'complete', _meta: { [SERVER_INFO]: info } }),
      });
    },
  ]);
  return startScriptedUpstream({ name, scripts: Object.fromEntries(scripts) });
}

beforeAll(async () => {
  [upstream, second] = await Promise.all([startBoth('first'), startBoth('second')]);
  edge = await startTestEdge();
  const all = { tools: ['*'], prompts: ['*'], resources: ['*'] };
  await edge.publish({
    upstreams: [
      { name: 'first', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 20_000 },
      { name: 'second', transport: { case: 'http', value: { url: second.url } }, timeoutMs: 20_000 },
    ],
    servers: [
      {
        slug: 'both',
        sources: [
          { upstream: 'first', prefix: 'p__', ...all },
          { upstream: 'second', prefix: 'p__', ...all },
        ],
        access: [{ everyone: true }],
      },
    ],
  });
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await Promise.all([upstream, second].map((one) => one[Symbol.asyncDispose]()));
});

interface Sent {
  readonly params?: Params;
  readonly id?: string | number;
  /** What Mcp-Name says, where it is not what the params say. */
  readonly name?: string;
}

/** A request of a client of an era. @returns its messages, as they came */
async function send(era: Era, method: string, { params = {}, id = 1 }: Sent = {}): Promise<RawMessage[]> {
  const path = '/mcp/both';
  if (era === 'legacy') {
    const session = await openSession(edge.url, path, edge.key);
    return [
      ...(await exchange(edge.url, { path, key: edge.key, session, body: { jsonrpc: '2.0', id, method, params } })).messages,
    ];
  }
  const name = method === 'resources/read' ? params.uri : params.name;
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': REVISION,
    'io.modelcontextprotocol/clientCapabilities': {},
    ...params._meta,
  };
  const answer = await exchange(edge.url, {
    path,
    key: edge.key,
    headers: { 'mcp-protocol-version': REVISION, 'mcp-method': method, ...(typeof name === 'string' && { 'mcp-name': name }) },
    body: { jsonrpc: '2.0', id, method, params: { ...params, _meta } },
  });
  return [...answer.messages];
}

const resultOf = async (era: Era, method: string, params?: Params) =>
  (await send(era, method, params && { params })).at(-1)?.result;

/** What an upstream has received of a method, newest last. */
const received = (one: ScriptedUpstream, method: string) =>
  one.received
    .filter(({ body }) => body.includes(`"method":"${method}"`))
    .map(({ headers, body }) => ({ headers, message: JSON.parse(body) as { id: unknown; params: Params } }));

const namesIn = (list: unknown, key = 'name') => (list as Record<string, string>[]).map((item) => item[key]);

const ERAS = [['legacy'], ['modern']] as const;

describe.each(ERAS)('a server with a prefix, to a client of the %s era', (era) => {
  it.each([
    ['RN-1 tools', 'tools/list', 'tools', ['p__show', 'second__p__show']],
    ['RN-2 prompts', 'prompts/list', 'prompts', ['p__greet', 'second__p__greet']],
  ])('%s are listed under the server’s names', async (_id, method, key, names) => {
    expect(namesIn((await resultOf(era, method))?.[key])).toEqual(names);
  });

  it('RN-3 nothing else of a tool is changed, whatever it says', async () => {
    const tools = (await resultOf(era, 'tools/list'))?.tools as object[];
    expect(tools[0]).toEqual({ ...TOOLS[0], name: 'p__show' });
    // Its page has the URI of the first one's, which would be shown in its place.
    expect(tools[1]).toEqual({ ...TOOLS[0], name: 'second__p__show', _meta: { 'com.example/own': 'show' } });
  });

  it.each<[string, string, Params, () => ScriptedUpstream, Params]>([
    ['RN-4 a tool', 'tools/call', { name: 'p__show', arguments: { show: 'p__show' } }, () => upstream, { name: 'show' }],
    ['RN-5 a tool of the second of that name', 'tools/call', { name: 'second__p__show' }, () => second, { name: 'show' }],
    ['RN-6 a prompt', 'prompts/get', { name: 'p__greet' }, () => upstream, { name: 'greet' }],
    ['RN-7 a resource', 'resources/read', { uri: 'app://second' }, () => second, { uri: 'app://second' }],
    ['RN-8 a resource of a template', 'resources/read', { uri: 'app://note/7' }, () => upstream, { uri: 'app://note/7' }],
    [
      'RN-9 the completion of a prompt’s argument',
      'completion/complete',
      { ref: { type: 'ref/prompt', name: 'second__p__greet' }, argument: { name: 'greet', value: 'p__greet' } },
      () => second,
      { ref: { type: 'ref/prompt', name: 'greet' }, argument: { name: 'greet', value: 'p__greet' } },
    ],
    [
      'RN-10 the completion of a template’s argument',
      'completion/complete',
      { ref: { type: 'ref/resource', uri: 'app://note/{id}' }, argument: { name: 'id', value: '7' } },
      () => upstream,
      { ref: { type: 'ref/resource', uri: 'app://note/{id}' }, argument: { name: 'id', value: '7' } },
    ],
  ])('%s is asked for by its upstream’s own name', async (_id, method, params, owner, expected) => {
    expect(await resultOf(era, method, params)).toBeDefined();
    const last = received(owner(), method).at(-1);
    expect(last?.message.params).toMatchObject(expected);
    if (params.arguments !== undefined) expect(last?.message.params.arguments).toEqual(params.arguments);
    const header = method === 'completion/complete' ? undefined : (expected.name ?? expected.uri);
    expect(last?.headers['mcp-name']).toBe(era === 'modern' ? header : undefined);
  });

  it.each([
    ['RN-11 a link in a tool’s result', 'tools/call', { name: 'p__show', arguments: {} }],
    ['RN-12 a resource in a tool’s result', 'tools/call', { name: 'p__show', arguments: {} }],
    ['RN-13 a resource in a prompt', 'prompts/get', { name: 'p__greet' }],
  ])('%s can be read where it says', async (_id, method, params) => {
    const result = await resultOf(era, method, params);
    const blocks = (
      method === 'tools/call' ? result?.content : (result?.messages as { content: object }[])[0]?.content
    ) as object;
    expect([blocks].flat()).toEqual(
      method === 'tools/call' ? [{ type: 'text', text: 'first: show' }, LINK, EMBEDDED] : [EMBEDDED],
    );
    expect(await resultOf(era, 'resources/read', { uri: 'app://note/7' })).toMatchObject({ contents: [{ text: 'first' }] });
  });

  it('RN-14 a tool’s user interface is where its resourceUri says, with all that it says of itself', async () => {
    const tools = (await resultOf(era, 'tools/list'))?.tools as { _meta: { ui: { resourceUri: string } } }[];
    const uri = tools[0]?._meta.ui.resourceUri;
    expect(namesIn((await resultOf(era, 'resources/list'))?.resources, 'uri')).toContain(uri);
    expect((await resultOf(era, 'resources/read', { uri }))?.contents).toEqual([
      { uri, text: 'first', _meta: { ui: { csp: { connectDomains: ['https://show'] } } } },
    ]);
  });

  it('RN-15 a list has cursors of its own: no upstream’s reaches the client', async () => {
    expect(await resultOf(era, 'tools/list')).not.toHaveProperty('nextCursor');
    expect(received(upstream, 'tools/list').some(({ message }) => message.params.cursor === 'upstream-2')).toBe(true);
    expect((await send(era, 'tools/list', { params: { cursor: 'upstream-2' } }))[0]?.error).toMatchObject({ code: -32602 });
  });

  it.each([
    ['RN-16 zero', 0],
    ['RN-17 the empty text', ''],
    ['RN-18 text that looks like a number', '0'],
    ['RN-19 one that another client has as well', 1],
  ])('%s: an id is the client’s on its side, and the gateway’s on the other', async (_id, id) => {
    const [answer] = await send(era, 'tools/call', { id, params: { name: 'p__show', arguments: {} } });
    expect(answer).toMatchObject({ id, result: { content: [{ text: 'first: show' }, LINK, EMBEDDED] } });
    const ids = received(upstream, 'tools/call').map(({ message }) => message.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each([
    ['RN-20 zero', 0],
    ['RN-21 text', 'p__show'],
  ])('%s: a progress token is the client’s on its side, and the gateway’s on the other', async (_id, progressToken) => {
    const tokens: unknown[] = [];
    upstream.on('tools/call', ({ message, response }) => {
      const theirs = message.params?._meta?.progressToken;
      tokens.push(theirs);
      const say = beginEvents(response);
      say({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: theirs, progress: 1 } });
      say({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: 2 } });
      say({ jsonrpc: '2.0', id: message.id, result: { content: [], resultType: 'complete' } });
      response.end();
    });
    const messages = await send(era, 'tools/call', { params: { name: 'p__show', arguments: {}, _meta: { progressToken } } });
    expect(messages.filter(({ method }) => method !== undefined).map(({ params }) => params)).toEqual([
      { progressToken, progress: 1 },
    ]);
    expect(tokens).not.toContain(progressToken);
    upstream.on('tools/call', (call) =>
      answerResult(call, { content: [{ type: 'text', text: 'first: show' }, LINK, EMBEDDED], resultType: 'complete' }),
    );
  });
});

describe('a server with a prefix, in what one era alone has', () => {
  it('RN-22 says who it is in place of its upstreams, and takes no name of theirs for its prefix', async () => {
    for (const method of ['tools/list', 'resources/read']) {
      const result = await resultOf('modern', method, method === 'tools/list' ? {} : { uri: 'app://first' });
      expect((result?._meta as Record<string, object>)[SERVER_INFO]).toMatchObject({ name: 'switchyard' });
    }
  });

  it('RN-23 a subscription is the client’s on its side, and the gateway’s on the other; its URIs are what lists say', async () => {
    const ids: unknown[] = [];
    upstream.on('subscriptions/listen', ({ message, response }) => {
      ids.push(message.id);
      const say = beginEvents(response);
      const _meta = { [SUBSCRIPTION_ID]: message.id };
      say({
        jsonrpc: '2.0',
        method: 'notifications/subscriptions/acknowledged',
        params: { notifications: { resourceSubscriptions: ['app://first'] }, _meta },
      });
      say({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'app://first', _meta } });
    });
    const notifications = { resourceSubscriptions: ['app://first'] };
    const _meta = { 'io.modelcontextprotocol/protocolVersion': REVISION, 'io.modelcontextprotocol/clientCapabilities': {} };
    const stream = await open(edge.url, {
      path: '/mcp/both',
      key: edge.key,
      headers: { 'mcp-protocol-version': REVISION, 'mcp-method': 'subscriptions/listen' },
      body: { jsonrpc: '2.0', id: 'mine', method: 'subscriptions/listen', params: { notifications, _meta } },
    });
    const updated = await eventually(
      () => messagesIn(stream.text()).find(({ method }) => method === 'notifications/resources/updated') ?? false,
    );
    expect(updated.params).toMatchObject({ uri: 'app://first', _meta: { [SUBSCRIPTION_ID]: 'mine' } });
    expect(ids).not.toContain('mine');
    stream.leave();
  });

  it('RN-24 a resource’s change is told by the URI that lists say, in the session that subscribed', async () => {
    upstream.on('resources/subscribe', (call) => answerResult(call, {}));
    const streams: ((message: object) => void)[] = [];
    upstream.on('GET', ({ response }) => void streams.push(beginEvents(response)));
    const path = '/mcp/both';
    const session = await openSession(edge.url, path, edge.key);
    const stream = await open(edge.url, { path, method: 'GET', key: edge.key, session });
    const params = { uri: 'app://first' };
    const body = { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params };
    expect((await exchange(edge.url, { path, key: edge.key, session, body })).messages[0]?.result).toEqual({});
    expect(received(upstream, 'resources/subscribe').at(-1)?.message.params).toMatchObject(params);
    const say = await eventually(() => streams[0] ?? false);
    say({ jsonrpc: '2.0', method: 'notifications/resources/updated', params });
    await eventually(() => stream.text().includes('"uri":"app://first"'));
    stream.leave();
  });
});
