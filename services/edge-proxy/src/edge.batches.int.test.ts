import { startLegacyUpstream, type TestUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { callOf, exchange, INITIALIZE, type RawMessage } from './raw-client.fixture.js';

let edge: TestEdge;
let upstream: TestUpstream;
let session: string;

const PATH = '/mcp/work';

beforeAll(async () => {
  upstream = await startLegacyUpstream({ name: 'alpha' });
  edge = await startTestEdge();
  await edge.publish({
    upstreams: [{ name: 'alpha', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 20_000 }],
    servers: [{ slug: 'work', sources: [{ upstream: 'alpha', tools: ['*'], deny: ['delete_*'] }], access: [{ everyone: true }] }],
  });
  session = await sessionOf('2025-03-26');
}, 300_000);

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

async function sessionOf(protocolVersion: string): Promise<string> {
  const body = { ...INITIALIZE, params: { ...INITIALIZE.params, protocolVersion } };
  return String((await exchange(edge.url, { path: PATH, key: edge.key, body })).headers['mcp-session-id']);
}

const send = (body: unknown, within: string | undefined = session) =>
  exchange(edge.url, { path: PATH, key: edge.key, body, ...(within !== undefined && { session: within }) });
const sorted = (messages: readonly RawMessage[]) => [...messages].sort((a, b) => String(a.id).localeCompare(String(b.id)));
const NOTIFICATION = { jsonrpc: '2.0', method: 'notifications/initialized' };
const reasonOf = ({ text }: { text: string }) => (JSON.parse(text) as RawMessage).error?.data.reason;

describe('batches of 2025-03-26', () => {
  it('BA-1 E10.f are answered as one array; each call has its own outcome and event', async () => {
    const batch = [
      callOf('echo', { text: 'x' }, 'b1'),
      NOTIFICATION,
      callOf('delete_all', {}, 'b2'),
      { jsonrpc: '2.0', id: 'b3' },
    ];
    const { status, headers, text } = await send(batch);
    expect([status, headers['content-type']]).toEqual([200, 'application/json']);
    const [first, second, third, more] = sorted(JSON.parse(text) as RawMessage[]);
    expect(first).toMatchObject({ id: 'b1', result: { content: [{ text: 'alpha: x' }] } });
    expect(second).toMatchObject({ id: 'b2', error: { data: { reason: 'policy_denied' } } });
    expect(third).toMatchObject({ id: 'b3', error: { code: -32600 } });
    expect(more).toBeUndefined();
    expect(await edge.event(({ client_rpc_id }) => client_rpc_id === '"b1"')).toMatchObject({
      type: 'tool.called',
      outcome: 'ok',
      revision: '2025-03-26',
      client_name: 'raw',
    });
    expect(await edge.event(({ client_rpc_id }) => client_rpc_id === '"b2"')).toMatchObject({
      type: 'policy.denied',
      outcome: 'denied',
      reason: 'policy_denied',
      rpc_code: 10403,
      http_status: 200,
    });
    expect(await edge.event(({ client_rpc_id }) => client_rpc_id === '"b3"')).toMatchObject({
      type: 'request.refused',
      outcome: 'error',
      reason: 'invalid_request',
      rpc_code: -32600,
      http_status: 400,
    });
    const own = edge.events.filter(({ type, client_rpc_id }) => type !== 'proxy.hop' && /^"b\d"$/.test(client_rpc_id ?? ''));
    expect(own).toHaveLength(3);
  }, 300_000);

  it('BA-2 are answered on one stream where something precedes a response', async () => {
    const slow = callOf('slow', { steps: 2 }, 's1');
    const batch = [{ ...slow, params: { ...slow.params, _meta: { progressToken: 't' } } }, callOf('echo', { text: 'x' }, 's2')];
    const { headers, messages } = await send(batch);
    expect(headers['content-type']).toBe('text/event-stream');
    const progress = messages.filter(({ method }) => method === 'notifications/progress');
    expect(progress.map(({ params }) => params?.progressToken)).toEqual(['t', 't']);
    expect(sorted(messages.filter(({ result }) => result !== undefined)).map(({ id }) => id)).toEqual(['s1', 's2']);
  }, 300_000);

  it('BA-3 of notifications are accepted without a body', async () => {
    const { status, text } = await send([NOTIFICATION, NOTIFICATION]);
    expect([status, text]).toEqual([202, '']);
  });

  it('BA-4 can cancel one of their calls alone', async () => {
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'c1' } };
    const batch = send([callOf('hang', {}, 'c1'), callOf('echo', { text: 'x' }, 'c2')]);
    let over = false;
    const answer = batch.finally(() => (over = true));
    while (!over) await send(cancel);
    const [first, second] = sorted(JSON.parse((await answer).text) as RawMessage[]);
    expect(first).toMatchObject({ id: 'c1', error: { data: { reason: 'cancelled' } } });
    expect(second).toMatchObject({ id: 'c2', result: { content: [{ text: 'alpha: x' }] } });
  }, 300_000);

  it.each([
    ['BA-5 empty', () => []],
    ['BA-6 with initialize', () => [INITIALIZE, callOf('echo')]],
    ['BA-7 with an id twice', () => [callOf('echo', {}, 1), callOf('echo', {}, 1)]],
    ['BA-8 of more than 100 messages', () => Array.from({ length: 101 }, (_, id) => callOf('echo', {}, id))],
  ] as const)('%s are refused as a whole', async (_id, batch) => {
    const answer = await send(batch());
    expect([answer.status, reasonOf(answer)]).toEqual([400, 'invalid_request']);
  });

  it.each(['2024-11-05', '2025-06-18', '2025-11-25'])('BA-9 E10.g are refused in a session of %s', async (revision) => {
    const answer = await send([callOf('echo')], await sessionOf(revision));
    expect([answer.status, reasonOf(answer)]).toEqual([400, 'invalid_request']);
    const event = await edge.event(({ request_id }) => request_id === answer.headers['x-request-id']);
    const expected = { outcome: 'error', reason: 'invalid_request', rpc_code: -32600, http_status: 400 };
    expect(event).toMatchObject({ type: 'request.refused', ...expected });
  });

  it('BA-10 E10.h are refused outside of a session, and in one that does not exist', async () => {
    const outside = await exchange(edge.url, { path: PATH, key: edge.key, body: [callOf('echo')] });
    const foreign = await send([callOf('echo')], 'a'.repeat(43));
    for (const [answer, http_status, reason] of [
      [outside, 400, 'invalid_request'],
      [foreign, 404, 'session_unknown'],
    ] as const) {
      expect([answer.status, reasonOf(answer)]).toEqual([http_status, reason]);
      const event = await edge.event(({ request_id }) => request_id === answer.headers['x-request-id']);
      expect(event).toMatchObject({ type: 'request.refused', outcome: 'error', reason, http_status });
    }
  });
});
