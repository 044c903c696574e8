import { type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { callOf, exchange, messagesIn, open, openSession, type RawRequest } from './raw-client.fixture.js';

let upstream: ScriptedUpstream;
let edge: TestEdge;
let someone: string;
let own: string;
let theirs: string;
let elsewhere: string;

beforeAll(async () => {
  upstream = await startScriptedUpstream({ name: 'up', tools: ['work'] });
  edge = await startTestEdge();
  await edge.publish({
    upstreams: [{ name: 'up', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 10_000 }],
    servers: ['work', 'other'].map((slug) => ({
      slug,
      sources: [{ upstream: 'up', tools: ['*'] }],
      access: [{ everyone: true }],
    })),
  });
  someone = await edge.mint({ name: 'someone', servers: ['*'] });
  own = await openSession(edge.url, '/mcp/work', edge.key);
  theirs = await openSession(edge.url, '/mcp/work', someone);
  elsewhere = await openSession(edge.url, '/mcp/other', edge.key);
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const PATHS: readonly (readonly [string, Omit<RawRequest, 'path'>])[] = [
  ['a request', { body: callOf('work') }],
  ['a list', { body: { jsonrpc: '2.0', id: 1, method: 'tools/list' } }],
  ['ping', { body: { jsonrpc: '2.0', id: 1, method: 'ping' } }],
  ['a notification', { body: { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } } }],
  ['GET', { method: 'GET' }],
  ['GET with Last-Event-ID', { method: 'GET', headers: { 'last-event-id': 'a.b.1' } }],
  ['DELETE', { method: 'DELETE' }],
];
const IDS: readonly (readonly [string, () => string])[] = [
  ['made up', () => 'x'.repeat(43)],
  ['of another form', () => '../sessions'],
  ['another principal’s', () => theirs],
  ['one of another server', () => elsewhere],
];

describe('a session id that is not the caller’s own on this server is unknown on every path', () => {
  it.each(PATHS.flatMap(([path, request]) => IDS.map(([kind, id]) => [`SX ${path}: ${kind}`, request, id] as const)))(
    '%s',
    async (_id, request, id) => {
      const before = upstream.received.length;
      const answer = await open(edge.url, { ...request, path: '/mcp/work', key: edge.key, session: id() });
      await answer.ended;
      const [message] = messagesIn(answer.text());
      expect([answer.status, message?.error?.code, message?.error?.data.reason]).toEqual([404, -32001, 'session_unknown']);
      expect(upstream.received.slice(before)).toEqual([]);
    },
  );

  it('SX-last: the sessions themselves stand', async () => {
    for (const [path, key, session] of [
      ['/mcp/work', edge.key, own],
      ['/mcp/work', someone, theirs],
      ['/mcp/other', edge.key, elsewhere],
    ] as const)
      expect((await exchange(edge.url, { path, key, session, body: callOf('work') })).status).toBe(200);
  });
});
