import {
  answerResult,
  beginEvents,
  eventually,
  expectWithin,
  type ScriptedExchange,
  type ScriptedUpstream,
  startScriptedUpstream,
} from '@switchyard/testing';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { startTestEdge, type SnapshotInit, type TestEdge } from './edge.fixture.js';
import { type FakeVault, startFakeVault } from './fake-vault.fixture.js';
import { callOf, exchange, open, openSession, type RawMessage } from './raw-client.fixture.js';

const LOCAL = path.join(__dirname, 'local-server.fixture.mjs');
/** Longer than a busy machine takes to start a local server. */
const LIST_TIMEOUT_MS = 2_000;
const LIMIT_BYTES = 64 * 1024;
const REVISION = '2026-07-28';
const all = { tools: ['*'], prompts: ['*'], resources: ['*'] };
const everyone = [{ everyone: true }];

const upstreams = new Map<string, ScriptedUpstream>();
let edge: TestEdge;
let vault: FakeVault;

const upstreamNamed = (name: string): ScriptedUpstream => {
  const found = upstreams.get(name);
  if (found === undefined) throw new Error(`no upstream ${name}`);
  return found;
};

const listsOf = (name: string) => upstreamNamed(name).received.filter(({ body }) => body.includes('"tools/list"')).length;

const tool = (name: string) => ({ name, inputSchema: { type: 'object' } });

/** A modern server. @param page what its list of tools says beside `resultType` */
const modern = (page: (call: ScriptedExchange) => object) => ({
  'server/discover': (call: ScriptedExchange) =>
    answerResult(call, {
      supportedVersions: [REVISION],
      capabilities: { tools: {} },
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'private',
    }),
  'tools/list': (call: ScriptedExchange) => answerResult(call, { resultType: 'complete', ...page(call) }),
});

const PAGE = 'ui://widget/page.html';
const toolWithPage = (name: string) => ({ ...tool(name), _meta: { ui: { resourceUri: PAGE } } });

/** A legacy server that has a tool with a page in every session but the first. */
function pageScripts() {
  let sessions = 0;
  return {
    initialize: (call: ScriptedExchange) => {
      sessions += 1;
      const result = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'page', version: '1' } };
      answerResult(call, result, { 'mcp-session-id': `s-${sessions}` });
    },
    'tools/list': (call: ScriptedExchange) => {
      const isFirst = call.request.headers['mcp-session-id'] === 's-1';
      answerResult(call, { tools: isFirst ? [tool('plain')] : [toolWithPage('plain')] });
    },
  };
}

/** A legacy server that says something else in every session. */
function sessionScripts() {
  const secret = new Map<string, string>();
  return {
    initialize: (call: ScriptedExchange) => {
      const id = randomUUID();
      secret.set(id, `of-${secret.size}`);
      const result = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'own', version: '1' } };
      answerResult(call, result, { 'mcp-session-id': id });
    },
    'tools/list': (call: ScriptedExchange) => {
      const own = secret.get(String(call.request.headers['mcp-session-id'])) ?? 'nobody';
      answerResult(call, { tools: [tool('shared'), tool(own)] });
    },
  };
}

function configuration(credentialVersion: string): SnapshotInit {
  const names = [...upstreams.keys()];
  const stdio = { case: 'stdio' as const, value: { command: 'node', args: [LOCAL] } };
  return {
    upstreams: [
      ...names.map((name) => ({
        name,
        transport: { case: 'http' as const, value: { url: upstreamNamed(name).url } },
        timeoutMs: 2_000,
        ...(name === 'keyed' && { needsCredential: true, credentialVersion }),
      })),
      { name: 'local', transport: stdio, timeoutMs: 5_000 },
    ],
    servers: [
      ...[...names, 'local'].map((name) => ({ slug: name, sources: [{ upstream: name, ...all }], access: everyone })),
      {
        slug: 'half-open',
        sources: [{ upstream: 'days', ...all }],
        access: [{ anonymous: true, tools: ['free'] }, { everyone: true }],
      },
      {
        slug: 'pages',
        sources: ['early', 'widget'].map((upstream) => ({ upstream, prefix: `${upstream}__`, ...all })),
        access: everyone,
      },
      {
        slug: 'slow-and-sound',
        sources: ['mute', 'plain'].map((upstream) => ({ upstream, prefix: `${upstream}__`, ...all })),
        access: everyone,
      },
    ],
  };
}

