import { answerResult, beginEvents, eventually, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { randomUUID } from 'node:crypto';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { exchange, messagesIn, open, openSession, type OpenAnswer, type RawMessage } from './raw-client.fixture.js';

const REVISION = '2026-07-28';
const UPDATED = 'notifications/resources/updated';

/** A session as the upstream knows it. */
interface UpstreamSession {
  readonly subscribed: string[];
  send: ((message: object) => void) | undefined;
}

let upstream: ScriptedUpstream;
let edge: TestEdge;
/** Those that it has not forgotten, by id. */
const sessions = new Map<string, UpstreamSession>();
const undo = new AsyncDisposableStack();

const sessionOf = (headers: NodeJS.Dict<string | string[]>) => sessions.get(String(headers['mcp-session-id']));

beforeAll(async () => {
  upstream = undo.use(
    await startScriptedUpstream({
      name: 'old',
      scripts: {
        initialize: (call) => {
          const id = randomUUID();
          sessions.set(id, { subscribed: [], send: undefined });
          const capabilities = { tools: { listChanged: true }, resources: { subscribe: true } };
          const serverInfo = { name: 'old', version: '1' };
          answerResult(call, { protocolVersion: '2025-11-25', capabilities, serverInfo }, { 'mcp-session-id': id });
        },
        GET: ({ request, response }) => {
          const session = sessionOf(request.headers);
          if (session === undefined) return void response.writeHead(404).end();
          session.send = beginEvents(response);
        },
        DELETE: ({ request, response }) => {
          sessions.delete(String(request.headers['mcp-session-id']));
          response.writeHead(200).end();
        },
        'resources/subscribe': (call) => {
          const uri = (call.message.params as { uri?: string }).uri ?? '';
          sessionOf(call.request.headers)?.subscribed.push(uri);
          answerResult(call, {});
        },
        'resources/unsubscribe': (call) => {
          const { subscribed } = sessionOf(call.request.headers) ?? { subscribed: [] as string[] };
          subscribed.splice(subscribed.indexOf((call.message.params as { uri?: string }).uri ?? ''), 1);
          answerResult(call, {});
        },
      },
    }),
  );
  edge = undo.use(await startTestEdge());
  await edge.publish({
    upstreams: [{ name: 'old', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 20_000 }],
    servers: [{ slug: 'old', sources: [{ upstream: 'old', tools: ['*'], resources: ['*'] }], access: [{ everyone: true }] }],
  });
});

afterAll(() => undo.disposeAsync());

const line = ({ method, params }: RawMessage) => [method, ...(params?.uri === undefined ? [] : [params.uri])].join(' ');
const heardOn = (stream: OpenAnswer) => messagesIn(stream.text()).map(line);
const subscribedTo = (uri: string) =>
  eventually(
    () => [...sessions.values()].find(({ subscribed, send }) => send !== undefined && subscribed.includes(uri)) ?? false,
  );

/** It is started anew, and knows no session of before. */
async function restart(): Promise<void> {
  await upstream.stop();
  sessions.clear();
  await upstream.resume();
}

const update = (uri: string) => ({ jsonrpc: '2.0', method: UPDATED, params: { uri } });
const TOLD = ['notifications/tools/list_changed', `${UPDATED} docs://a`];

const _meta = { 'io.modelcontextprotocol/protocolVersion': REVISION, 'io.modelcontextprotocol/clientCapabilities': {} };
const listen = (uri: string) =>
  open(edge.url, {
    path: '/mcp/old',
    key: edge.key,
    headers: { 'mcp-protocol-version': REVISION, 'mcp-method': 'subscriptions/listen' },
    body: {
      jsonrpc: '2.0',
      id: uri,
      method: 'subscriptions/listen',
      params: { notifications: { toolsListChanged: true, resourceSubscriptions: [uri, 'docs://all'] }, _meta },
    },
  });

describe('a legacy upstream that is started anew', () => {
  it('CL-1 is heard again by a legacy client: in another session, subscribed as before, and nothing is lost', async () => {
    const path = '/mcp/old';
    const session = await openSession(edge.url, path, edge.key);
    const stream = await open(edge.url, {
      path,
      method: 'GET',
      key: edge.key,
      session,
      headers: { accept: 'text/event-stream' },
    });
    const body = { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params: { uri: 'docs://a' } };
    await exchange(edge.url, { path, key: edge.key, session, body });
    (await subscribedTo('docs://a')).send?.(update('docs://a'));
    await eventually(() => heardOn(stream).length === 1);
    await restart();
    const again = await subscribedTo('docs://a');
    await eventually(() => heardOn(stream).length === 3);
    expect(heardOn(stream).slice(1)).toEqual(TOLD);
    again.send?.(update('docs://a'));
    await eventually(() => heardOn(stream).length === 4);
    await exchange(edge.url, { path, method: 'DELETE', key: edge.key, session });
    await stream.ended;
  });

  it('CL-2 breaks only the stream: whoever listens is told that it may have said something meanwhile', async () => {
    const path = '/mcp/old';
    const session = await openSession(edge.url, path, edge.key);
    const stream = await open(edge.url, {
      path,
      method: 'GET',
      key: edge.key,
      session,
      headers: { accept: 'text/event-stream' },
    });
    const body = { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params: { uri: 'docs://a' } };
    await exchange(edge.url, { path, key: edge.key, session, body });
    const modern = await listen('docs://a');
    await eventually(() => heardOn(modern).length === 1);
    await eventually(
      () => [...sessions.values()].filter(({ subscribed, send }) => send && subscribed.includes('docs://a')).length === 2,
    );
    await upstream.stop();
    await upstream.resume();
    await eventually(() => heardOn(stream).length === 2 && heardOn(modern).length === 4);
    expect(heardOn(stream)).toEqual(TOLD);
    expect(heardOn(modern).slice(1)).toEqual([...TOLD, `${UPDATED} docs://all`]);
    modern.leave();
    await exchange(edge.url, { path, method: 'DELETE', key: edge.key, session });
    await stream.ended;
    await eventually(() => [...sessions.values()].every(({ subscribed }) => !subscribed.includes('docs://all')));
  });

  it('CL-3 is heard again by modern clients, who share its session: each subscribes once, and the last to leave unsubscribes', async () => {
    const [one, other] = await Promise.all([listen('docs://a'), listen('docs://b')]);
    const shared = await subscribedTo('docs://b');
    await eventually(() => heardOn(one).length === 1 && heardOn(other).length === 1);
    expect(shared.subscribed.toSorted()).toEqual(['docs://a', 'docs://all', 'docs://b']);
    shared.send?.(update('docs://a'));
    await eventually(() => heardOn(one).includes(`${UPDATED} docs://a`));
    expect(heardOn(other)).toHaveLength(1);
    await restart();
    const again = await subscribedTo('docs://b');
    await eventually(() => heardOn(one).length === 5 && heardOn(other).length === 4);
    expect(heardOn(one).slice(2)).toEqual([...TOLD, `${UPDATED} docs://all`]);
    one.leave();
    await eventually(() => !again.subscribed.includes('docs://a'));
    expect(again.subscribed.toSorted()).toEqual(['docs://all', 'docs://b']);
    other.leave();
    await eventually(() => again.subscribed.length === 0);
  });
});
