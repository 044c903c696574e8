import { eventually } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { exchange, messagesIn, open, openSession, type OpenAnswer, type RawMessage } from './raw-client.fixture.js';
import { acknowledge, type Listener, notification, startTalking, type TalkingUpstream } from './talking-upstream.fixture.js';

const REVISION = '2026-07-28';
const LISTS = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };
const UPDATED = 'notifications/resources/updated';

/** Honours what it is asked for, but for `docs://unheard`. */
const honour = ({ wanted, send }: Listener) => {
  const { resourceSubscriptions = [], ...lists } = wanted as { resourceSubscriptions?: string[] };
  send(acknowledge({ ...lists, resourceSubscriptions: resourceSubscriptions.filter((uri) => uri !== 'docs://unheard') }));
};

let nova: TalkingUpstream;
let plain: TalkingUpstream;
let edge: TestEdge;
const undo = new AsyncDisposableStack();

const source = (upstream: string, others: { prefix?: string; tools?: string[]; resources?: string[]; deny?: string[] } = {}) => ({
  upstream,
  tools: ['*'],
  prompts: ['*'],
  resources: ['*'],
  deny: ['docs://secret*'],
  ...others,
});
type Server = { slug: string; sources: ReturnType<typeof source>[]; access: { everyone: boolean }[] };
const SERVERS: readonly Server[] = [
  { slug: 'one', sources: [source('nova')], access: [{ everyone: true }] },
  { slug: 'plain', sources: [source('plain')], access: [{ everyone: true }] },
  { slug: 'two', sources: [source('nova'), source('plain', { resources: [] })], access: [{ everyone: true }] },
];

const publish = (servers: readonly Server[] = SERVERS, timeoutMs = 2_000) =>
  edge.publish({
    upstreams: [nova, plain].map(({ url }, index) => ({
      name: ['nova', 'plain'][index]!,
      transport: { case: 'http' as const, value: { url } },
      timeoutMs,
    })),
    servers: [...servers],
  });

beforeAll(async () => {
  [nova, plain] = await Promise.all([
    startTalking('nova', { onListen: honour }),
    startTalking('plain', { capabilities: { tools: {}, resources: {} }, onListen: honour }),
  ]);
  for (const upstream of [nova, plain]) undo.use(upstream);
  edge = undo.use(await startTestEdge());
});

afterAll(() => undo.disposeAsync());

beforeEach(async () => {
  await publish();
  nova.listeners.length = 0;
});

afterEach(async () => {
  // Nobody is left behind who listens for nobody.
  await eventually(() => nova.open().length === 0);
});

interface Client extends AsyncDisposable {
  readonly session: string;
  readonly stream: OpenAnswer;
  /** What came on the stream, one line each: the method, and the resource. */
  readonly heard: () => string[];
  readonly request: (method: string, params: object, at?: TestEdge) => Promise<RawMessage | undefined>;
  readonly subscribe: (uri: string, at?: TestEdge) => Promise<RawMessage | undefined>;
}

const line = ({ method, params }: RawMessage) => [method, ...(params?.uri === undefined ? [] : [params.uri])].join(' ');
const openStream = (at: TestEdge, slug: string, session: string, headers: Record<string, string> = {}) =>
  open(at.url, {
    path: `/mcp/${slug}`,
    method: 'GET',
    key: edge.key,
    session,
    headers: { accept: 'text/event-stream', ...headers },
  });

/** A client of 2025-11-25 with its standing stream. */
async function connect(slug: string): Promise<Client> {
  const path = `/mcp/${slug}`;
  const session = await openSession(edge.url, path, edge.key);
  const stream = await openStream(edge, slug, session);
  const request = async (method: string, params: object, at = edge) => {
    const body = { jsonrpc: '2.0', id: 7, method, params };
    return (await exchange(at.url, { path, key: edge.key, session, body })).messages[0];
  };
  return {
    session,
    stream,
    heard: () => messagesIn(stream.text()).map(line),
    request,
    subscribe: (uri, at) => request('resources/subscribe', { uri }, at),
    [Symbol.asyncDispose]: async () => {
      await exchange(edge.url, { path, method: 'DELETE', key: edge.key, session });
      stream.leave();
    },
  };
}