beforeAll(async () => {
  const start = async (name: string, options: object) => {
    upstreams.set(name, await startScriptedUpstream({ name, ...options }));
  };
  await start('plain', { tools: ['act'] });
  await start('own', { scripts: sessionScripts() });
  await start('days', {
    scripts: modern(() => ({ tools: [tool('free'), tool('paid')], ttlMs: 86_400_000, cacheScope: 'private' })),
  });
  await start('stale', { scripts: modern(() => ({ tools: [tool('free')], ttlMs: 0, cacheScope: 'private' })) });
  await start('keyed', {
    scripts: modern(({ request }) => ({
      tools: [tool(`for-${String(request.headers['x-who'])}`)],
      ttlMs: 60_000,
      cacheScope: 'private',
    })),
  });
  await start('held', {});
  await start('mute', { tools: ['act'], scripts: { 'tools/list': () => undefined } });
  await start('talking', { tools: ['act'] });
  await start('late', { tools: ['act'] });
  await start('early', { scripts: pageScripts() });
  await start('widget', {
    scripts: { 'tools/list': (call: ScriptedExchange) => answerResult(call, { tools: [toolWithPage('show')] }) },
  });
  const wordy = { ...tool('act'), description: 'x'.repeat(LIMIT_BYTES / 4) };
  await start('wordy', {
    scripts: { 'tools/list': (call: ScriptedExchange) => answerResult(call, { tools: [wordy], nextCursor: 'more' }) },
  });
  edge = await startTestEdge({ limits: { listTimeoutMs: LIST_TIMEOUT_MS, resultLimitBytes: LIMIT_BYTES } });
  vault = startFakeVault(edge.rpc, { headers: { 'X-Who': 'ana' } });
  await edge.publish(configuration('1'));
});

afterAll(async () => {
  await vault.stop();
  await edge[Symbol.asyncDispose]();
  await Promise.all([...upstreams.values()].map((upstream) => upstream[Symbol.asyncDispose]()));
});

const namesIn = ({ result }: RawMessage) => ((result?.tools ?? []) as { name: string }[]).map(({ name }) => name);

const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };

/** One legacy session. */
async function enter(slug: string) {
  const path = `/mcp/${slug}`;
  const session = await openSession(edge.url, path, edge.key);
  const ask = async (body: object): Promise<RawMessage> =>
    (await exchange(edge.url, { path, key: edge.key, session, body })).messages.at(-1) ?? {};
  return {
    session,
    tools: async () => namesIn(await ask(LIST)),
    list: async () => ((await ask(LIST)).result?.tools ?? []) as { name: string; _meta?: { ui?: { resourceUri?: string } } }[],
    call: (name: string) => ask(callOf(name)),
  };
}

const modernList = {
  headers: { 'mcp-protocol-version': REVISION, 'mcp-method': 'tools/list' },
  body: {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/list',
    params: { _meta: { 'io.modelcontextprotocol/protocolVersion': REVISION, 'io.modelcontextprotocol/clientCapabilities': {} } },
  },
};

/** `tools/list` of a modern client. */
async function modernTools(slug: string, who: { key?: string } = { key: edge.key }): Promise<string[]> {
  return namesIn((await exchange(edge.url, { path: `/mcp/${slug}`, ...who, ...modernList })).messages[0] ?? {});
}

