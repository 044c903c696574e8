import {
  beginEvents,
  eventually,
  type ScriptedExchange,
  type ScriptedUpstream,
  startScriptedUpstream,
} from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { callOf, exchange, INITIALIZE, messagesIn, open, type OpenAnswer } from './raw-client.fixture.js';

const PATH = '/mcp/work';
const NOTE = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'noted' } };
const CHANGED = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };

let upstream: ScriptedUpstream;
let edge: TestEdge;
/** The call that the upstream has begun to answer, and how to say more on its stream. */
let calls: { readonly exchange: ScriptedExchange; readonly say: (message: object) => void }[];
/** Standing streams that the upstream holds. */
let streams: ((message: object) => void)[];

beforeAll(async () => {
  upstream = await startScriptedUpstream({
    name: 'up',
    tools: ['work'],
    scripts: {
      'tools/call': (call) => {
        const say = beginEvents(call.response);
        say(NOTE);
        calls.push({ exchange: call, say });
      },
      GET: ({ response }) => void streams.push(beginEvents(response)),
    },
  });
  edge = await startTestEdge();
  const source = { upstream: 'up', tools: ['*'] };
  await edge.publish({
    upstreams: [{ name: 'up', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 30_000 }],
    servers: ['work', 'other'].map((slug) => ({ slug, sources: [source], access: [{ everyone: true }] })),
  });
});

