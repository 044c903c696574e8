import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { eventually, startLegacyUpstream, type TestUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge, type TestEdgeOptions } from './edge.fixture.js';
import { callOf, exchange, INITIALIZE, open, openSession } from './raw-client.fixture.js';
import { openStream as openStreamOn, type SseStream as Stream } from './sse-client.fixture.js';
import { textOf } from './sdk-client.fixture.js';

let upstream: TestUpstream;
let edge: TestEdge;

async function startEdge(options?: TestEdgeOptions, slugs = ['work', 'other']): Promise<TestEdge> {
  const started = await startTestEdge(options);
  const sources = [{ upstream: 'alpha', tools: ['*'], prompts: ['*'], resources: ['*'] }];
  await started.publish({
    upstreams: [{ name: 'alpha', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 20_000 }],
    servers: slugs.map((slug) => ({ slug, sources, access: [{ everyone: true }] })),
  });
  return started;
}

beforeAll(async () => {
  upstream = await startLegacyUpstream({ name: 'alpha' });
  edge = await startEdge();
}, 300_000);

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

async function connect(path = '/mcp/work/sse', on = edge): Promise<{ client: Client } & AsyncDisposable> {
  const client = new Client({ name: 'sse-client', version: '1.2.3' });
  const requestInit = { headers: { authorization: `Bearer ${on.key}` } };
  await client.connect(new SSEClientTransport(new URL(path, on.url), { requestInit }));
  return { client, [Symbol.asyncDispose]: () => client.close() };
}

const openStream = (on = edge, body?: unknown) => openStreamOn(on, body);
const reasonOf = ({ messages }: Awaited<ReturnType<typeof exchange>>) => messages[0]?.error?.data.reason;