function listen(slug: string, notifications: object): Promise<OpenAnswer> {
  const _meta = { 'io.modelcontextprotocol/protocolVersion': REVISION, 'io.modelcontextprotocol/clientCapabilities': {} };
  return open(edge.url, {
    path: `/mcp/${slug}`,
    key: edge.key,
    headers: { 'mcp-protocol-version': REVISION, 'mcp-method': 'subscriptions/listen' },
    body: { jsonrpc: '2.0', id: 'l', method: 'subscriptions/listen', params: { notifications, _meta } },
  });
}

const OK = { jsonrpc: '2.0', id: 7, result: {} };
const only = () => eventually(() => (nova.open().length === 1 ? nova.open()[0]! : false));
const wanting = (...uris: string[]) => eventually(() => nova.open().find(({ wanted }) => sameUris(wanted, uris)) ?? false);
const sameUris = (wanted: unknown, uris: string[]) =>
  JSON.stringify([...((wanted as { resourceSubscriptions?: string[] }).resourceSubscriptions ?? [])].sort()) ===
  JSON.stringify(uris);
const update = (uri: string) => notification(UPDATED, { uri, _meta: { 'io.modelcontextprotocol/subscriptionId': 'theirs' } });

describe('legacy clients’ subscriptions at a modern upstream', () => {
  it('CH-1 are one stream there, which follows what they want: the next is open before the one before is closed', async () => {
    await using client = await connect('one');
    const first = await wanting();
    expect(first.wanted).toEqual(LISTS);
    expect(await client.subscribe('docs://a')).toEqual(OK);
    const second = await wanting('docs://a');
    expect(second.wanted).toEqual({ ...LISTS, resourceSubscriptions: ['docs://a'] });
    await eventually(() => !first.isOpen());
    for (const message of [update('docs://b'), update('docs://a'), notification('notifications/prompts/list_changed')])
      second.send(message);
    await eventually(() => client.heard().length === 2);
    expect(messagesIn(client.stream.text())).toEqual([
      { jsonrpc: '2.0', method: UPDATED, params: { uri: 'docs://a' } },
      { jsonrpc: '2.0', method: 'notifications/prompts/list_changed' },
    ]);
    expect(await client.request('resources/unsubscribe', { uri: 'docs://a' })).toEqual(OK);
    await wanting();
  });

  it('CH-2 of many sessions are one stream; each hears its own; the last to leave closes it', async () => {
    const clients = await Promise.all(Array.from({ length: 12 }, () => connect('one')));
    await Promise.all(clients.map((client, index) => client.subscribe(`docs://${index % 3}`)));
    await Promise.all(clients.map((client) => client.subscribe('docs://all')));
    const stream = await wanting('docs://0', 'docs://1', 'docs://2', 'docs://all');
    await only();
    for (const uri of ['docs://0', 'docs://all']) stream.send(update(uri));
    await eventually(() => clients.every((client) => client.heard().includes(`${UPDATED} docs://all`)));
    clients.forEach((client, index) => expect(client.heard().includes(`${UPDATED} docs://0`)).toBe(index % 3 === 0));
    for (const client of clients.slice(1)) await client[Symbol.asyncDispose]();
    await wanting('docs://0', 'docs://all');
    await only();
    await clients[0]![Symbol.asyncDispose]();
    await eventually(() => nova.open().length === 0);
  });

  it('CH-3 and those of modern clients share the stream', async () => {
    await using client = await connect('one');
    await client.subscribe('docs://a');
    const modern = await listen('one', { resourceSubscriptions: ['docs://b'] });
    const stream = await wanting('docs://a', 'docs://b');
    await only();
    for (const uri of ['docs://a', 'docs://b']) stream.send(update(uri));
    await eventually(
      () => client.heard().length === 1 && messagesIn(modern.text()).some((message) => line(message) === `${UPDATED} docs://b`),
    );
    expect(client.heard()).toEqual([`${UPDATED} docs://a`]);
    expect(modern.text()).not.toContain('docs://a');
    modern.leave();
  });

  it('CH-4 are of resources that the client may read, also after that has changed', async () => {
    await using client = await connect('one');
    expect(await client.subscribe('docs://secret/a')).toMatchObject({ error: { data: { reason: 'policy_denied' } } });
    await client.subscribe('docs://a');
    await client.subscribe('docs://b');
    const before = await wanting('docs://a', 'docs://b');
    await publish([{ slug: 'one', sources: [source('nova', { deny: ['docs://a'] })], access: [{ everyone: true }] }]);
    const after = await wanting('docs://b');
    before.send(update('docs://a'));
    for (const uri of ['docs://a', 'docs://b']) after.send(update(uri));
    await eventually(() => client.heard().includes(`${UPDATED} docs://b`));
    expect(client.heard()).not.toContain(`${UPDATED} docs://a`);
    // What it has, it can give back.
    expect(await client.request('resources/unsubscribe', { uri: 'docs://a' })).toEqual(OK);
  });

  it('CH-5 that the upstream does not honour are refused', async () => {
    await using client = await connect('one');
    expect(await client.subscribe('docs://unheard')).toMatchObject({
      error: { code: -32602, data: { reason: 'capability_unknown' } },
    });
    await wanting();
  });

  it('CH-6 are announced where an upstream carries them, and refused where it does not', async () => {
    const capabilitiesOf = async (slug: string) => {
      const body = { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {} } };
      const { messages, headers } = await exchange(edge.url, { path: `/mcp/${slug}`, key: edge.key, body });
      await exchange(edge.url, {
        path: `/mcp/${slug}`,
        method: 'DELETE',
        key: edge.key,
        session: String(headers['mcp-session-id']),
      });
      return messages[0]?.result?.capabilities;
    };
    expect(await capabilitiesOf('plain')).toEqual({
      tools: { listChanged: true },
      resources: { listChanged: true, subscribe: false },
    });
    expect(await capabilitiesOf('two')).toMatchObject({ resources: { subscribe: true }, prompts: { listChanged: true } });
    await using client = await connect('plain');
    expect(await client.subscribe('docs://a')).toMatchObject({ error: { code: -32601, data: { reason: 'method_unknown' } } });
    expect(plain.listeners).toEqual([]);
  });

  it('CH-7 are so many, and not more', async () => {
    await using client = await connect('one');
    for (let index = 0; index < 256; index += 1) expect(await client.subscribe(`docs://${index}`)).toEqual(OK);
    expect(await client.subscribe('docs://more')).toMatchObject({ error: { data: { reason: 'too_many_subscriptions' } } });
    expect(await client.subscribe('docs://0')).toEqual(OK);
    expect(await client.request('resources/unsubscribe', { uri: 'docs://0' })).toEqual(OK);
    expect(await client.subscribe('docs://more')).toEqual(OK);
  });
});

