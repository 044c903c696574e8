import {
  answerResult,
  eventually,
  type ScriptedUpstream,
  type ScriptedUpstreamOptions,
  startLegacyUpstream,
  startScriptedUpstream,
  type TestUpstream,
} from '@switchyard/testing';
import { startTestEdge, type SnapshotInit, type TestEdge } from './edge.fixture.js';
import { callOf, exchange, open, openSession, type RawAnswer, type RawMessage } from './raw-client.fixture.js';

const LIST_TIMEOUT_MS = 600;
const FITTING = /^[A-Za-z0-9_.-]{1,64}$/;
const ODD = ['do it, now!', 'été/größe', 'a'.repeat(80), `${'a'.repeat(79)}b`, 'plain', 'ends_0123abcd'];
const everyone = [{ everyone: true }];
const all = { tools: ['*'], prompts: ['*'], resources: ['*'] };

let alpha: TestUpstream;
let beta: TestUpstream;
const scripted = new Map<string, ScriptedUpstream>();
let edge: TestEdge;

const upstreamNamed = (name: string): ScriptedUpstream => {
  const found = scripted.get(name);
  if (found === undefined) throw new Error(`no upstream ${name}`);
  return found;
};

function configuration(): SnapshotInit {
  const http = (name: string, url: string) => ({ name, transport: { case: 'http' as const, value: { url } }, timeoutMs: 5_000 });
  return {
    upstreams: [http('alpha', alpha.url), http('beta', beta.url), ...[...scripted].map(([name, { url }]) => http(name, url))],
    servers: [
      {
        slug: 'joined',
        sources: [
          { upstream: 'beta', prefix: 'b__', ...all },
          { upstream: 'alpha', prefix: 'a__', ...all, deny: ['delete_*'] },
        ],
        access: everyone,
      },
      {
        slug: 'clash',
        sources: [
          { upstream: 'alpha', ...all },
          { upstream: 'beta', ...all },
        ],
        access: everyone,
      },
      { slug: 'odd', sources: [{ upstream: 'odd', ...all }], access: everyone },
      {
        slug: 'odd-two',
        sources: [
          { upstream: 'alpha', prefix: 'a__', ...all },
          { upstream: 'odd', prefix: 'o__', ...all },
        ],
        access: everyone,
      },
      {
        slug: 'files',
        sources: [
          { upstream: 'docs', ...all },
          { upstream: 'alpha', ...all, deny: ['test://items/secret*'] },
          { upstream: 'beta', ...all },
        ],
        access: everyone,
      },
      { slug: 'paged', sources: [{ upstream: 'paged', ...all }], access: everyone },
      { slug: 'endless', sources: [{ upstream: 'endless', ...all }], access: everyone },
      {
        slug: 'broken',
        sources: ['alpha', 'dead', 'slow', 'garbage'].map((upstream) => ({ upstream, prefix: `${upstream}__`, ...all })),
        access: everyone,
      },
      {
        slug: 'finance',
        sources: [
          { upstream: 'ledger', ...all },
          { upstream: 'docs', ...all },
        ],
        access: [{ teams: ['finance'] }],
      },
      {
        slug: 'reading',
        sources: [{ upstream: 'docs', prefix: 'd__', ...all }],
        access: [{ everyone: true, tools: ['d__look'], resources: ['docs://*'] }],
      },
      {
        slug: 'unheard',
        sources: [
          { upstream: 'alpha', prefix: 'a__', ...all },
          { upstream: 'gone', ...all, deny: ['delete_*'] },
          { upstream: 'mute', prefix: 'm__', ...all },
        ],
        access: [{ everyone: true, tools: ['a__*', 'act', 'delete_all'] }],
      },
      {
        slug: 'mute',
        sources: [
          { upstream: 'alpha', prefix: 'a__', ...all },
          { upstream: 'mute', ...all },
        ],
        access: everyone,
      },
      { slug: 'late', sources: [{ upstream: 'late', ...all }], access: everyone },
      { slug: 'lookalike', sources: [{ upstream: 'lookalike', ...all }], access: everyone },
      { slug: 'constructor', sources: [{ upstream: 'constructor', prefix: 'c__', ...all }], access: everyone },
    ],
    teams: [{ name: 'finance', emails: ['ana@example.com'] }],
  };
}

async function start(name: string, options: Omit<ScriptedUpstreamOptions, 'name'>): Promise<void> {
  scripted.set(name, await startScriptedUpstream({ name, ...options }));
}

