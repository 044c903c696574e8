import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { eventually, natsUrl, startLegacyUpstream, type TestUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { callOf, exchange, type RawAnswer } from './raw-client.fixture.js';
import { textOf } from './sdk-client.fixture.js';
import { openStream } from './sse-client.fixture.js';

const LARGE = 'x'.repeat(3 * 1024 * 1024);

let upstream: TestUpstream;

beforeAll(async () => {
  upstream = await startLegacyUpstream({ name: 'alpha' });
});
afterAll(() => upstream[Symbol.asyncDispose]());

const snapshot = () => ({
  upstreams: [{ name: 'alpha', transport: { case: 'http' as const, value: { url: upstream.url } }, timeoutMs: 20_000 }],
  servers: ['work', 'other'].map((slug) => ({
    slug,
    sources: [{ upstream: 'alpha', tools: ['*'] }],
    access: [{ everyone: true }],
  })),
});

const reasonOf = ({ messages }: RawAnswer) => messages[0]?.error?.data.reason;
const calls = (text: string) => upstream.received.filter(({ body }) => body.includes(text)).length;

describe.each<[string, () => string | undefined]>([
  ['in process', () => undefined],
  ['over NATS', natsUrl],
])('a session over HTTP with SSE whose messages reach another edge, %s', (_transport, url) => {
  let edge: TestEdge;
  let other: TestEdge;

  beforeEach(async () => {
    const nats = url();
    edge = await startTestEdge(nats === undefined ? {} : { natsUrl: nats });
    other = await startTestEdge({ beside: edge, ...(nats !== undefined && { natsUrl: nats }) });
    await edge.publish(snapshot());
    await other.publish(snapshot());
  });
  afterEach(async () => {
    await other[Symbol.asyncDispose]();
    await edge[Symbol.asyncDispose]();
  });

  it('SW-1 (SDK v1) works as with one edge', async () => {
    const client = new Client({ name: 'sse-client', version: '1.2.3' });
    const requestInit = { headers: { authorization: `Bearer ${edge.key}` } };
    const toOther: typeof fetch = (input, init) => {
      const target = new URL(input as string | URL);
      return fetch(init?.method === 'POST' ? `${other.url}${target.pathname}${target.search}` : target, init);
    };
    await client.connect(new SSEClientTransport(new URL(`${edge.url}/mcp/work/sse`), { requestInit, fetch: toOther }));
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo');
    expect(textOf(await client.callTool({ name: 'echo', arguments: { text: 'hi' } }))).toBe('alpha: hi');
    const told: number[] = [];
    await client.callTool({ name: 'slow', arguments: { steps: 3 } }, undefined, {
      onprogress: ({ progress }) => told.push(progress),
    });
    // This SDK forgets who waits for progress before it tells of the last, where the result comes with it.
    expect([1, 2, 3].slice(0, told.length)).toEqual(told);
    expect(told.length).toBeGreaterThan(1);
    await client.close();
  });

  it('SW-2 the POST is answered 202 and the answer is on the stream; it is recorded once, where the stream is', async () => {
    const stream = await openStream(edge);
    const posted = await stream.post(callOf('echo', { text: 'x' }, 'e-2'), { 'x-request-id': 'request-e-2' }, other);
    expect([posted.status, posted.text]).toEqual([202, '']);
    expect((await stream.response('e-2')).result).toMatchObject({ content: [{ text: 'alpha: x' }] });
    const called = await edge.event(({ type, client_rpc_id }) => type === 'tool.called' && client_rpc_id === '"e-2"');
    expect(called).toMatchObject({ outcome: 'ok', request_id: 'request-e-2', principal_name: 'test', revision: '2024-11-05' });
    expect(other.events).toEqual([]);
    stream.answer.leave();
  });

  it('SW-3 messages larger than one of NATS arrive whole', async () => {
    const stream = await openStream(edge);
    await stream.post(callOf('echo', { text: LARGE }, 'large'), {}, other);
    expect((await stream.response('large')).result).toMatchObject({ content: [{ text: `alpha: ${LARGE}` }] });
    stream.answer.leave();
  });

  it('SW-4 batches, and cancelling', async () => {
    const stream = await openStream(edge);
    await stream.post([callOf('echo', { text: '1' }, 1), callOf('echo', { text: '2' }, 2)], {}, other);
    expect((await stream.response(2)).result).toMatchObject({ content: [{ text: 'alpha: 2' }] });
    const before = calls('"hang"');
    await stream.post(callOf('hang', {}, 'h'), {}, other);
    await eventually(() => calls('"hang"') > before);
    await stream.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'h' } }, {}, other);
    expect((await stream.response('h')).error?.data.reason).toBe('cancelled');
    stream.answer.leave();
  });

  it('SW-5 a stream that ends cancels what was posted elsewhere', async () => {
    const stream = await openStream(edge);
    const [hanging, cancelled] = [calls('"hang"'), calls('notifications/cancelled')];
    await stream.post(callOf('hang', {}, 'h'), {}, other);
    await eventually(() => calls('"hang"') > hanging);
    stream.answer.leave();
    await eventually(() => calls('notifications/cancelled') > cancelled);
  });

  it.each([
    ['SW-6a no JSON', 'no json', {}, 400, 'parse_error'],
    ['SW-6b a batch of nothing', [], {}, 400, 'invalid_request'],
    ['SW-6c a header field of another era', callOf('echo'), { 'mcp-protocol-version': '2026-07-28' }, 400, 'invalid_params'],
  ] as const)('%s is refused where it was posted, and recorded there', async (_id, body, headers, status, reason) => {
    const stream = await openStream(edge);
    const answer = await stream.post(body, headers, other);
    expect([answer.status, reasonOf(answer)]).toEqual([status, reason]);
    expect((await other.event(({ type }) => type === 'request.refused')).reason).toBe(reason);
    expect(edge.events.filter(({ type }) => type === 'request.refused')).toEqual([]);
    stream.answer.leave();
  });

  it('SW-7 another caller, or another server, has no such session', async () => {
    const stream = await openStream(edge);
    const key = await edge.mint({ name: 'stranger', servers: ['*'] });
    const exchangeAt = (path: string, by: string) => exchange(other.url, { path, key: by, body: callOf('echo') });
    const stranger = await exchangeAt(stream.path, key);
    const elsewhere = await exchangeAt(stream.path.replace('work', 'other'), edge.key);
    expect([stranger, elsewhere].map((answer) => [answer.status, reasonOf(answer)])).toEqual([
      [404, 'session_unknown'],
      [404, 'session_unknown'],
    ]);
    stream.answer.leave();
  });

  it('SW-8 the session ends with the edge that held its stream', async () => {
    const stream = await openStream(edge);
    if (edge.nats === undefined) await edge.edge.close();
    else await edge.nats.connection.close();
    const answer = await stream.post(callOf('echo'), {}, other);
    expect([answer.status, reasonOf(answer)]).toEqual([404, 'session_unknown']);
    stream.answer.leave();
  });
});
