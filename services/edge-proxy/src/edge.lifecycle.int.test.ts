import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import {
  answerResult,
  beginEvents,
  eventually,
  expectWithin,
  type Script,
  type ScriptedUpstream,
  startLegacyUpstream,
  startScriptedUpstream,
} from '@switchyard/testing';
import { connect as tcpConnect } from 'node:net';
import path from 'node:path';
import { startTestEdge, type SnapshotInit, type TestEdge, type TestEdgeOptions } from './edge.fixture.js';
import { callOf, exchange, open, openSession } from './raw-client.fixture.js';

const LOCAL = path.join(__dirname, 'local-server.fixture.mjs');
const MODERN = '2026-07-28';
const everyone = [{ everyone: true }];

type Upstream = NonNullable<NonNullable<SnapshotInit>['upstreams']>[number];
type Server = NonNullable<NonNullable<SnapshotInit>['servers']>[number];

const http = (name: string, url: string): Upstream => ({ name, transport: { case: 'http', value: { url } }, timeoutMs: 5_000 });
const serving = (...upstreams: Upstream[]): { upstreams: Upstream[]; servers: Server[] } => ({
  upstreams,
  servers: upstreams.map(({ name = '' }) => ({
    slug: name,
    sources: [{ upstream: name, tools: ['*'], resources: ['*'] }],
    access: everyone,
  })),
});

/** An upstream whose `hold` answers when it is told, after one message on its stream. */
interface HoldingUpstream extends ScriptedUpstream {
  readonly held: { readonly finish: () => void; readonly isOpen: () => boolean }[];
}

async function startHolding(name: string, scripts: Record<string, Script> = {}): Promise<HoldingUpstream> {
  const held: HoldingUpstream['held'] = [];
  const hold: Script = ({ message, response }) => {
    const send = beginEvents(response);
    let isOpen = true;
    response.on('close', () => (isOpen = false));
    send({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'begun' } });
    const finish = () => {
      send({ jsonrpc: '2.0', id: message.id, result: { content: [{ type: 'text', text: 'finished' }], resultType: 'complete' } });
      response.end();
    };
    held.push({ finish, isOpen: () => isOpen });
  };
  const upstream = await startScriptedUpstream({ name, tools: ['act', 'hold'], scripts });
  upstream.on('tools/call', (call) => {
    if (call.message.params?.name === 'hold') hold(call);
    else answerResult(call, { content: [{ type: 'text', text: `${name}: done` }], resultType: 'complete' });
  });
  return Object.assign(upstream, { held });
}

const startModern = (name: string) =>
  startHolding(name, {
    'server/discover': (call) =>
      answerResult(call, {
        supportedVersions: [MODERN],
        capabilities: { tools: { listChanged: true } },
        resultType: 'complete',
        ttlMs: 0,
        cacheScope: 'private',
      }),
    'subscriptions/listen': ({ response }) =>
      beginEvents(response)({
        jsonrpc: '2.0',
        method: 'notifications/subscriptions/acknowledged',
        params: { notifications: { toolsListChanged: true } },
      }),
  });

/** A modern message with the header fields that mirror it. */
function modern(method: string, params: { name?: string; [more: string]: unknown }) {
  const _meta = { 'io.modelcontextprotocol/protocolVersion': MODERN, 'io.modelcontextprotocol/clientCapabilities': {} };
  return {
    headers: {
      'mcp-protocol-version': MODERN,
      'mcp-method': method,
      ...(params.name !== undefined && { 'mcp-name': params.name }),
    },
    body: { jsonrpc: '2.0', id: 3, method, params: { ...params, _meta } },
  };
}

/** Runs a test on an edge of its own. */
async function withEdge(options: TestEdgeOptions, snapshot: SnapshotInit, run: (edge: TestEdge) => Promise<void>): Promise<void> {
  await using edge = await startTestEdge(options);
  await edge.publish(snapshot);
  await run(edge);
}