beforeAll(async () => {
  alpha = await startLegacyUpstream({ name: 'alpha' });
  beta = await startLegacyUpstream({ name: 'beta' });
  await start('odd', { tools: ODD });
  const resources = {
    resources: [
      { uri: 'docs://one', name: 'one' },
      { uri: 'docs://two', name: 'two' },
    ],
  };
  await start('docs', {
    tools: ['look', 'alter'],
    scripts: {
      initialize: (call) =>
        answerResult(
          call,
          {
            protocolVersion: '2025-11-25',
            capabilities: { tools: {}, resources: {} },
            serverInfo: { name: 'docs', version: '1' },
            instructions: 'Read the docs.',
          },
          { 'mcp-session-id': 'docs-1' },
        ),
      'resources/list': (call) => answerResult(call, resources),
      'resources/templates/list': (call) => answerResult(call, { resourceTemplates: [] }),
      'resources/read': (call) => answerResult(call, { contents: [{ uri: 'docs://one', text: 'from docs' }] }),
    },
  });
  const tool = (name: string) => ({ name, inputSchema: { type: 'object' } });
  const pages: Record<string, object> = {
    first: { tools: [tool('one'), tool('two')], nextCursor: '' },
    '': { tools: [tool('three'), tool('one')], nextCursor: 'last' },
    last: { tools: [tool('four')] },
  };
  await start('paged', {
    scripts: { 'tools/list': (call) => answerResult(call, pages[call.message.params?.cursor ?? 'first'] ?? {}) },
  });
  await start('endless', { scripts: { 'tools/list': (call) => answerResult(call, { tools: [], nextCursor: 'more' }) } });
  await start('dead', { tools: ['act'] });
  await upstreamNamed('dead').stop();
  await start('gone', { tools: ['act'] });
  await upstreamNamed('gone').stop();
  await start('mute', { tools: ['act'], scripts: { 'tools/list': () => undefined } });
  await start('slow', { tools: ['act'], scripts: { 'tools/list': () => undefined } });
  await start('garbage', {
    scripts: {
      initialize: ({ response }) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Welcome</h1>'),
    },
  });
  await start('late', { tools: ['act'], scripts: { initialize: ({ response }) => void response.writeHead(503).end() } });
  await start('ledger', { tools: ['pay'] });
  await start('lookalike', { tools: ['gateway_status', 'other'] });
  await start('constructor', { tools: ['toString'] });
  edge = await startTestEdge({ limits: { listTimeoutMs: LIST_TIMEOUT_MS } });
  await edge.publish(configuration());
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await Promise.all([alpha, beta, ...scripted.values()].map((upstream) => upstream[Symbol.asyncDispose]()));
});

/** One legacy session of a raw client. */
async function enter(path: string, key = edge.key) {
  const session = await openSession(edge.url, path, key);
  const ask = async (method: string, params: object = {}): Promise<RawMessage> => {
    const { messages } = await exchange(edge.url, { path, key, session, body: { jsonrpc: '2.0', id: 7, method, params } });
    return messages.at(-1) ?? {};
  };
  const list = async <Item>(kind: string, method = `${kind}/list`) => ((await ask(method)).result?.[kind] ?? []) as Item[];
  return {
    session,
    ask,
    tools: async () => (await list<{ name: string; description?: string }>('tools')).map(({ name }) => name),
    uris: async () => (await list<{ uri: string }>('resources')).map(({ uri }) => uri),
    list,
    call: async (name: string, args: object = {}) => textOf(await ask('tools/call', { name, arguments: args })),
    read: async (uri: string) => {
      const { result, error } = await ask('resources/read', { uri });
      return error?.data.reason ?? (result?.contents as { text: string }[])[0]?.text;
    },
  };
}

const textOf = ({ result, error }: RawMessage) =>
  error ? `${String(error.data.reason)}: ${error.message}` : (result?.content as { text: string }[])[0]?.text;

const bodies = (upstream: { received: readonly { body: string }[] }, method: string) =>
  upstream.received.filter(({ body }) => body.includes(`"${method}"`)).length;

