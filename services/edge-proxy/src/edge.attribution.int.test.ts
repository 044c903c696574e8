import { answerResult, eventually, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { callOf, exchange, open, openSession } from './raw-client.fixture.js';
import { startTokenIssuer, type TokenIssuer } from './token-issuer.fixture.js';

let issuer: TokenIssuer;
let upstream: ScriptedUpstream;
let edge: TestEdge;

beforeAll(async () => {
  issuer = await startTokenIssuer();
  upstream = await startScriptedUpstream({
    name: 'up',
    tools: ['act', 'model', 'broken', 'secret', 'cheap'],
    scripts: {
      'tools/call': (given) => {
        const name = given.message.params?.name;
        if (name === 'broken') return void given.response.writeHead(500).end();
        const usage = { usage: { input_tokens: 1_500, output_tokens: 250 } };
        answerResult(given, { content: [{ type: 'text', text: 'x'.repeat(40) }], ...(name === 'model' && { _meta: usage }) });
      },
    },
  });
  edge = await startTestEdge({ authServer: issuer.url });
  await edge.publish({
    upstreams: [
      {
        name: 'up',
        transport: { case: 'http', value: { url: upstream.url } },
        timeoutMs: 20_000,
        price: {
          perCallMicros: 2_000,
          perThousandTokensInMicros: 3_000,
          perThousandTokensOutMicros: 15_000,
          tools: { cheap: { perCallMicros: 1 } },
        },
      },
    ],
    servers: [
      {
        slug: 'work',
        sources: [{ upstream: 'up', tools: ['*'], deny: ['secret'] }],
        access: [
          { teams: ['robots'], tools: ['*'] },
          { everyone: true, tools: ['act', 'model', 'broken', 'cheap', 'secret'] },
        ],
      },
    ],
    teams: [
      { name: 'sales', claims: ['sales'] },
      { name: 'finance', emails: ['ana@example.com'] },
      { name: 'robots', services: ['bot'] },
    ],
  });
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
});

let calls = 0;

/** Calls a tool as somebody; the events of the call and of its hop. */
async function call(tool: string, claims: Readonly<Record<string, unknown>> = {}, args: object = {}) {
  const key = issuer.token(edge.url, '/mcp/work', claims);
  const session = await openSession(edge.url, '/mcp/work', key);
  const id = `r-${++calls}`;
  await exchange(edge.url, { path: '/mcp/work', key, session, headers: { 'x-request-id': id }, body: callOf(tool, args) });
  const event = await edge.event(({ request_id, type }) => request_id === id && type !== 'proxy.hop');
  return { event, hop: edge.events.find(({ request_id, type }) => request_id === id && type === 'proxy.hop') };
}

describe('what an event says of who called', () => {
  it('names the teams of the snapshot, sorted', async () => {
    const { event, hop } = await call('act', { sy_claims: ['sales', 'unknown'] });
    expect(event).toMatchObject({ type: 'tool.called', teams: ['finance', 'sales'] });
    expect(hop?.teams).toEqual(['finance', 'sales']);
    expect(event).not.toHaveProperty('on_behalf_of');
  });

  it.each<readonly [string, unknown, string | undefined]>([
    ['one', { sub: 'agent' }, 'agent'],
    ['chain', { sub: 'agent', act: { sub: 'planner', act: { sub: 'desk' } } }, 'agent planner desk'],
    ['nobody', { iss: 'x' }, undefined],
    ['odd', { sub: 7, act: 'x' }, undefined],
  ])('names who acts for the principal: %s', async (_id, act, expected) => {
    const { event } = await call('act', { act });
    expect(event.on_behalf_of).toBe(expected);
    expect(event.principal_name).toBe('ana@example.com');
  });

  it('names the session by a digest, in which nothing of its id is', async () => {
    const key = issuer.token(edge.url, '/mcp/work');
    const session = await openSession(edge.url, '/mcp/work', key);
    await exchange(edge.url, { path: '/mcp/work', key, session, headers: { 'x-request-id': 's-1' }, body: callOf('act') });
    const event = await edge.event(({ request_id, type }) => request_id === 's-1' && type === 'tool.called');
    expect(event.session_id).toMatch(/^[A-Za-z0-9_-]{22}$/);
    const opened = edge.events.filter(({ type, session_id }) => type === 'session.opened' && session_id === event.session_id);
    expect(opened).toHaveLength(1);
    expect(JSON.stringify(edge.events)).not.toContain(session.slice(0, 22));
  });
});

describe('who, with what, on what: every type of event of the edge has what is known', () => {
  const CALLER = [
    'principal_issuer',
    'principal_subject',
    'principal_name',
    'principal_kind',
    'teams',
    'on_behalf_of',
    'client_id',
  ];
  const EXCHANGE = ['tenant', 'request_id', 'trace_id', 'server', 'snapshot', 'method', ...CALLER];
  const CLIENT = ['client_name', 'client_version', 'era', 'revision', 'session_id'];
  const TIMES = ['bytes_in', 'bytes_out', 'duration_us'];
  const TARGET = ['upstream', 'capability_kind', 'capability', 'upstream_capability'];
  const DONE = [...EXCHANGE, ...CLIENT, ...TIMES, 'client_rpc_id', 'http_status'];
  const TOKENS = ['arguments_tokens', 'result_tokens', 'cost_micros'];

  it.each<readonly [type: string, fields: readonly string[]]>([
    ['tool.called', [...DONE, ...TARGET, ...TOKENS, 'model_tokens_in', 'upstream_rpc_id', 'upstream_us', 'stage_us', 'rule']],
    ['proxy.hop', [...EXCHANGE, ...CLIENT, ...TARGET, 'upstream_rpc_id', 'attempt', 'upstream_us', 'bytes_out']],
    [
      'policy.denied',
      [...EXCHANGE, ...CLIENT, ...TARGET, 'client_rpc_id', 'bytes_in', 'duration_us', 'reason', 'origin', 'rule'],
    ],
    ['capability.listed', DONE],
    ['session.opened', DONE],
    ['stream.opened', [...EXCHANGE, ...CLIENT]],
    ['stream.closed', [...EXCHANGE, ...CLIENT, 'duration_us']],
    ['session.closed', [...EXCHANGE, ...CLIENT, 'duration_us']],
  ])('%s', async (type, fields) => {
    const sub = `who-${type}`;
    const path = '/mcp/work';
    const key = issuer.token(edge.url, path, { sub, act: { sub: 'agent' }, sy_claims: ['sales'] });
    const session = await openSession(edge.url, path, key);
    await exchange(edge.url, { path, key, session, body: callOf('model', { text: 'x' }) });
    await exchange(edge.url, { path, key, session, body: callOf('secret') });
    await exchange(edge.url, { path, key, session, body: { jsonrpc: '2.0', id: 2, method: 'tools/list' } });
    const stream = await open(edge.url, { path, method: 'GET', key, session });
    stream.leave();
    await exchange(edge.url, { path, method: 'DELETE', key, session });
    // An upstream is asked for more than what the client asked for.
    const isOwn = ({ method }: { method?: string }) => type !== 'proxy.hop' || method === 'tools/call';
    const event = await edge.event((one) => one.type === type && one.principal_subject === sub && isOwn(one));
    expect(fields.filter((field) => !Object.hasOwn(event, field))).toEqual([]);
  });
});

describe('what events say of streams', () => {
  it('tells of their beginning and of their end, with how long they stood', async () => {
    const key = issuer.token(edge.url, '/mcp/work');
    const session = await openSession(edge.url, '/mcp/work', key);
    const headers = { 'x-request-id': 'stream-1' };
    const stream = await open(edge.url, { path: '/mcp/work', method: 'GET', key, session, headers });
    const opened = await edge.event(({ request_id }) => request_id === 'stream-1');
    expect(opened).toMatchObject({ type: 'stream.opened', outcome: 'ok', method: 'GET', principal_name: 'ana@example.com' });
    stream.leave();
    const closed = await edge.event(({ request_id, type }) => request_id === 'stream-1' && type === 'stream.closed');
    expect(closed).toMatchObject({ session_id: opened.session_id, outcome: 'ok' });
    expect(closed.duration_us).toBeGreaterThan(0);
  });
});

describe('what an event says of what decided', () => {
  it.each<readonly [string, string, Readonly<Record<string, unknown>>, string, string]>([
    ['first', 'act', { sub: 'bot', sy_kind: 'service', email: undefined }, 'tool.called', 'servers.work.access[0]'],
    ['second', 'act', {}, 'tool.called', 'servers.work.access[1]'],
    ['deny', 'secret', {}, 'policy.denied', 'servers.work.sources[0].deny'],
    ['no-rule', 'other', { sub: 'u2', email: undefined }, 'policy.denied', 'servers.work.access'],
  ])('%s: the rule', async (_id, tool, claims, type, rule) => {
    const { event } = await call(tool, claims);
    expect(event).toMatchObject({ type, rule });
    expect(event.origin).toBe(type === 'policy.denied' ? 'policy' : undefined);
  });

  it('says where a failure comes from', async () => {
    const { event, hop } = await call('broken');
    expect(event).toMatchObject({ outcome: 'error', reason: 'upstream_unavailable', origin: 'upstream' });
    expect(hop).toMatchObject({ outcome: 'error', origin: 'upstream', attempt: 1 });
    await exchange(edge.url, { path: '/mcp/work', headers: { 'x-request-id': 'nobody' }, body: callOf('act') });
    expect(await edge.event(({ request_id }) => request_id === 'nobody')).toMatchObject({
      type: 'auth.rejected',
      origin: 'client',
    });
  });
});

describe('what an event says of time, tokens and cost', () => {
  it('tells the time of its stages, of which none is longer than the whole', async () => {
    const { event } = await call('act');
    const { upstream: ofUpstream = 0, render = 0 } = event.stage_us ?? {};
    expect(ofUpstream).toBe(event.upstream_us);
    expect(render).toBeGreaterThan(0);
    expect(ofUpstream + render).toBeLessThanOrEqual((event.duration_us ?? 0) + 1);
  });

  it('does not wait for a body that came with its header section', async () => {
    const { event } = await call('act');
    expect(event.stage_us).not.toHaveProperty('read');
  });

  it('estimates tokens from bytes, and takes the price of the upstream', async () => {
    const args = { text: 'y'.repeat(91) };
    const { event } = await call('act', {}, args);
    expect(event.arguments_tokens).toBe(Math.ceil(JSON.stringify(args).length / 4));
    const result = JSON.stringify({ content: [{ type: 'text', text: 'x'.repeat(40) }] });
    expect(event.result_tokens).toBe(Math.ceil(result.length / 4));
    const tokens = 3_000 * (event.arguments_tokens ?? 0) + 15_000 * (event.result_tokens ?? 0);
    expect(event.cost_micros).toBe(2_000 + Math.round(tokens / 1_000));
    expect(event).not.toHaveProperty('model_tokens_in');
  });

  it('takes the tokens that the upstream reports', async () => {
    const { event } = await call('model');
    expect(event).toMatchObject({ model_tokens_in: 1_500, model_tokens_out: 250, cost_micros: 2_000 + 4_500 + 3_750 });
  });

  it('takes the price of the tool, and none where the upstream has not answered', async () => {
    expect((await call('cheap')).event.cost_micros).toBe(1);
    expect((await call('broken')).event).not.toHaveProperty('cost_micros');
    await eventually(() => edge.events.some(({ type }) => type === 'session.opened'));
    expect(edge.events.filter(({ type, cost_micros }) => type !== 'tool.called' && cost_micros !== undefined)).toEqual([]);
  });
});