/** Sends bytes and gives back what is answered, and how long it took until the connection ended. */
function raw(
  url: string,
  bytes: string,
  every?: { readonly bytes: string; readonly ms: number },
): Promise<{ answer: string; ms: number }> {
  const { hostname, port } = new URL(url);
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const socket = tcpConnect(Number(port), hostname, () => socket.write(bytes));
    const drip = every && setInterval(() => socket.write(every.bytes), every.ms);
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(drip);
      resolve({ answer, ms: performance.now() - startedAt });
    });
  });
}

describe('slow clients', () => {
  let edge: TestEdge;
  let upstream: HoldingUpstream;
  const head = () =>
    `POST /mcp/up HTTP/1.1\r\nHost: ${new URL(edge.url).host}\r\nAuthorization: Bearer ${edge.key}\r\nContent-Type: application/json\r\n`;

  beforeAll(async () => {
    upstream = await startHolding('up');
    edge = await startTestEdge({
      limits: { headersTimeoutMs: 300, bodyTimeoutMs: 300, slowReaderTimeoutMs: 300, bodyLimitBytes: 4_096 },
    });
    await edge.publish(serving(http('up', upstream.url)));
  });
  afterAll(async () => {
    await edge[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  });

  it.each([
    ['E17-a no header section', () => raw(edge.url, 'POST /mcp/up HTTP/1.1\r\n'), 408],
    ['E17-b a header section byte by byte', () => raw(edge.url, head(), { bytes: 'a', ms: 50 }), 408],
    ['E17-c no body', () => raw(edge.url, `${head()}Content-Length: 100\r\n\r\n`), 408],
    ['E17-d a body byte by byte', () => raw(edge.url, `${head()}Content-Length: 4000\r\n\r\n`, { bytes: ' ', ms: 50 }), 408],
    [
      'E17-e chunks byte by byte',
      () => raw(edge.url, `${head()}Transfer-Encoding: chunked\r\n\r\n`, { bytes: '1\r\n \r\n', ms: 50 }),
      408,
    ],
    [
      'E18-e a body over the limit, not announced',
      () => raw(edge.url, `${head()}Transfer-Encoding: chunked\r\n\r\n1400\r\n${' '.repeat(0x1400)}\r\n`),
      413,
    ],
  ])('%s: answered and cut', async (_id, attempt, status) => {
    const { answer, ms } = await attempt();
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer.toLowerCase()).toContain('connection: close');
    // Where nothing is cut it never ends.
    expect(ms).toBeLessThan(20_000);
  });

  it('E17-f a slow body is an event with its reason; so is a client that leaves within it', async () => {
    expect(await edge.event(({ reason }) => reason === 'body_timeout')).toMatchObject({
      type: 'request.refused',
      http_status: 408,
      principal_name: 'test',
    });
    const socket = tcpConnect(Number(new URL(edge.url).port), '127.0.0.1', () =>
      socket.write(`${head()}Content-Length: 100\r\n\r\n{`, () => socket.destroy()),
    );
    expect(await edge.event(({ reason }) => reason === 'cancelled')).toMatchObject({ outcome: 'cancelled' });
  });

  it('E17-g a client that does not read is cut, and its call ends upstream', async () => {
    const session = await openSession(edge.url, '/mcp/up', edge.key);
    upstream.on('tools/call', ({ response }) => {
      const send = beginEvents(response);
      const message = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x'.repeat(100_000) } };
      const timer = setInterval(() => send(message), 1);
      response.on('close', () => clearInterval(timer));
    });
    const before = upstream.received.length;
    const body = JSON.stringify(callOf('flood'));
    const socket = tcpConnect(Number(new URL(edge.url).port), '127.0.0.1');
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined);
    socket.pause();
    socket.write(
      `${head()}Accept: application/json, text/event-stream\r\nMcp-Session-Id: ${session}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(await edge.event(({ type, capability }) => type === 'tool.called' && capability === 'flood')).toMatchObject({
      outcome: 'cancelled',
      reason: 'cancelled',
    });
    await eventually(() => upstream.received.slice(before).some((received) => received.body.includes('notifications/cancelled')));
    socket.resume();
    await closed;
  });
});

describe('a client that leaves within its stream', () => {
  // A legacy client may come back to its stream, so leaving alone ends nothing: its session does.
  it.each([
    ['E20.a LV-1 once its session ends, the upstream is told that the call is cancelled', 'legacy'],
    ['E20.b LV-2 the upstream’s stream is closed', 'modern'],
  ] as const)('%s (%s) within a second; one event says so', async (_sentence, era) => {
    await expectWithin(1_000, async () => {
      let tookMs = Infinity;
      await using upstream = era === 'legacy' ? await startHolding('up') : await startModern('up');
      await withEdge({}, serving(http('up', upstream.url)), async (edge) => {
        const session = era === 'legacy' ? await openSession(edge.url, '/mcp/up', edge.key) : undefined;
        const call =
          session !== undefined ? { session, body: callOf('hold') } : modern('tools/call', { name: 'hold', arguments: {} });
        const answer = await open(edge.url, { path: '/mcp/up', key: edge.key, ...call });
        await eventually(() => answer.text().includes('begun'));
        const leftAt = performance.now();
        answer.leave();
        if (session !== undefined) {
          await answer.ended;
          expect(upstream.received.filter(({ body }) => body.includes('notifications/cancelled'))).toEqual([]);
          await exchange(edge.url, { path: '/mcp/up', key: edge.key, session, method: 'DELETE' });
        }
        await eventually(() =>
          era === 'legacy'
            ? upstream.received.some(({ body }) => body.includes('notifications/cancelled'))
            : upstream.held[0]?.isOpen() === false,
        );
        tookMs = performance.now() - leftAt;
        const event = await edge.event(({ type }) => type === 'tool.called');
        expect(event).toMatchObject({ outcome: 'cancelled', reason: 'cancelled', era, capability: 'hold' });
        await exchange(edge.url, { path: '/mcp/up', key: edge.key, body: callOf('act') });
        expect(edge.events.filter(({ type }) => type === 'tool.called')).toHaveLength(1);
      });
      return tookMs;
    });
  });
});

describe('an audit trail that is full', () => {
  it('D2 refuses before anything goes upstream, and says what to do', async () => {
    await using upstream = await startHolding('up');
    await withEdge({ spoolLimitBytes: 48 * 1024 }, serving(http('up', upstream.url)), async (edge) => {
      const legacy = { path: '/mcp/up', key: edge.key, session: await openSession(edge.url, '/mcp/up', edge.key) };
      const stream = await open(edge.url, { ...legacy, method: 'GET' });
      await edge.bus.close();
      await eventually(async () => {
        await Promise.all(Array.from({ length: 10 }, () => exchange(edge.url, { path: '/mcp/up', body: callOf('act') })));
        return (await edge.edge.readiness()).audit !== 'ok';
      });
      stream.leave();
      const before = upstream.received.length;
      for (const request of [
        { ...legacy, body: callOf('act') },
        { ...legacy, body: { jsonrpc: '2.0', id: 1, method: 'tools/list' } },
        { ...legacy, body: { jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level: 'info' } } },
        {
          ...legacy,
          session: '',
          body: { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25' } },
        },
        { path: '/mcp/up', key: edge.key, ...modern('tools/call', { name: 'act', arguments: {} }) },
        { path: '/mcp/up', key: edge.key, ...modern('server/discover', {}) },
        { path: '/mcp/up', key: edge.key, ...modern('subscriptions/listen', { notifications: {} }) },
      ]) {
        const answer = await exchange(edge.url, request);
        expect([request.body.method, answer.status, answer.headers['retry-after']]).toEqual([request.body.method, 503, '30']);
        expect(answer.messages[0]?.error).toMatchObject({ code: 10507, data: { reason: 'audit_unavailable' } });
      }
      await eventually(async () => (await exchange(edge.url, { ...legacy, method: 'GET' })).status === 503);
      expect(upstream.received.length).toBe(before);
      expect((await exchange(edge.url, { ...legacy, body: { jsonrpc: '2.0', id: 1, method: 'ping' } })).status).toBe(200);
    });
  });
});

describe('snapshots', () => {
  let edge: TestEdge;
  let one: HoldingUpstream;
  let two: HoldingUpstream;
  const local: Upstream = {
    name: 'local',
    transport: { case: 'stdio', value: { command: 'node', args: [LOCAL] } },
    timeoutMs: 5_000,
  };

  beforeAll(async () => {
    one = await startHolding('one');
    two = await startHolding('two');
    edge = await startTestEdge();
  });
  afterAll(async () => {
    await edge[Symbol.asyncDispose]();
    await Promise.all([one[Symbol.asyncDispose](), two[Symbol.asyncDispose]()]);
  });

  const call = async (slug: string, session: string, name = 'act') => {
    const { messages } = await exchange(edge.url, { path: `/mcp/${slug}`, key: edge.key, session, body: callOf(name) });
    const { result, error } = messages[0] ?? {};
    return error?.data.reason ?? (result?.content as { text: string }[])[0]?.text;
  };
  const enter = (slug: string) => openSession(edge.url, `/mcp/${slug}`, edge.key);

  it('SN-1 before the first one, calls are refused and the edge is not ready', async () => {
    const answer = await exchange(edge.url, { path: '/mcp/up', key: edge.key, body: callOf('act') });
    expect([answer.status, answer.messages[0]?.error?.data.reason]).toEqual([503, 'starting_up']);
    expect(await exchange(edge.url, { path: '/ready', method: 'GET' })).toMatchObject({ status: 503 });
    await edge.publish(serving(http('up', one.url), local));
    expect(await exchange(edge.url, { path: '/ready', method: 'GET' })).toMatchObject({ status: 200 });
  });

  const good = (upstreams: object[], servers: object[]) => ({
    revision: 'poison',
    publicUrl: 'http://127.0.0.1:1',
    upstreams,
    servers,
  });
  const sound = { name: 'x', http: { url: 'http://127.0.0.1:1/' }, timeoutMs: 1_000 };
  it.each([
    ['SN-2 text that is not JSON', '{"revision":', /JSON/],
    ['SN-3 null', 'null', /cannot decode/],
    ['SN-4 nothing in it', '{}', /no revision/],
    ['SN-5 a public URL that is none', JSON.stringify({ revision: 'poison', publicUrl: 'gateway' }), /public URL/],
    ['SN-6 null for a list', JSON.stringify({ ...good([], []), servers: [null] }), /cannot decode/],
    ['SN-7 an upstream without a transport', JSON.stringify(good([{ name: 'x', timeoutMs: 1 }], [])), /upstream \\"x\\"/],
    [
      'SN-8 an upstream with a URL that is none',
      JSON.stringify(good([{ ...sound, http: { url: 'x' } }], [])),
      /upstream \\"x\\"/,
    ],
    ['SN-9 an upstream without a timeout', JSON.stringify(good([{ ...sound, timeoutMs: 0 }], [])), /upstream \\"x\\"/],
    ['SN-10 two upstreams of one name', JSON.stringify(good([sound, sound], [])), /two upstreams/],
    ['SN-11 two servers of one slug', JSON.stringify(good([], [{ slug: 'a' }, { slug: 'a' }])), /two servers/],
    ['SN-12 a slug that no URL has', JSON.stringify(good([], [{ slug: 'A/b' }])), /server \\"A\/b\\"/],
    [
      'SN-13 a source that is no upstream',
      JSON.stringify(good([sound], [{ slug: 'a', sources: [{ upstream: 'y' }] }])),
      /source \\"y\\"/,
    ],
    [
      'SN-14 an egress range that is none',
      JSON.stringify({ ...good([sound], []), egressAllow: ['everything'] }),
      /snapshot cannot be used/,
    ],
  ])('%s changes nothing: the last good one goes on, the log says why', async (_id, text, why) => {
    const session = await enter('local');
    const pid = await call('local', session, 'pid');
    const before = edge.logged().length;
    await edge.publishRaw(text);
    const logged = await eventually(
      () => edge.logged().slice(before).includes('a snapshot cannot be used') && edge.logged().slice(before),
    );
    expect(logged).toMatch(why);
    expect(await call('up', await enter('up'))).toBe('one: done');
    expect(await call('local', session, 'pid')).toBe(pid);
    expect((await edge.edge.readiness()).snapshot).toBe('ok');
  });

  it('SN-15 a good one is taken after a bad one; what it does not change is not touched', async () => {
    const [up, kept] = [await enter('up'), await enter('local')];
    expect(await call('up', up)).toBe('one: done');
    const pid = await call('local', kept, 'pid');
    await edge.publish(serving(http('up', two.url), local));
    expect(await call('up', up)).toBe('two: done');
    expect(await call('local', kept, 'pid')).toBe(pid);
    const theirs = one.received.flatMap(({ headers }) => headers['mcp-session-id'] ?? []);
    expect(two.received.flatMap(({ headers }) => headers['mcp-session-id'] ?? []).filter((id) => theirs.includes(id))).toEqual(
      [],
    );
  });

  it('SN-16 a server that is removed is unknown; sessions that used its upstreams can still be ended', async () => {
    const sources = [
      { upstream: 'up', prefix: 'u__', tools: ['*'] },
      { upstream: 'local', prefix: 'l__', tools: ['*'] },
    ];
    const pair: Server = { slug: 'pair', sources, access: everyone };
    await edge.publish({ ...serving(http('up', two.url), local), servers: [pair] });
    const session = await enter('pair');
    expect(await call('pair', session, 'u__act')).toBe('two: done');
    const pid = Number(await call('pair', session, 'l__pid'));
    const stream = await open(edge.url, { path: '/mcp/pair', method: 'GET', key: edge.key, session });
    await edge.publish({ ...serving(http('up', two.url)), servers: [{ ...pair, sources: sources.slice(0, 1) }] });
    await eventually(() => {
      expect(() => process.kill(pid, 0)).toThrow();
    });
    expect(await call('pair', session, 'u__act')).toBe('two: done');
    expect(await call('pair', session, 'l__pid')).toBe('capability_unknown');
    stream.leave();
    for (const [body, method] of [
      [{ jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level: 'info' } }, 'POST'],
      [undefined, 'DELETE'],
    ] as const)
      expect((await exchange(edge.url, { path: '/mcp/pair', method, key: edge.key, session, body })).status).toBe(
        method === 'POST' ? 200 : 204,
      );
    const gone = await exchange(edge.url, { path: '/mcp/up', key: edge.key, session, body: callOf('act') });
    expect([gone.status, gone.messages[0]?.error?.data.reason]).toEqual([404, 'server_unknown']);
    expect(edge.logged()).not.toContain('an exchange failed');
  });
});

describe('an edge that is stopped', () => {
  it('X9 lets calls under way end, refuses new ones, and ends streams', async () => {
    await using upstream = await startHolding('up');
    await using nova = await startModern('nova');
    const edge = await startTestEdge();
    await edge.publish(serving(http('up', upstream.url), http('nova', nova.url)));
    const legacy = { path: '/mcp/up', key: edge.key, session: await openSession(edge.url, '/mcp/up', edge.key) };
    const underWay = await open(edge.url, { ...legacy, body: callOf('hold') });
    const stream = await open(edge.url, { ...legacy, method: 'GET' });
    const listening = await open(edge.url, {
      path: '/mcp/nova',
      key: edge.key,
      ...modern('subscriptions/listen', { notifications: { toolsListChanged: true } }),
    });
    await eventually(() => listening.text().includes('acknowledged'));
    const closed = edge.edge.close();
    await Promise.all([stream.ended, listening.ended]);
    expect(listening.text()).toContain('"result":{"resultType":"complete"');
    const headers = { connection: 'keep-alive' };
    const refused = await exchange(edge.url, { ...legacy, headers, body: callOf('act') });
    expect([refused.status, refused.messages[0]?.error?.data.reason]).toEqual([503, 'shutting_down']);
    expect(refused.headers).toMatchObject({ 'retry-after': '1', connection: 'close' });
    upstream.held[0]?.finish();
    await underWay.ended;
    expect(underWay.text()).toContain('finished');
    const startedAt = performance.now();
    await closed;
    // By far less than calls under way would be waited for.
    expect(performance.now() - startedAt).toBeLessThan(15_000);
    await edge[Symbol.asyncDispose]();
  });

  it('X9-b cancels calls that take too long, with an answer and an event', async () => {
    await using upstream = await startHolding('up');
    const edge = await startTestEdge({ limits: { drainTimeoutMs: 200 } });
    await edge.publish(serving(http('up', upstream.url)));
    const session = await openSession(edge.url, '/mcp/up', edge.key);
    const answer = await open(edge.url, { path: '/mcp/up', key: edge.key, session, body: callOf('hold') });
    await edge.edge.close();
    await answer.ended;
    expect(answer.text()).toContain('"reason":"cancelled"');
    expect(await edge.event(({ type }) => type === 'tool.called')).toMatchObject({ outcome: 'cancelled' });
    await edge[Symbol.asyncDispose]();
  });
});

describe('what goes through', () => {
  const trace = '0af7651916cd43dd8448eb211c80319c';

  it('TR-1 the trace goes on under a span of the gateway’s own, and the request id as it is', async () => {
    await using upstream = await startLegacyUpstream({ name: 'alpha' });
    await withEdge({}, serving(http('alpha', upstream.url)), async (edge) => {
      const session = await openSession(edge.url, '/mcp/alpha', edge.key);
      const headers = {
        traceparent: `00-${trace}-b7ad6b7169203331-01`,
        tracestate: 'vendor=secret',
        baggage: 'user=ana',
        'x-request-id': 'mine-7',
      };
      const answer = await exchange(edge.url, {
        path: '/mcp/alpha',
        key: edge.key,
        session,
        headers,
        body: callOf('echo', { text: 'x' }),
      });
      expect(answer.headers['x-request-id']).toBe('mine-7');
      const received = upstream.received.find(({ body }) => body.includes('tools/call'));
      expect(received?.headers['x-request-id']).toBe('mine-7');
      expect(received?.headers.traceparent).toMatch(new RegExp(`^00-${trace}-(?!b7ad6b7169203331)[0-9a-f]{16}-01$`));
      expect([received?.headers.tracestate, received?.headers.baggage]).toEqual([undefined, undefined]);
      for (const type of ['tool.called', 'proxy.hop'])
        expect(await edge.event((event) => event.type === type && event.request_id === 'mine-7')).toMatchObject({
          trace_id: trace,
        });
    });
  });

  it('E23 a fault of the gateway’s own is denied, with an id to find it by and nothing else', async () => {
    await using upstream = await startHolding('up');
    const edge = await startTestEdge();
    await edge.publish(serving(http('up', upstream.url)));
    const session = 'y'.repeat(43);
    // A session that no edge has written.
    await (await edge.state.bucket(BUCKETS.sessions, DEFAULT_TENANT)).put(session, Buffer.from('{'));
    const before = upstream.received.length;
    const answer = await exchange(edge.url, {
      path: '/mcp/up',
      key: edge.key,
      session,
      headers: { 'x-request-id': 'broken-1' },
      body: callOf('act'),
    });
    expect(answer.status).toBe(500);
    expect(answer.messages[0]?.error).toEqual({
      code: 10500,
      message: 'Something went wrong in the gateway. Tell its administrators the request id broken-1.',
      data: { reason: 'internal', request_id: 'broken-1' },
    });
    expect(upstream.received.length).toBe(before);
    const line = edge
      .logged()
      .split('\n')
      .find((logged) => logged.includes('an exchange failed'));
    expect(line).toContain('"request_id":"broken-1"');
    await edge[Symbol.asyncDispose]();
  });
});