describe('with several edges', () => {
  it('CH-8 a subscription that another edge has taken reaches the one that has the stream', async () => {
    await using other = await startTestEdge({ beside: edge });
    await using client = await connect('one');
    await wanting();
    expect(await client.subscribe('docs://a', other)).toEqual(OK);
    await only();
    (await wanting('docs://a')).send(update('docs://a'));
    await eventually(() => client.heard().includes(`${UPDATED} docs://a`));
    expect(await client.subscribe('docs://unheard', other)).toMatchObject({ error: { data: { reason: 'capability_unknown' } } });
    expect(await client.request('resources/unsubscribe', { uri: 'docs://a' }, other)).toEqual(OK);
    await wanting();
  });

  it('CH-9 a client whose edge is stopped goes on at another, and is told that it may have missed something', async () => {
    const first = await startTestEdge({ beside: edge });
    const session = await openSession(first.url, '/mcp/one', edge.key);
    const stream = await openStream(first, 'one', session);
    const body = { jsonrpc: '2.0', id: 7, method: 'resources/subscribe', params: { uri: 'docs://a' } };
    await exchange(first.url, { path: '/mcp/one', key: edge.key, session, body });
    (await wanting('docs://a')).send(update('docs://a'));
    await eventually(() => stream.text().includes(UPDATED));
    const lastEventId = [...stream.text().matchAll(/^id: (.+)$/gm)].at(-1)?.[1] ?? '';
    await first[Symbol.asyncDispose]();
    await eventually(() => nova.open().length === 0);
    const again = await openStream(edge, 'one', session, { 'last-event-id': lastEventId });
    const upstream = await wanting('docs://a');
    const heard = () => messagesIn(again.text()).map(line);
    await eventually(() => heard().length === 4);
    expect(heard()).toEqual([
      'notifications/tools/list_changed',
      'notifications/prompts/list_changed',
      'notifications/resources/list_changed',
      `${UPDATED} docs://a`,
    ]);
    upstream.send(update('docs://a'));
    await eventually(() => heard().length === 5);
    await exchange(edge.url, { path: '/mcp/one', method: 'DELETE', key: edge.key, session });
    again.leave();
  });
});