describe('a list that has been fetched', () => {
  it('LI-20 is shown again without asking the upstream', async () => {
    const client = await enter('plain');
    const before = listsOf('plain');
    for (let again = 0; again < 3; again += 1) expect(await client.tools()).toEqual(['act']);
    expect(listsOf('plain') - before).toBe(1);
  });

  it.each([
    ['LI-21 as long as its upstream says, over all clients', 'days', 1],
    ['LI-22 never where its upstream says so', 'stale', 3],
  ])('%s', async (_id, slug, asked) => {
    const before = listsOf(slug);
    for (let again = 0; again < 3; again += 1) expect(await modernTools(slug)).toContain('free');
    expect(listsOf(slug) - before).toBe(asked);
  });

  it('LI-23 of one session with an upstream is never shown in another', async () => {
    const [ana, bea] = [await enter('own'), await enter('own')];
    const [first, second] = [await ana.tools(), await bea.tools()];
    expect(first).not.toEqual(second);
    for (let again = 0; again < 3; again += 1) expect([await ana.tools(), await bea.tools()]).toEqual([first, second]);
  });

  it('LI-24 takes no names from others: what is in one caller’s list alone can be called', async () => {
    const [ana, bea] = [await enter('own'), await enter('own')];
    const own = (await ana.tools()).at(-1) ?? '';
    await bea.tools();
    expect((await ana.call(own)).result).toMatchObject({ content: [{ text: `own: ${own}` }] });
  });

  it('LI-34 is put together anew when it is heard that a page has another owner (MCP Apps)', async () => {
    const first = await enter('pages');
    const pages = async (client: typeof first) => (await client.list()).map(({ name, _meta }) => [name, _meta?.ui?.resourceUri]);
    expect(await pages(first)).toEqual([
      ['early__plain', undefined],
      ['widget__show', PAGE],
    ]);
    const second = await enter('pages');
    const shown = [
      ['early__plain', PAGE],
      ['widget__show', undefined],
    ];
    expect(await pages(second)).toEqual(shown);
    expect((await pages(first)).at(-1)).toEqual(shown.at(-1));
  });

  it('LI-25 is filtered for each caller after it has come from memory', async () => {
    const before = listsOf('days');
    for (let again = 0; again < 2; again += 1) {
      expect(await modernTools('half-open')).toEqual(['free', 'paid']);
      expect(await modernTools('half-open', {})).toEqual(['free']);
    }
    expect(listsOf('days') - before).toBeLessThanOrEqual(1);
  });

  it('LI-26 with one credential is not shown to who comes with another', async () => {
    expect(await modernTools('keyed')).toEqual(['for-ana']);
    vault.lease = { headers: { 'X-Who': 'bea' } };
    await edge.publish(configuration('2'));
    expect(await modernTools('keyed')).toEqual(['for-bea']);
  });
});

describe('a list that is being fetched', () => {
  it('LI-27 is asked for once by all who need it, and goes on when the first has gone', async () => {
    const held = upstreamNamed('held');
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const [method, script] of Object.entries(modern(() => ({ tools: [tool('late')], ttlMs: 60_000, cacheScope: 'public' }))))
      held.on(method, method === 'tools/list' ? (call) => void promise.then(() => script(call)) : script);
    const leaving = new AbortController();
    const first = fetch(`${edge.url}/mcp/held`, {
      method: 'POST',
      signal: leaving.signal,
      headers: {
        ...modernList.headers,
        authorization: `Bearer ${edge.key}`,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
      },
      body: JSON.stringify(modernList.body),
    });
    const gone = expect(first).rejects.toThrow();
    await eventually(() => listsOf('held') === 1);
    const second = modernTools('held');
    leaving.abort();
    await gone;
    resolve();
    expect(await second).toEqual(['late']);
    expect(listsOf('held')).toBe(1);
  });

  it('LI-28 from an upstream that does not answer costs one client the wait, and not the next', async () => {
    const client = await enter('slow-and-sound');
    expect(await client.tools()).toEqual(['plain__act', 'gateway_status']);
    await expectWithin(LIST_TIMEOUT_MS / 2, async () => {
      const startedAt = performance.now();
      expect(await client.tools()).toEqual(['plain__act', 'gateway_status']);
      return performance.now() - startedAt;
    });
  });

  it('LI-33 is shown from memory to whom it is there for, although the upstream has just cost somebody else that much', async () => {
    const late = upstreamNamed('late');
    const ana = await enter('late');
    expect(await ana.tools()).toEqual(['act']);
    late.on('tools/list', () => undefined);
    const bea = await enter('late');
    expect(await bea.tools()).toEqual(['gateway_status']);
    expect([await ana.tools(), await bea.tools()]).toEqual([['act'], ['gateway_status']]);
  });
});

