import { eventually, startScriptedUpstream } from '@switchyard/testing';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { callOf, exchange, openSession } from './raw-client.fixture.js';
import { connectLegacy, textOf } from './sdk-client.fixture.js';
import { type SseUpstream, startSseUpstream } from './sse-upstream.fixture.js';

let edge: TestEdge;
let oldest: SseUpstream;
const PATH = '/mcp/oldest';

const publish = (upstreams: Readonly<Record<string, string>>) =>
  edge.publish({
    upstreams: Object.entries(upstreams).map(([name, url]) => ({
      name,
      transport: { case: 'http' as const, value: { url } },
      timeoutMs: 2_000,
    })),
    servers: Object.keys(upstreams).map((name) => ({
      slug: name,
      sources: [{ upstream: name, tools: ['*'], prompts: ['*'], resources: ['*'] }],
      access: [{ everyone: true }],
    })),
  });

beforeAll(async () => {
  oldest = await startSseUpstream();
  edge = await startTestEdge({ limits: { resultLimitBytes: 4 * 1024 * 1024 } });
  await publish({ oldest: oldest.url });
}, 300_000);

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await oldest[Symbol.asyncDispose]();
});

const lines = () => oldest.received.map(({ line }) => line);
const calling = async (session: string, name: string, args: object = {}, id: string | number = 1) =>
  (await exchange(edge.url, { path: PATH, key: edge.key, session, body: callOf(name, args, id) })).messages;

describe('an upstream of 2024-11-05, HTTP with SSE', () => {
  it('US-1 is found out by its answer to a posted initialize, once in a while', async () => {
    await using first = await connectLegacy(edge, PATH);
    expect(first.client.getInstructions()).toBe('Use it well.');
    expect(textOf(await first.client.callTool({ name: 'echo', arguments: { text: 'hi' } }))).toBe('hi');
    expect(lines().slice(0, 3)).toEqual(['POST /sse', 'GET /sse', 'POST /messages']);
    const before = lines().length;
    await using second = await connectLegacy(edge, PATH);
    expect(textOf(await second.client.callTool({ name: 'echo', arguments: { text: 'ho' } }))).toBe('ho');
    expect(lines().slice(before)).not.toContain('POST /sse');
    expect(lines().slice(before)).toContain('GET /sse');
    expect(JSON.stringify(oldest.received)).not.toContain(edge.key);
    expect(JSON.stringify(oldest.received)).not.toContain('mcp-session-id');
  }, 300_000);

  it('US-2 reports progress, in order and before the result, and logs', async () => {
    await using connection = await connectLegacy(edge, PATH);
    const steps: number[] = [];
    const result = await connection.client.callTool({ name: 'slow', arguments: { steps: 3 } }, undefined, {
      onprogress: ({ progress }) => steps.push(progress),
    });
    expect([steps, textOf(result)]).toEqual([[1, 2, 3], 'done']);
    const session = await openSession(edge.url, PATH, edge.key);
    const messages = await calling(session, 'slow', { steps: 1 });
    expect(messages.map(({ method }) => method ?? 'response')).toEqual(['notifications/message', 'response']);
  }, 300_000);

  it('US-3 is told that a call is cancelled', async () => {
    await using connection = await connectLegacy(edge, PATH);
    const cancel = new AbortController();
    const hanging = connection.client.callTool({ name: 'hang' }, undefined, { signal: cancel.signal });
    const state = async () => textOf(await connection.client.callTool({ name: 'hung' }));
    await eventually(async () => (await state()) === 'started');
    cancel.abort();
    await expect(hanging).rejects.toThrow();
    await eventually(async () => (await state()) === 'cancelled');
  }, 300_000);

  it('US-4 that is silent for too long costs the call, and is told so', async () => {
    const session = await openSession(edge.url, PATH, edge.key);
    const [message] = await calling(session, 'hang');
    expect(message?.error).toMatchObject({ code: 10504, data: { reason: 'upstream_timeout' } });
    const hung = async () => JSON.stringify(await calling(session, 'hung')).includes('cancelled');
    await eventually(hung);
  }, 300_000);

  it('US-5 says by itself that its tools have changed', async () => {
    await using connection = await connectLegacy(edge, PATH);
    let told = 0;
    connection.client.setNotificationHandler(ToolListChangedNotificationSchema, () => void (told += 1));
    await eventually(() => {
      oldest.addTool(`later-${Math.random()}`);
      return told > 0;
    });
  }, 300_000);

  it('US-6 may ping, and is refused what no client declared', async () => {
    const session = await openSession(edge.url, PATH, edge.key);
    expect(JSON.stringify(await calling(session, 'ask'))).toMatch(/pong; .*(not support|does not take)/);
  }, 300_000);

  it('US-7 loses the session with its stream: calls in hand fail, the next one opens another', async () => {
    const session = await openSession(edge.url, PATH, edge.key);
    const hanging = calling(session, 'hang', {}, 'hanging');
    await eventually(async () => JSON.stringify(await calling(session, 'hung')).includes('started'));
    oldest.cut();
    const [lost] = await hanging;
    expect(lost?.error?.data).toMatchObject({ reason: 'upstream_unavailable' });
    const [message] = await calling(session, 'echo', { text: 'again' });
    expect(JSON.stringify(message?.result)).toContain('again');
  }, 300_000);

  it('US-8 sends messages up to the limit; a larger one ends the session', async () => {
    const session = await openSession(edge.url, PATH, edge.key);
    const [fits] = await calling(session, 'big', { bytes: 3 * 1024 * 1024 });
    expect(JSON.stringify(fits?.result).length).toBeGreaterThan(3 * 1024 * 1024);
    const [tooLarge] = await calling(session, 'big', { bytes: 5 * 1024 * 1024 });
    expect(tooLarge?.error?.data).toMatchObject({ reason: 'result_too_large' });
    expect(JSON.stringify(await calling(session, 'echo', { text: 'again' }))).toContain('again');
  }, 300_000);

  it('US-9 has its stream closed with the client’s session', async () => {
    // Streams of other tests may be about to close, so they are not counted.
    const before = new Set(oldest.open());
    const session = await openSession(edge.url, PATH, edge.key);
    const opened = await eventually(() => {
      const streams = oldest.open().filter((stream) => !before.has(stream));
      return streams.length > 0 && streams;
    });
    await exchange(edge.url, { path: PATH, method: 'DELETE', key: edge.key, session });
    await eventually(() => opened.some((stream) => !oldest.open().includes(stream)));
  }, 300_000);
});