describe('a client of 2024-11-05, HTTP with SSE', () => {
  it('CS-1 (SDK v1) shakes hands, lists, calls, gets prompts and reads', async () => {
    await using connection = await connect();
    const { client } = connection;
    expect(client.getServerVersion()).toMatchObject({ name: 'switchyard' });
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo');
    expect(textOf(await client.callTool({ name: 'echo', arguments: { text: 'hi' } }))).toBe('alpha: hi');
    expect((await client.getPrompt({ name: 'greet', arguments: { who: 'Ana' } })).messages).toHaveLength(1);
    await expect(client.callTool({ name: 'missing' })).resolves.toMatchObject({ isError: true });
    await client.ping();
  }, 300_000);

  it('CS-11 (SDK v1) has the server that joins all at /mcp/sse', async () => {
    await using connection = await connect('/mcp/sse');
    const { client } = connection;
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('other__echo');
    expect(textOf(await client.callTool({ name: 'other__echo', arguments: { text: 'hi' } }))).toBe('alpha: hi');
    const opened = await edge.event(({ type, server }) => type === 'session.opened' && server === undefined);
    expect(opened).toMatchObject({ outcome: 'ok', revision: '2025-11-25', client_name: 'sse-client' });
  }, 300_000);

  it.each(['sse', 'messages'])(
    'CS-12 finds a server that is called “%s” at that path, and no doors there',
    async (slug) => {
      await using other = await startEdge(undefined, ['work', slug]);
      const session = await openSession(other.url, `/mcp/${slug}`, other.key);
      expect(session).toHaveLength(43);
      const stream = await open(other.url, { path: '/mcp/sse', method: 'GET', key: other.key });
      expect(stream.status).toBe(slug === 'sse' ? 405 : 404);
      await using connection = await connect(`/mcp/${slug}/sse`, other);
      await connection.client.ping();
    },
    30_000,
  );

  it('CS-2 (SDK v1) is told of changed lists', async () => {
    await using connection = await connect();
    const { client } = connection;
    let changed = 0;
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => void (changed += 1));
    await eventually(() => {
      upstream.addTool(`later-${Math.random()}`);
      return changed > 0;
    });
  }, 300_000);

  it('CS-3 gets the endpoint first, 202 for what it posts, and answers on the stream', async () => {
    const stream = await openStream();
    expect(stream.answer.headers['content-type']).toBe('text/event-stream');
    expect(stream.path).toMatch(/^\/mcp\/work\/messages\?sessionId=[A-Za-z0-9_-]{43}$/);
    const { status, text } = await stream.post(callOf('echo', { text: 'x' }, 'one'), { accept: 'application/json' });
    expect([status, text]).toEqual([202, '']);
    expect((await stream.response('one')).result).toMatchObject({ content: [{ text: 'alpha: x' }] });
    expect((await stream.post({ jsonrpc: '2.0', method: 'notifications/initialized' })).status).toBe(202);
    await stream.post(callOf('nowhere', {}, 'two'));
    expect(await stream.response('two')).toHaveProperty('result.isError');
    stream.answer.leave();
  }, 300_000);

  it('CS-10 is told of progress, in order and before the result', async () => {
    const stream = await openStream();
    const { params } = callOf('slow', { steps: 3 });
    await stream.post({ ...callOf('slow', {}, 'slow'), params: { ...params, _meta: { progressToken: 0 } } });
    await stream.response('slow');
    const told = stream.messages().filter(({ id, method }) => id === 'slow' || method === 'notifications/progress');
    expect(told.map(({ params: { progress, progressToken } = {} }) => [progress, progressToken])).toEqual([
      [1, 0],
      [2, 0],
      [3, 0],
      [undefined, undefined],
    ]);
    stream.answer.leave();
  }, 300_000);

  it('CS-4 has its session opened, used and closed in the audit trail', async () => {
    const stream = await openStream();
    await stream.post(callOf('echo', { text: 'x' }, 'audited'));
    await stream.response('audited');
    stream.answer.leave();
    const called = await edge.event(({ client_rpc_id, type }) => type === 'tool.called' && client_rpc_id === '"audited"');
    expect(called).toMatchObject({ outcome: 'ok', revision: '2024-11-05', client_name: 'raw', server: 'work', era: 'legacy' });
    const closed = await edge.event(({ type, revision }) => type === 'session.closed' && revision === '2024-11-05');
    expect(closed).toMatchObject({ outcome: 'ok', client_name: 'raw', era: 'legacy' });
    expect(edge.events.some(({ type, revision }) => type === 'session.opened' && revision === '2024-11-05')).toBe(true);
  }, 300_000);

  it('CS-5 cancels a call, and cancels all by going away, which ends the session', async () => {
    const cancelled = () => upstream.received.filter(({ body }) => body.includes('notifications/cancelled')).length;
    const stream = await openStream();
    const before = cancelled();
    await stream.post(callOf('hang', {}, 'first'));
    await eventually(() => upstream.received.some(({ body }) => body.includes('hang')));
    await stream.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'first' } });
    expect((await stream.response('first')).error?.data.reason).toBe('cancelled');
    await eventually(() => cancelled() === before + 1);
    await stream.post(callOf('hang', {}, 'second'));
    await eventually(() => upstream.received.filter(({ body }) => body.includes('hang')).length > 1);
    stream.answer.leave();
    await eventually(() => cancelled() === before + 2);
    await eventually(async () => reasonOf(await stream.post(callOf('echo', { text: 'x' }))) === 'session_unknown');
  }, 300_000);

  it('CS-6 gets large answers that come at the same time', async () => {
    const stream = await openStream();
    const ids = ['a', 'b', 'c'];
    await Promise.all(ids.map((id) => stream.post(callOf('big', { bytes: 5 * 1024 * 1024 }, id))));
    for (const id of ids) expect(JSON.stringify((await stream.response(id)).result).length).toBeGreaterThan(5 * 1024 * 1024);
    stream.answer.leave();
  }, 300_000);

  it('CS-7 gets an answer to each message of a batch, which later revisions do not have', async () => {
    const stream = await openStream();
    expect((await stream.post([callOf('echo', { text: '1' }, 1), callOf('echo', { text: '2' }, 2)])).status).toBe(202);
    expect((await stream.response(1)).result).toMatchObject({ content: [{ text: 'alpha: 1' }] });
    expect((await stream.response(2)).result).toMatchObject({ content: [{ text: 'alpha: 2' }] });
    expect(await stream.post([])).toMatchObject({ status: 400 });
    stream.answer.leave();
    const newer = await openStream(edge, INITIALIZE);
    expect(await newer.post([callOf('echo', { text: '1' }, 1)])).toMatchObject({ status: 400 });
    newer.answer.leave();
  }, 300_000);

  it('CS-8 is let finish its calls when the edge is stopped, and then loses the stream', async () => {
    await using stopped = await startEdge({ limits: { drainTimeoutMs: 20_000 } });
    const stream = await openStream(stopped);
    await stream.post(callOf('slow', { steps: 40 }, 'finishing'));
    await eventually(() => stream.messages().some(({ method }) => method === 'notifications/message'));
    await Promise.all([stopped.edge.close(), stream.answer.ended]);
    expect((await stream.response('finishing')).result).toMatchObject({ content: [{ text: 'done' }] });
  }, 300_000);

  it('CS-9 is told why a call that does not end is cut off when the edge is stopped', async () => {
    await using stopped = await startEdge({ limits: { drainTimeoutMs: 100 } });
    const stream = await openStream(stopped);
    const before = upstream.received.filter(({ body }) => body.includes('hang')).length;
    await stream.post(callOf('hang', {}, 'cut'));
    await eventually(() => upstream.received.filter(({ body }) => body.includes('hang')).length > before);
    await Promise.all([stopped.edge.close(), stream.answer.ended]);
    expect((await stream.response('cut')).error?.data.reason).toBe('cancelled');
  }, 300_000);
});