describe('a list that does not end', () => {
  it('LI-32 is given up when all its pages are larger than one result may be', async () => {
    const client = await enter('wordy');
    const before = listsOf('wordy');
    expect(await client.tools()).toEqual(['gateway_status']);
    expect(listsOf('wordy') - before).toBe(4);
    expect(await edge.event(({ type, server }) => type === 'capability.listed' && server === 'wordy')).toMatchObject({
      detail: { count: '0', unavailable: 'wordy:result_too_large' },
    });
  });
});

describe('a list that has changed', () => {
  it('LI-29 is fetched anew from then on, for the client that is told of it too', async () => {
    const talking = upstreamNamed('talking');
    const streams: ((message: object) => void)[] = [];
    talking.on('GET', ({ response }) => void streams.push(beginEvents(response)));
    const [client, other] = [await enter('talking'), await enter('talking')];
    const stream = await open(edge.url, { path: '/mcp/talking', method: 'GET', key: edge.key, session: client.session });
    const say = await eventually(() => streams[0] ?? false);
    expect([await client.tools(), await other.tools()]).toEqual([['act'], ['act']]);
    talking.on('tools/list', (call) => answerResult(call, { tools: [tool('act'), tool('more')] }));
    expect(await client.tools()).toEqual(['act']);
    say({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    await eventually(() => stream.text().includes('list_changed'));
    expect([await client.tools(), await other.tools()]).toEqual([
      ['act', 'more'],
      ['act', 'more'],
    ]);
    stream.leave();
  });

  it('LI-30 by a local server is fetched anew although no client listens', async () => {
    const client = await enter('local');
    expect(await client.tools()).not.toContain('added');
    await client.call('change');
    await eventually(async () => (await client.tools()).includes('added'));
  });

  it('LI-31 is fetched anew by every edge, whichever of them was told', async () => {
    await using other = await startTestEdge({ limits: { listTimeoutMs: LIST_TIMEOUT_MS }, beside: edge });
    await other.publish(configuration('2'));
    const talking = upstreamNamed('talking');
    const streams: ((message: object) => void)[] = [];
    talking.on('GET', ({ response }) => void streams.push(beginEvents(response)));
    talking.on('tools/list', (call) => answerResult(call, { tools: [tool('act')] }));
    const client = await enter('talking');
    const elsewhere = async () => {
      const request = {
        path: '/mcp/talking',
        key: edge.key,
        session: client.session,
        body: { jsonrpc: '2.0', id: 1, method: 'tools/list' },
      };
      return namesIn((await exchange(other.url, request)).messages[0] ?? {});
    };
    const stream = await open(edge.url, { path: '/mcp/talking', method: 'GET', key: edge.key, session: client.session });
    const say = await eventually(() => streams[0] ?? false);
    expect([await client.tools(), await elsewhere()]).toEqual([['act'], ['act']]);
    talking.on('tools/list', (call) => answerResult(call, { tools: [tool('act'), tool('more')] }));
    expect(await elsewhere()).toEqual(['act']);
    say({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    await eventually(async () => (await elsewhere()).includes('more'));
    stream.leave();
    await edge.publish(configuration('2'));
  });
});