beforeEach(() => {
  calls = [];
  streams = [];
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

async function openSession(revision = '2025-11-25'): Promise<string> {
  const body = { ...INITIALIZE, params: { ...INITIALIZE.params, protocolVersion: revision } };
  const { headers } = await exchange(edge.url, { path: PATH, key: edge.key, body });
  return headers['mcp-session-id'] as string;
}

const idsIn = (text: string) => [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id!);
const post = (session: string, body: object) => exchange(edge.url, { path: PATH, key: edge.key, session, body });
const get = (session: string, lastEventId?: string, over: { path?: string; key?: string } = {}): Promise<OpenAnswer> =>
  open(edge.url, {
    path: PATH,
    key: edge.key,
    session,
    ...over,
    method: 'GET',
    headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
  });
const result = (text: string) => ({ content: [{ type: 'text', text }] });
/** The upstream answers the call that it took last. */
const answerCall = (text: string) => {
  const { exchange: call, say } = calls.at(-1)!;
  say({ jsonrpc: '2.0', id: call.message.id, result: result(text) });
  call.response.end();
};

/** A call whose client has got the first event of its stream, and then gone. */
async function lostCall(session: string, id: string | number = 1): Promise<string> {
  const answer = await open(edge.url, { path: PATH, key: edge.key, session, body: callOf('work', {}, id) });
  await eventually(() => answer.text().includes('noted'));
  answer.leave();
  await answer.ended;
  return idsIn(answer.text()).at(-1)!;
}

const REFUSED = { type: 'request.refused', outcome: 'error', http_status: 404 };
const eventOf = ({ headers }: OpenAnswer) => edge.event(({ request_id }) => request_id === headers['x-request-id']);

const cancelledUpstream = () => eventually(() => upstream.received.some(({ body }) => body.includes('notifications/cancelled')));

describe('a stream towards a legacy client', () => {
  it.each([
    ['RS-1 of 2025-11-25 begins with an event that has an id and no data, and says when to come back', '2025-11-25', true],
    ['RS-2 of an older revision does not', '2025-06-18', false],
  ])('%s; every event has an id', async (_id, revision, primed) => {
    const session = await openSession(revision);
    const answer = await open(edge.url, { path: PATH, key: edge.key, session, body: callOf('work') });
    await eventually(() => answer.text().includes('noted'));
    answerCall('done');
    await answer.ended;
    expect(/^id: \S+\nretry: \d+\ndata: \n\n/.test(answer.text())).toBe(primed);
    expect(messagesIn(answer.text())).toEqual([NOTE, { jsonrpc: '2.0', id: 1, result: result('done') }]);
    const ids = idsIn(answer.text());
    expect([new Set(ids).size, ids.length]).toEqual([primed ? 3 : 2, primed ? 3 : 2]);
    expect([answer.headers['x-accel-buffering'], answer.headers['content-encoding']]).toEqual(['no', undefined]);
  });

  it('RS-3 E20.c that has lost its client is resumed: the call goes on, and its answer comes once', async () => {
    const session = await openSession();
    const last = await lostCall(session, 'c-3');
    answerCall('kept');
    const recorded = await edge.event(({ type, client_rpc_id }) => type === 'tool.called' && client_rpc_id === '"c-3"');
    expect(recorded.outcome).toBe('ok');
    const resumed = await get(session, last);
    await resumed.ended;
    expect([resumed.status, messagesIn(resumed.text())]).toEqual([200, [{ jsonrpc: '2.0', id: 'c-3', result: result('kept') }]]);
  });

  it('RS-4 is resumed while the call is under way, and from its beginning', async () => {
    const session = await openSession();
    const first = await lostCall(session);
    const resumed = await get(session, first.replace(/\d+$/, '0'));
    await eventually(() => resumed.text().includes('noted'));
    answerCall('later');
    await resumed.ended;
    expect(messagesIn(resumed.text())).toEqual([NOTE, { jsonrpc: '2.0', id: 1, result: result('later') }]);
  });

  it('RS-5 belongs to one connection: a client that comes back takes it over from the one that hangs', async () => {
    const session = await openSession();
    const answer = await open(edge.url, { path: PATH, key: edge.key, session, body: callOf('work') });
    await eventually(() => answer.text().includes('noted'));
    const resumed = await get(session, idsIn(answer.text()).at(-1));
    await answer.ended;
    answerCall('moved');
    await resumed.ended;
    expect([messagesIn(answer.text()), messagesIn(resumed.text())]).toEqual([
      [NOTE],
      [{ jsonrpc: '2.0', id: 1, result: result('moved') }],
    ]);
  });

  it.each([
    [
      'RS-6 notifications/cancelled',
      (session: string) => post(session, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'c-6' } }),
    ],
    ['RS-7 DELETE', (session: string) => exchange(edge.url, { path: PATH, key: edge.key, session, method: 'DELETE' })],
  ])('%s ends a call whose client has gone', async (_id, end) => {
    const before = edge.events.length;
    const session = await openSession();
    await lostCall(session, 'c-6');
    await end(session);
    await cancelledUpstream();
    await eventually(() =>
      edge.events.slice(before).some(({ type, outcome }) => type === 'tool.called' && outcome === 'cancelled'),
    );
  });

  it('RS-8 that stands is resumed with what was said meanwhile', async () => {
    const session = await openSession();
    const first = await get(session);
    await eventually(() => streams.length === 1);
    streams[0]!(CHANGED);
    await eventually(() => first.text().includes('list_changed'));
    first.leave();
    await first.ended;
    streams[0]!(NOTE);
    const again = await get(session, idsIn(first.text()).at(-1));
    await eventually(() => again.text().includes('noted'));
    streams[0]!(CHANGED);
    await eventually(() => again.text().includes('list_changed'));
    expect(messagesIn(again.text())).toEqual([NOTE, CHANGED]);
    expect(streams).toHaveLength(1);
    const third = await get(session, idsIn(again.text()).at(-1));
    await again.ended;
    expect([third.status, (await get(session)).status]).toEqual([200, 409]);
    third.leave();
  });

  it.each([
    ['E14.a RS-9 an id made up', (_id: string) => Promise.resolve({ id: 'x.1' })],
    [
      'E14.b RS-10 an id with another number of stream',
      (id: string) => Promise.resolve({ id: id.replace(/\.[^.]{12}\./, '.aaaaaaaaaaaa.') }),
    ],
    ['E14.c RS-11 an id of another session of the same caller', async () => ({ id: await lostCall(await openSession()) })],
  ])('%s is unknown, and nothing is sent', async (_id, foreign) => {
    const session = await openSession();
    const { id } = await foreign(await lostCall(session));
    const answer = await get(session, id);
    await answer.ended;
    expect([answer.status, messagesIn(answer.text())[0]?.error]).toMatchObject([
      404,
      { code: -32600, data: { reason: 'event_unknown' } },
    ]);
    expect(await eventOf(answer)).toMatchObject({ ...REFUSED, reason: 'event_unknown', rpc_code: -32600 });
  });

  it.each([
    ['E14.d RS-12 another server', () => Promise.resolve({ path: '/mcp/other' })],
    ['E14.e RS-13 another principal', async () => ({ key: await edge.mint({ name: 'someone', servers: ['*'] }) })],
  ])('%s does not know the stream', async (_id, who) => {
    const session = await openSession();
    const last = await lostCall(session);
    const answer = await get(session, last, await who());
    await answer.ended;
    expect([answer.status, messagesIn(answer.text())[0]?.error]).toMatchObject([
      404,
      { code: -32001, data: { reason: 'session_unknown' } },
    ]);
    expect(await eventOf(answer)).toMatchObject({ ...REFUSED, reason: 'session_unknown', rpc_code: -32001 });
  });

  it('RS-14 of which nothing is kept any more ends with an error for its call', async () => {
    const session = await openSession();
    const { streamName } = await import('./event-id.js');
    const answer = await get(session, `${streamName(session, 'edge-1', '7', 'abcdefghijkl')}.3`);
    await answer.ended;
    expect([answer.status, messagesIn(answer.text())[0]]).toMatchObject([
      200,
      { id: 7, error: { data: { reason: 'stream_lost' } } },
    ]);
  });

  it.each([
    ['RS-15 with a small result', 'small'],
    ['RS-16 with a result in several parts', 'x'.repeat(2 * 1024 * 1024)],
  ])('is resumed at another edge: a call %s', async (_id, text) => {
    await using other = await startTestEdge({ beside: edge });
    const session = await openSession();
    const last = await lostCall(session);
    const headers = { 'last-event-id': last };
    const resumed = await open(other.url, { path: PATH, key: edge.key, session, method: 'GET', headers });
    answerCall(text);
    await resumed.ended;
    expect(messagesIn(resumed.text())).toEqual([{ jsonrpc: '2.0', id: 1, result: result(text) }]);
  });

  it('RS-17 is not resumed at another edge under an id of another session', async () => {
    await using other = await startTestEdge({ beside: edge });
    const last = await lostCall(await openSession());
    const headers = { 'last-event-id': last };
    const answer = await open(other.url, { path: PATH, key: edge.key, session: await openSession(), method: 'GET', headers });
    await answer.ended;
    expect(answer.status).toBe(404);
  });
});
