import { beginEvents, eventually, type Script, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { callOf, exchange, openSession } from './raw-client.fixture.js';

const LIMIT_MS = 5_000;

let upstream: ScriptedUpstream;
let edge: TestEdge;
let session: string;
let callId: string | number | undefined;

beforeAll(async () => {
  upstream = await startScriptedUpstream({ name: 'up', tools: ['work'] });
  edge = await startTestEdge({ limits: { callLimitMs: LIMIT_MS } });
  await edge.publish({
    upstreams: [{ name: 'up', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 10_000 }],
    servers: [{ slug: 'work', sources: [{ upstream: 'up', tools: ['*'] }], access: [{ everyone: true }] }],
  });
  session = await openSession(edge.url, '/mcp/work', edge.key);
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

/** Begins the stream of a call and lets go of it. */
const letsGo =
  (text: string, how: 'end' | 'break' = 'end'): Script =>
  ({ message, response }) => {
    callId = message.id;
    beginEvents(response)(text);
    if (how === 'end') response.end();
    else setTimeout(() => response.destroy(), 20);
  };
const answers: Script = ({ response }) => {
  const result = { content: [{ type: 'text', text: 'resumed' }] };
  beginEvents(response)(`id: e-2\ndata: ${JSON.stringify({ jsonrpc: '2.0', id: callId, result })}\n\n`);
};
const refuses =
  (status: number): Script =>
  ({ response }) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end('{}');

async function call(): Promise<{ status: number; messages: readonly object[]; asked: (string | undefined)[]; sent: number }> {
  const before = upstream.received.length;
  const { status, messages } = await exchange(edge.url, { path: '/mcp/work', key: edge.key, session, body: callOf('work') });
  const since = upstream.received.slice(before);
  const asked = since
    .filter(({ method }) => method === 'GET')
    .map(({ headers }) => headers['last-event-id'] as string | undefined);
  return { status, messages, asked, sent: since.filter(({ body }) => body.includes('tools/call')).length };
}

const resumed = { result: { content: [{ type: 'text', text: 'resumed' }] } };
const error = (reason: string) => ({ error: { data: { reason } } });
const PRIMED = 'id: e-1\nretry: 150\ndata: \n\n';

describe('the stream of a call that an upstream lets go of before the response', () => {
  it.each([
    ['UR-1 is resumed from its last event', letsGo(PRIMED), answers, resumed],
    ['UR-2 is resumed where the connection broke', letsGo(PRIMED, 'break'), answers, resumed],
    ['UR-3 that is lost (404) does not send the call again', letsGo(PRIMED), refuses(404), error('upstream_unavailable')],
    ['UR-4 without an id cannot be resumed', letsGo('retry: 100\ndata: \n\n'), answers, error('upstream_invalid')],
    [
      'UR-5 with an id that is no header value cannot be resumed',
      letsGo('id: ü\u0001\ndata: \n\n'),
      answers,
      error('upstream_invalid'),
    ],
    ['UR-6 is given up where the upstream is away', letsGo(PRIMED), refuses(503), error('upstream_unavailable')],
    ['UR-7 ends with the call’s time limit', letsGo(PRIMED), letsGo(PRIMED), error('upstream_timeout')],
  ])('%s', async (_id, first, then, expected) => {
    upstream.on('tools/call', first);
    upstream.on('GET', then);
    const { status, messages, sent } = await call();
    expect([status, sent]).toEqual([200, 1]);
    expect(messages).toEqual([expect.objectContaining({ id: 1 })]);
    expect(messages[0]).toMatchObject(expected);
  });

  it('UR-8 is come back for after the time that the upstream asked for, with the session and the id', async () => {
    upstream.on('tools/call', letsGo('id: e-1\nretry: 700\ndata: \n\n'));
    upstream.on('GET', answers);
    const startedAt = performance.now();
    const { asked } = await call();
    expect(performance.now() - startedAt).toBeGreaterThan(690);
    expect(asked).toEqual(['e-1']);
  });

  it('UR-9 is cancelled while the gateway waits to come back', async () => {
    upstream.on('tools/call', letsGo('id: e-1\nretry: 20000\ndata: \n\n'));
    const before = upstream.received.length;
    const answer = exchange(edge.url, { path: '/mcp/work', key: edge.key, session, body: callOf('work', {}, 9) });
    await eventually(() => upstream.received.slice(before).some(({ body }) => body.includes('tools/call')));
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 9 } };
    await exchange(edge.url, { path: '/mcp/work', key: edge.key, session, body: cancelled });
    expect((await answer).messages[0]).toMatchObject(error('cancelled'));
    await eventually(() => upstream.received.slice(before).some(({ body }) => body.includes('notifications/cancelled')));
  });
});
