import { connectNats } from '@switchyard/messaging';
import { type Clock, systemClock } from '@switchyard/runtime';
import { NatsState } from '@switchyard/state';
import { eventually, type NatsServer, type ScriptedUpstream, startNats, startScriptedUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { callOf, exchange, INITIALIZE, type RawRequest } from './raw-client.fixture.js';

const PATH = '/mcp/open';
const REVISION = '2026-07-28';
const META = { 'io.modelcontextprotocol/protocolVersion': REVISION, 'io.modelcontextprotocol/clientCapabilities': {} };
const MODERN_CALL: RawRequest = {
  path: PATH,
  headers: { 'mcp-protocol-version': REVISION, 'mcp-method': 'tools/call', 'mcp-name': 'act' },
  body: { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'act', arguments: {}, _meta: META } },
};

describe('an edge whose state is away: nats-server has been stopped', () => {
  const undo = new AsyncDisposableStack();
  let skippedMs = 0;
  const clock: Clock = {
    now: () => systemClock.now() + skippedMs,
    monotonicMicros: () => systemClock.monotonicMicros() + skippedMs * 1000,
  };
  let nats: NatsServer;
  let upstream: ScriptedUpstream;
  let edge: TestEdge;
  let session: string;
  /** Of a revision that has batches. */
  let older: string;

  const sessionOf = async (protocolVersion: string) => {
    const body = { ...INITIALIZE, params: { ...INITIALIZE.params, protocolVersion } };
    const id = (await exchange(edge.url, { path: PATH, body })).headers['mcp-session-id'];
    if (typeof id !== 'string') throw new Error('no session was opened');
    return id;
  };

  beforeAll(async () => {
    nats = undo.use(await startNats());
    const link = await connectNats({ servers: [nats.url], name: 'test' });
    undo.defer(() => link.close());
    upstream = undo.use(await startScriptedUpstream({ name: 'up', tools: ['act'] }));
    const state = await NatsState.open(link, { timeoutMs: 500 });
    edge = undo.use(await startTestEdge({ clock, state }));
    await edge.publish({
      upstreams: [{ name: 'up', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 20_000 }],
      // Nobody has to ask whether somebody without credentials has been revoked.
      servers: [{ slug: 'open', sources: [{ upstream: 'up', tools: ['*'] }], access: [{ anonymous: true }] }],
    });
    session = await sessionOf('2025-11-25');
    older = await sessionOf('2025-03-26');
    expect((await exchange(edge.url, { path: PATH, session, body: callOf('act') })).status).toBe(200);
    expect((await exchange(edge.url, MODERN_CALL)).status).toBe(200);
    await nats.kill();
    // What an edge has heard of a session it believes for ten seconds.
    skippedMs = 10_000;
  }, 300_000);
  afterAll(() => undo.disposeAsync());

  it('SA-0 modern calls go on: they need nothing of it', async () => {
    expect((await exchange(edge.url, MODERN_CALL)).status).toBe(200);
  });

  it.each<[string, () => RawRequest]>([
    ['SA-1 a call in a session', () => ({ path: PATH, session, body: callOf('act') })],
    ['SA-2 initialize', () => ({ path: PATH, body: INITIALIZE })],
    [
      'SA-3 a call in a session that this edge does not know',
      () => ({ path: PATH, session: 'x'.repeat(43), body: callOf('act') }),
    ],
    ['SA-4 a notification', () => ({ path: PATH, session, body: { jsonrpc: '2.0', method: 'notifications/initialized' } })],
    ['SA-5 the session’s stream', () => ({ path: PATH, method: 'GET', session })],
    ['SA-6 the end of the session', () => ({ path: PATH, method: 'DELETE', session })],
    ['SA-7 a batch', () => ({ path: PATH, session: older, body: [callOf('act')] })],
    ['SA-8 a stream of HTTP with SSE', () => ({ path: `${PATH}/sse`, method: 'GET' })],
    ['SA-9 a message beside such a stream', () => ({ path: `${PATH}/messages?sessionId=${session}`, body: callOf('act') })],
  ])('%s is refused, with when to come again, and recorded', async (_id, request) => {
    const before = upstream.received.length;
    const { status, headers, messages } = await exchange(edge.url, request());
    const { code, data } = messages[0]?.error ?? {};
    expect([status, code, data?.['reason'], headers['retry-after']]).toEqual([503, 10503, 'state_unavailable', '2']);
    expect(upstream.received.length).toBe(before);
    const event = await edge.event(({ request_id: id }) => id === data?.['request_id']);
    expect(event).toMatchObject({ reason: 'state_unavailable', origin: 'gateway', http_status: 503 });
  });

  it('SA-10 sessions are what they were once it is back', async () => {
    await nats.restart();
    const again = () => exchange(edge.url, { path: PATH, session, body: callOf('act') });
    await eventually(async () => expect((await again()).status).toBe(200));
  }, 300_000);
});
