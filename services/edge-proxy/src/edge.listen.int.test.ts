import { eventually, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { messagesIn, open, type OpenAnswer } from './raw-client.fixture.js';
import { acknowledge, notification, startTalking, type TalkingUpstream } from './talking-upstream.fixture.js';

const REVISION = '2026-07-28';
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId';
let nova: TalkingUpstream;
let luna: TalkingUpstream;
let old: ScriptedUpstream;
let edge: TestEdge;

beforeAll(async () => {
  [nova, luna, old] = await Promise.all([startTalking('nova'), startTalking('luna'), startScriptedUpstream({ name: 'old' })]);
  edge = await startTestEdge();
  const http = (name: string, url: string) => ({ name, transport: { case: 'http' as const, value: { url } }, timeoutMs: 20_000 });
  const source = (upstream: string) => ({ upstream, tools: ['*'], resources: ['*'], deny: ['docs://secret*'] });
  await edge.publish({
    upstreams: [http('nova', nova.url), http('luna', luna.url), http('old', old.url)],
    servers: [
      { slug: 'one', sources: [source('nova')], access: [{ everyone: true }] },
      { slug: 'three', sources: [source('nova'), source('luna'), source('old')], access: [{ everyone: true }] },
    ],
  });
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await Promise.all([nova, luna, old].map((upstream) => upstream[Symbol.asyncDispose]()));
});

beforeEach(() => {
  nova.listeners.length = 0;
  luna.listeners.length = 0;
});

const newest = (upstream: TalkingUpstream) => eventually(() => upstream.listeners.at(-1) ?? false);

function listen(slug: string, notifications: object, id: string | number = 'listen-1'): Promise<OpenAnswer> {
  const _meta = { 'io.modelcontextprotocol/protocolVersion': REVISION, 'io.modelcontextprotocol/clientCapabilities': {} };
  return open(edge.url, {
    path: `/mcp/${slug}`,
    key: edge.key,
    headers: { 'mcp-protocol-version': REVISION, 'mcp-method': 'subscriptions/listen' },
    body: { jsonrpc: '2.0', id, method: 'subscriptions/listen', params: { notifications, _meta } },
  });
}

const methods = (stream: OpenAnswer) => messagesIn(stream.text()).map(({ method }) => method);

describe('subscriptions/listen', () => {
  it('LI-1 acknowledges first, under the client’s own id, what upstreams honour; then relays what was asked for, and nothing else', async () => {
    const opening = listen('one', { toolsListChanged: true, resourceSubscriptions: ['docs://a', 'docs://secret/b'] }, 0);
    const upstream = await newest(nova);
    expect(upstream.wanted).toEqual({ toolsListChanged: true, resourceSubscriptions: ['docs://a'] });
    upstream.send(notification('notifications/tools/list_changed', { _meta: { [SUBSCRIPTION_ID]: 'theirs' } }));
    upstream.send(acknowledge({ toolsListChanged: true, resourceSubscriptions: ['docs://a'] }));
    const stream = await opening;
    for (const message of [
      notification('notifications/prompts/list_changed'),
      notification('notifications/message', { level: 'info', data: 'x' }),
      notification('notifications/progress', { progressToken: 1, progress: 1 }),
      notification('notifications/resources/updated', { uri: 'docs://secret/b' }),
      notification('notifications/resources/updated', { uri: 'docs://other' }),
      notification('notifications/made/up'),
      notification('notifications/resources/updated', { uri: 'docs://a' }),
    ])
      upstream.send(message);
    await eventually(() => stream.text().includes('docs://a"') && methods(stream).length >= 3);
    const messages = messagesIn(stream.text());
    expect(messages.map(({ method }) => method)).toEqual([
      ACKNOWLEDGED,
      'notifications/tools/list_changed',
      'notifications/resources/updated',
    ]);
    expect(messages[0]?.params).toMatchObject({ notifications: { toolsListChanged: true, resourceSubscriptions: ['docs://a'] } });
    for (const { params } of messages) expect((params?._meta as Record<string, unknown>)[SUBSCRIPTION_ID]).toBe(0);
    stream.leave();
    await eventually(() => !upstream.isOpen());
  });

  it('LI-2 outlives the upstream’s stream: it is opened again, and all that was asked for is said to have changed', async () => {
    const wanted = { toolsListChanged: true, resourceSubscriptions: ['docs://a'] };
    const opening = listen('one', wanted);
    const upstream = await newest(nova);
    upstream.send(acknowledge(wanted));
    const stream = await opening;
    await eventually(() => methods(stream).includes(ACKNOWLEDGED));
    upstream.end();
    const again = await eventually(() => nova.listeners[1] ?? false);
    expect(again.wanted).toEqual(wanted);
    again.send(acknowledge(wanted));
    await eventually(() => methods(stream).length === 3);
    expect(messagesIn(stream.text()).slice(1)).toMatchObject([
      { method: 'notifications/tools/list_changed', params: { _meta: { [SUBSCRIPTION_ID]: 'listen-1' } } },
      { method: 'notifications/resources/updated', params: { uri: 'docs://a', _meta: { [SUBSCRIPTION_ID]: 'listen-1' } } },
    ]);
    stream.leave();
    await eventually(() => !again.isOpen());
  });

  it('LI-3 joins the streams of several upstreams; one that ends or speaks another era takes nothing from the others', async () => {
    const opening = listen('three', { toolsListChanged: true, promptsListChanged: true });
    const [first, second] = [await newest(nova), await newest(luna)];
    first.send(acknowledge({ toolsListChanged: true }));
    second.send(acknowledge({ promptsListChanged: true }));
    const stream = await opening;
    await eventually(() => methods(stream).includes(ACKNOWLEDGED));
    expect(messagesIn(stream.text())[0]?.params).toMatchObject({
      notifications: { toolsListChanged: true, promptsListChanged: true },
    });
    first.end();
    second.send(notification('notifications/prompts/list_changed'));
    await eventually(() => methods(stream).includes('notifications/prompts/list_changed'));
    stream.leave();
    await eventually(() => !second.isOpen());
  });

  it.each([
    ['LI-4 text', 'everything'],
    ['LI-5 nothing', undefined],
    ['LI-6 wrong types', { toolsListChanged: 'yes', resourceSubscriptions: 7 }],
  ])('an acknowledgement that is %s honours nothing of the upstream’s, and breaks nothing', async (_id, honoured) => {
    const opening = listen('one', { toolsListChanged: true, resourceSubscriptions: ['docs://a'] });
    const upstream = await newest(nova);
    upstream.send(acknowledge(honoured));
    const stream = await opening;
    upstream.send(notification('notifications/tools/list_changed'));
    await eventually(() => methods(stream).length === 2);
    // Of the lists the gateway tells too: when the configuration changes them.
    expect(messagesIn(stream.text())[0]?.params?.notifications).toEqual({ toolsListChanged: true });
    stream.leave();
    await eventually(() => !upstream.isOpen());
  });

  it('LI-7 is refused where it does not say what for', async () => {
    const stream = await listen('one', []);
    await stream.ended;
    expect([stream.status, messagesIn(stream.text())[0]?.error?.data.reason]).toEqual([400, 'invalid_params']);
  });
});