describe('what is no sign of HTTP with SSE', () => {
  const refusalOf = async (slug: string) => {
    const session = await openSession(edge.url, `/mcp/${slug}`, edge.key);
    const call = callOf('echo', { text: 'x' });
    const { messages } = await exchange(edge.url, { path: `/mcp/${slug}`, key: edge.key, session, body: call });
    return messages[0]?.error?.data;
  };

  it.each([
    [401, 'credential_rejected'],
    [403, 'credential_rejected'],
    [500, 'upstream_unavailable'],
    [503, 'upstream_unavailable'],
  ])('US-10 a posted initialize answered with %i', async (statusOfPost, reason) => {
    await using upstream = await startSseUpstream({ statusOfPost });
    await publish({ oldest: oldest.url, other: upstream.url });
    expect(await refusalOf('other')).toMatchObject({ reason });
    expect(upstream.received.map(({ line }) => line)).not.toContain('GET /sse');
  });

  it.each([400, 404])('US-11 %i is one, 405 is not all', async (statusOfPost) => {
    await using upstream = await startSseUpstream({ statusOfPost });
    await publish({ oldest: oldest.url, other: upstream.url });
    const session = await openSession(edge.url, '/mcp/other', edge.key);
    const call = callOf('echo', { text: 'found' });
    const { text } = await exchange(edge.url, { path: '/mcp/other', key: edge.key, session, body: call });
    expect(text).toContain('found');
  });

  it.each(['http://127.0.0.1:9/messages', 'https://elsewhere.example/messages', 'http://[', '//elsewhere.example/x'])(
    'US-12 an endpoint of another origin gets nothing: %s',
    async (endpoint) => {
      await using upstream = await startSseUpstream({ endpoint });
      await publish({ oldest: oldest.url, other: upstream.url });
      expect(await refusalOf('other')).toMatchObject({ reason: 'upstream_invalid' });
    },
  );

  it('US-13 a stream that begins with something else', async () => {
    await using upstream = await startScriptedUpstream({ name: 'odd' });
    upstream.on('initialize', ({ response }) => void response.writeHead(405).end());
    upstream.on('GET', ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"jsonrpc":"2.0","method":"notifications/message"}\n\n');
    });
    await publish({ oldest: oldest.url, other: upstream.url });
    expect(await refusalOf('other')).toMatchObject({ reason: 'upstream_invalid' });
  });
});