describe('an upstream that dies and comes back', () => {
  it('CH-10 is listened to again, and all that was asked for is said to have changed', async () => {
    await using client = await connect('one');
    await client.subscribe('docs://a');
    await wanting('docs://a');
    await nova.stop();
    await eventually(() => nova.open().length === 0);
    // Kept, although nobody can be asked just now.
    expect(await client.subscribe('docs://b')).toEqual(OK);
    await nova.resume();
    await wanting('docs://a', 'docs://b');
    await eventually(() => client.heard().length === 5);
    expect(client.heard()).toEqual(
      expect.arrayContaining([`${UPDATED} docs://a`, `${UPDATED} docs://b`, 'notifications/tools/list_changed']),
    );
  });
});

describe('a change of the configuration', () => {
  const changed = ['tools', 'prompts', 'resources'].map((kind) => `notifications/${kind}/list_changed`);

  it('CH-11 is told to those who see other lists by it, and to nobody else', async () => {
    await using client = await connect('two');
    await using other = await connect('one');
    const modern = await listen('two', { toolsListChanged: true });
    const elsewhere = await listen('one', { toolsListChanged: true });
    await eventually(() => modern.text() !== '' && elsewhere.text() !== '');
    const [one, , two] = SERVERS as [Server, Server, Server];
    await publish([one, { ...two, sources: [source('nova', { prefix: 'n__' }), source('plain', { resources: [] })] }]);
    await eventually(() => client.heard().length === 3 && modern.text().includes(changed[0]!));
    expect(client.heard()).toEqual(changed);
    // The same again, in other words: nobody's lists are others by it.
    await publish([{ ...two, sources: [source('nova', { prefix: 'n__' }), source('plain', { resources: [] })] }, one], 3_000);
    // And one that tells the others that they have been passed over.
    await publish([
      { ...one, sources: [source('nova', { tools: ['a*'] })] },
      { ...two, sources: [source('nova', { prefix: 'n__' }), source('plain', { resources: [] })] },
    ]);
    await eventually(() => other.heard().length > 0 && elsewhere.text().includes(changed[0]!));
    expect(client.heard()).toEqual(changed);
    for (const stream of [modern, elsewhere]) {
      expect(messagesIn(stream.text()).filter(({ method }) => method === changed[0])).toHaveLength(1);
      stream.leave();
    }
  });

  it('CH-12 of every upstream at once is told once', async () => {
    await using client = await connect('two');
    await client.subscribe('docs://a');
    const moved = [source('nova', { prefix: 'n__', deny: [] }), source('plain', { prefix: 'p__', resources: [] })];
    await publish([{ ...SERVERS[2]!, sources: moved }]);
    await eventually(() => client.heard().length === 3);
    (await wanting('docs://a')).send(update('docs://a'));
    await eventually(() => client.heard().length > 3);
    expect(client.heard()).toEqual([...changed, `${UPDATED} docs://a`]);
  });

  it('CH-13 that ends the server ends the stream', async () => {
    const client = await connect('one');
    const modern = await listen('one', { toolsListChanged: true });
    await eventually(() => modern.text() !== '');
    await publish(SERVERS.slice(1));
    await Promise.all([client.stream.ended, modern.ended]);
    expect(messagesIn(modern.text()).at(-1)).toMatchObject({ id: 'l', result: { resultType: 'complete' } });
  });
});