describe('a server over several upstreams', () => {
  it('V-1 lists in the order of its sources, behind their prefixes, the same every time', async () => {
    const client = await enter('/mcp/joined');
    const tools = await client.tools();
    const own = ['echo', 'fail', 'delete_all', 'big', 'slow', 'hang'];
    expect(tools).toEqual([
      ...own.map((name) => `b__${name}`),
      ...own.filter((name) => name !== 'delete_all').map((name) => `a__${name}`),
    ]);
    for (let again = 0; again < 3; again += 1) expect(await client.tools()).toEqual(tools);
    expect(await client.call('a__echo', { text: 'x' })).toBe('alpha: x');
    expect(await client.call('b__echo', { text: 'x' })).toBe('beta: x');
  });

  it('V-2 gives a name that two want to the first, and the second one behind its upstream’s name; both can be called', async () => {
    const client = await enter('/mcp/clash');
    const tools = await client.tools();
    expect(tools).toEqual(expect.arrayContaining(['echo', 'beta__echo']));
    expect(new Set(tools).size).toBe(tools.length);
    expect(await client.call('echo', { text: 'x' })).toBe('alpha: x');
    expect(await client.call('beta__echo', { text: 'x' })).toBe('beta: x');
    expect((await client.list<{ name: string }>('prompts')).map(({ name }) => name)).toEqual(['greet', 'beta__greet']);
    expect((await client.ask('prompts/get', { name: 'beta__greet', arguments: { who: 'Ana' } })).result).toMatchObject({
      messages: [{ content: { text: 'beta greets Ana' } }],
    });
    expect(
      await client.ask('completion/complete', {
        ref: { type: 'ref/prompt', name: 'beta__greet' },
        argument: { name: 'who', value: 'B' },
      }),
    ).toMatchObject({
      result: { completion: { values: ['Bea'] } },
    });
  });

  it.each([
    ['V-3 one source', '/mcp/odd', ''],
    ['V-4 one of several', '/mcp/odd-two', 'o__'],
    ['V-5 the server that joins all', '/mcp', 'odd__'],
  ])('%s: names that clients cannot use have aliases, under which the tools are called', async (_id, path, prefix) => {
    const client = await enter(path);
    const { tools } = (await client.ask('tools/list')).result as { tools: { name: string }[] };
    const names = tools.map(({ name }) => name);
    expect(names.filter((name) => !FITTING.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
    const reached = new Set<string | undefined>();
    const fixtures = /(^|_)(delete_all|hang|slow|big|fail|echo|act|gateway_status)$/;
    for (const name of names.filter((candidate) => !fixtures.test(candidate))) reached.add(await client.call(name));
    for (const own of ODD) expect(reached).toContain(`odd: ${own}`);
    expect(await client.call(`${prefix}plain`)).toBe('odd: plain');
  });

  it('V-6 an alias is understood by an edge that has not listed yet', async () => {
    const client = await enter('/mcp/odd');
    const alias = (await client.tools())[0] ?? '';
    await using fresh = await startTestEdge();
    await fresh.publish(configuration());
    const session = await openSession(fresh.url, '/mcp/odd', fresh.key);
    const answer = await exchange(fresh.url, { path: '/mcp/odd', key: fresh.key, session, body: callOf(alias) });
    expect(textOf(answer.messages[0] ?? {})).toBe(`odd: ${ODD[0] ?? ''}`);
  });

  it('V-7 routes resource URIs to their owners, by list and by template; the first of two owners answers', async () => {
    const client = await enter('/mcp/files');
    expect(await client.uris()).toEqual(['docs://one', 'docs://two', 'test://counter']);
    expect(
      (await client.list<{ uriTemplate: string }>('resourceTemplates', 'resources/templates/list')).map(
        ({ uriTemplate }) => uriTemplate,
      ),
    ).toEqual(['test://items/{id}']);
    expect(await client.read('docs://one')).toBe('from docs');
    expect(await client.read('test://counter')).toBe('alpha counter');
    expect(await client.read('test://items/7')).toBe('alpha item 7');
    // What the first owner's source denies, the next one's may still offer.
    expect(await client.read('test://items/secret7')).toBe('beta item secret7');
    expect(await client.read('nobody://has/this')).toBe('capability_unknown');
  });

  it('V-8 follows an upstream’s pages to the end; the empty cursor is one; what stands on two pages is listed once', async () => {
    const client = await enter('/mcp/paged');
    expect(await client.tools()).toEqual(['one', 'two', 'three', 'four']);
    expect(await client.call('four')).toBe('paged: four');
  });

  it('V-9 an upstream whose pages do not end is named, not cut short in silence', async () => {
    const client = await enter('/mcp/endless');
    expect(await client.tools()).toEqual(['gateway_status']);
    expect((await client.ask('tools/list')).result?._meta).toMatchObject({
      'dev.switchyard/unavailable': [
        { upstream: 'endless', reason: expect.stringMatching(/upstream_invalid|upstream_timeout/) as string },
      ],
    });
  });

  it('V-10 an upstream’s own gateway_status does not stand in for the gateway’s', async () => {
    const client = await enter('/mcp/lookalike');
    expect(await client.tools()).toEqual(['other']);
    expect(await client.call('gateway_status')).toBe('lookalike: ready');
  });

  it('V-11 upstreams, methods and names that are members of Object are nothing special', async () => {
    const client = await enter('/mcp/constructor');
    expect(await client.tools()).toEqual(['c__toString']);
    expect(await client.call('c__toString')).toBe('constructor: toString');
    for (const method of ['constructor', 'toString', '__proto__']) {
      const body = { jsonrpc: '2.0', method };
      expect(await exchange(edge.url, { path: '/mcp/constructor', key: edge.key, session: client.session, body })).toMatchObject({
        status: 202,
        text: '',
      });
    }
    expect(edge.events.every(({ type }) => typeof type === 'string' && type.includes('.'))).toBe(true);
  });
});

describe('a server of which some upstreams are down, slow or talk garbage', () => {
  it('V-12 lists what there is, names what is missing and why, and serves the others', async () => {
    const client = await enter('/mcp/broken');
    const { result } = await client.ask('tools/list');
    const tools = result?.tools as { name: string; description: string }[];
    expect(tools.map(({ name }) => name)).toEqual([
      ...['echo', 'fail', 'delete_all', 'big', 'slow', 'hang'].map((name) => `alpha__${name}`),
      'gateway_status',
    ]);
    const sentences = {
      dead: /dead could not be reached \(ECONNREFUSED\)\./,
      slow: new RegExp(`slow did not (list|answer) within ${LIST_TIMEOUT_MS} ms\\.`),
      garbage: /garbage answered with HTTP 200 with content type "text\/html"\./,
    };
    const unavailable =
      (result?._meta as Record<string, { upstream: string; reason: string; message: string }[]>)['dev.switchyard/unavailable'] ??
      [];
    expect(unavailable.map(({ upstream, reason }) => [upstream, reason])).toEqual([
      ['dead', 'upstream_unavailable'],
      ['slow', 'upstream_timeout'],
      ['garbage', 'upstream_invalid'],
    ]);
    const status = (await client.call('gateway_status')) ?? '';
    expect(status).toMatch(/^alpha: ready$/m);
    for (const [upstream, sentence] of Object.entries(sentences)) {
      expect(tools.at(-1)?.description).toMatch(sentence);
      expect(unavailable.find((entry) => entry.upstream === upstream)?.message).toMatch(sentence);
      expect(status).toMatch(new RegExp(`^${upstream}: ${sentence.source}$`, 'm'));
    }
    expect(await client.call('alpha__echo', { text: 'x' })).toBe('alpha: x');
    expect(await client.call('dead__act')).toMatch(/^upstream_unavailable: dead /);
    expect(await client.call('garbage__act')).toMatch(/^upstream_invalid: garbage /);
    expect(await client.call('slow__act')).toBe('slow: act');
    expect(
      await edge.event(({ type, server, detail }) => type === 'capability.listed' && server === 'broken' && detail !== undefined),
    ).toMatchObject({
      outcome: 'ok',
      detail: { count: '6', unavailable: 'dead:upstream_unavailable,slow:upstream_timeout,garbage:upstream_invalid' },
    });
  });

  it('V-13 notices an upstream that comes back, and one that goes again behind a session that stands', async () => {
    const dead = upstreamNamed('dead');
    const client = await enter('/mcp/broken');
    expect(await client.tools()).not.toContain('dead__act');
    await dead.resume();
    expect(await client.tools()).toContain('dead__act');
    expect(await client.call('dead__act')).toBe('dead: act');
    await dead.stop();
    // Its list is kept for a while; the first call that does not reach it ends that.
    expect(await client.tools()).toContain('dead__act');
    expect(await client.call('dead__act')).toMatch(/^upstream_unavailable: dead /);
    expect(await client.tools()).not.toContain('dead__act');
    expect(await client.call('gateway_status')).toMatch(/^dead: dead could not be reached/m);
  });
});

describe('a name that no upstream listed, where an upstream has never been heard', () => {
  it.each([
    [
      'V-18 may be that upstream’s: it is named, and what is wrong with it',
      'unheard',
      'act',
      /^upstream_unavailable: gone could /,
    ],
    ['V-19 and the same of one that does not list in time', 'mute', 'act', /^upstream_timeout: mute did not /],
    ['V-20 is unknown where the source denies it', 'unheard', 'delete_all', /^capability_unknown: /],
    ['V-21 is unknown where no rule opens it', 'unheard', 'other', /^capability_unknown: /],
  ])('%s', async (_id, slug, name, expected) => {
    const client = await enter(`/mcp/${slug}`);
    expect(await client.call(name)).toMatch(expected);
    expect(await client.call('a__echo', { text: 'x' })).toBe('alpha: x');
  });
});

describe('the server that joins all servers', () => {
  it('V-14 has every name behind its server’s slug, by each server’s own rules', async () => {
    const client = await enter('/mcp');
    const tools = await client.tools();
    expect(tools).toEqual(
      expect.arrayContaining(['joined__a__echo', 'joined__b__echo', 'clash__echo', 'clash__beta__echo', 'reading__d__look']),
    );
    expect(tools).not.toContain('reading__d__alter');
    expect(tools).not.toContain('joined__a__delete_all');
    expect(tools.filter((name) => name.startsWith('finance__'))).toEqual([]);
    expect(await client.call('clash__beta__echo', { text: 'x' })).toBe('beta: x');
    expect(await client.call('reading__d__look')).toBe('docs: look');
    expect(await client.call('reading__d__alter')).toMatch(/^policy_denied: /);
    expect(await client.call('finance__pay')).toMatch(/^(policy_denied|capability_unknown): /);
  });

  it('V-15 asks and tells nothing of upstreams that no rule opens to the caller', async () => {
    const client = await enter('/mcp');
    expect(await client.call('gateway_status')).not.toContain('ledger');
    expect(upstreamNamed('ledger').received).toEqual([]);
  });

  it('V-16 a resource of several servers is served by one whose rules open it', async () => {
    const client = await enter('/mcp');
    expect((await client.uris()).filter((uri) => uri === 'docs://one')).toHaveLength(1);
    expect(await client.read('docs://one')).toBe('from docs');
  });

  it('V-17 a server that no rule opens is entered, and is empty; calls are denied without asking anybody', async () => {
    const client = await enter('/mcp/finance');
    const before = upstreamNamed('docs').received.length;
    expect(await client.tools()).toEqual([]);
    expect(await client.uris()).toEqual([]);
    expect(await client.call('pay')).toMatch(/^policy_denied: /);
    expect(await client.read('docs://one')).toBe('policy_denied');
    expect(await client.call('gateway_status')).toBe('Nothing of this server is open to you.');
    expect(upstreamNamed('ledger').received).toEqual([]);
    expect(upstreamNamed('docs').received.length).toBe(before);
    expect(await edge.event(({ type, server }) => type === 'policy.denied' && server === 'finance')).toMatchObject({
      capability: 'pay',
      outcome: 'denied',
    });
  });
});

describe('sessions', () => {
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
  const refusal = ({ status, messages }: RawAnswer) => [status, messages[0]?.error?.code, messages[0]?.error?.message];

  it('E13.a belong to who opened them: to others they do not exist, on POST, GET and DELETE', async () => {
    const path = '/mcp/joined';
    const { session } = await enter(path);
    const stream = await open(edge.url, { path, method: 'GET', key: edge.key, session });
    expect(stream.status).toBe(200);
    const thief = await edge.mint({ name: 'thief', servers: ['*'] });
    const unknown = 'x'.repeat(43);
    for (const method of ['POST', 'GET', 'DELETE']) {
      const attempt = (id: string) =>
        exchange(edge.url, { path, method, key: thief, session: id, ...(method === 'POST' && { body: ping }) });
      const answer = await attempt(session);
      const stolen = refusal(answer);
      expect(stolen).toEqual([404, -32001, expect.any(String)]);
      expect(stolen).toEqual(refusal(await attempt(unknown)));
      const event = await edge.event(({ request_id }) => request_id === answer.headers['x-request-id']);
      const expected = { outcome: 'error', reason: 'session_unknown', rpc_code: -32001, http_status: 404 };
      expect(event).toMatchObject({ type: 'request.refused', ...expected });
    }
    expect((await exchange(edge.url, { path, key: edge.key, session, body: ping })).messages[0]?.result).toEqual({});
    // The victim's stream is untouched: it still carries what upstreams say.
    await eventually(() => {
      alpha.addTool(`later-${alpha.received.length}-${Math.random()}`);
      return stream.text().includes('notifications/tools/list_changed');
    });
    stream.leave();
  });

  it.each([
    ['S-10 too long for the store', 'x'.repeat(2_000)],
    ['S-11 empty', ''],
    ['S-12 with characters that none of ours has', 'a/b.c*>'],
  ])('%s: an id is unknown, not an error', async (_id, session) => {
    expect((await exchange(edge.url, { path: '/mcp/joined', key: edge.key, session, body: ping })).status).toBe(404);
  });

  it('S-13 have one stream: a second one is refused while the first stands, and taken when it has gone', async () => {
    const path = '/mcp/joined';
    const { session } = await enter(path);
    const get = { path, method: 'GET', key: edge.key, session };
    const first = await open(edge.url, get);
    const second = await exchange(edge.url, get);
    expect([second.status, second.messages[0]?.error?.data.reason]).toEqual([409, 'stream_conflict']);
    first.leave();
    await eventually(async () => {
      const third = await open(edge.url, get);
      third.leave();
      return third.status === 200;
    });
  });

  it('S-14 end with DELETE, and their stream with them', async () => {
    const path = '/mcp/joined';
    const { session } = await enter(path);
    const stream = await open(edge.url, { path, method: 'GET', key: edge.key, session });
    expect((await exchange(edge.url, { path, method: 'DELETE', key: edge.key, session })).status).toBe(204);
    await stream.ended;
    expect((await exchange(edge.url, { path, key: edge.key, session, body: ping })).status).toBe(404);
  });

  it('S-16 hear of each upstream once, also where it joins while the stream is being opened', async () => {
    const late = upstreamNamed('late');
    const client = await enter('/mcp/late');
    const before = late.received.length;
    const { promise, resolve } = Promise.withResolvers<void>();
    late.on('initialize', (call) => {
      const result = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'late', version: '1' } };
      void promise.then(() => answerResult(call, result, { 'mcp-session-id': 'late-1' }));
    });
    const answer = client.call('act');
    await eventually(() => bodies({ received: late.received.slice(before) }, 'initialize') === 1);
    const stream = await open(edge.url, { path: '/mcp/late', method: 'GET', key: edge.key, session: client.session });
    resolve();
    expect(await answer).toBe('late: act');
    await eventually(() => late.received.some(({ method }) => method === 'GET'));
    expect(await client.call('act')).toBe('late: act');
    expect(late.received.filter(({ method }) => method === 'GET')).toHaveLength(1);
    stream.leave();
  });

  it('E12 may all use the same ids at the same time: every answer goes to who asked', async () => {
    const before = Date.now();
    const clients = await Promise.all(Array.from({ length: 10 }, () => enter('/mcp/clash')));
    const asked = clients.flatMap((client, who) =>
      Array.from({ length: 6 }, (_, call) => ({ client, canary: `${who}-${call}` })),
    );
    const answers = await Promise.all(
      asked.map(({ client, canary }, index) => client.call(index % 2 === 0 ? 'echo' : 'beta__echo', { text: canary })),
    );
    expect(answers).toEqual(asked.map(({ canary }, index) => `${index % 2 === 0 ? 'alpha' : 'beta'}: ${canary}`));
    const recorded = () =>
      edge.events.filter(
        ({ type, server, occurred_at }) =>
          type === 'tool.called' && server === 'clash' && Date.parse(String(occurred_at)) >= before,
      );
    await eventually(() => recorded().length === asked.length);
    expect(recorded().every(({ outcome, http_status }) => outcome === 'ok' && http_status === 200)).toBe(true);
  });

  it('S-15 that an upstream has forgotten are opened again once, however many calls notice', async () => {
    const client = await enter('/mcp/joined');
    await client.call('a__echo', { text: 'x' });
    alpha.forgetSessions();
    const before = bodies(alpha, 'initialize');
    const answers = await Promise.all([1, 2, 3, 4, 5].map((call) => client.call('a__echo', { text: String(call) })));
    expect(answers).toEqual([1, 2, 3, 4, 5].map((call) => `alpha: ${call}`));
    expect(bodies(alpha, 'initialize') - before).toBe(1);
  });
});