describe('what HTTP with SSE refuses', () => {
  let stream: Stream;
  let foreign: string;
  beforeAll(async () => {
    stream = await openStream();
    foreign = await edge.mint({ name: 'foreign', servers: ['*'] });
  });
  afterAll(() => stream.answer.leave());

  const post = (path: string, body: unknown = callOf('echo'), key = edge.key) => exchange(edge.url, { path, key, body });
  const modern = {
    _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} },
  };
  const unknown = `/mcp/work/messages?sessionId=${'a'.repeat(43)}`;

  it.each([
    ['CR-1 no session named', () => post('/mcp/work/messages'), 400, 'session_missing'],
    ['CR-2 an unknown session', () => post(unknown), 404, 'session_unknown'],
    ['CR-3 another caller’s session', () => post(stream.path, callOf('echo'), foreign), 404, 'session_unknown'],
    ['CR-4 another server’s session', () => post(stream.path.replace('work', 'other')), 404, 'session_unknown'],
    ['CR-5 no JSON', () => post(stream.path, 'no json'), 400, 'parse_error'],
    ['CR-6 a message of the modern era', () => post(stream.path, { ...callOf('echo'), params: modern }), 400, 'header_mismatch'],
    ['CR-8 POST where the stream is', () => post('/mcp/work/sse', INITIALIZE), 405, 'method_not_allowed'],
    ['CR-13 POST where the stream of all is', () => post('/mcp/sse', INITIALIZE), 405, 'method_not_allowed'],
    ['CR-14 no session named where all is', () => post('/mcp/messages'), 400, 'session_missing'],
    ['CR-15 one server’s session where all is', () => post(stream.path.replace('/work', '')), 404, 'session_unknown'],
    ['CR-9 an unknown server', () => post('/mcp/nowhere/messages?sessionId=x'), 404, 'server_unknown'],
    ['CR-10 no token', () => exchange(edge.url, { path: stream.path, body: callOf('echo') }), 401, 'token_missing'],
    ['CR-11 no token for a stream', () => exchange(edge.url, { path: '/mcp/work/sse', method: 'GET' }), 401, 'token_missing'],
    [
      'CR-12 a session of Streamable HTTP, which has no such stream',
      async () => post(`/mcp/work/messages?sessionId=${await openSession(edge.url, '/mcp/work', edge.key)}`),
      404,
      'session_unknown',
    ],
  ] as const)('%s', async (_id, attempt, status, reason) => {
    const answer = await attempt();
    expect([answer.status, reasonOf(answer)]).toEqual([status, reason]);
  });
});
