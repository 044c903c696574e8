import { encodeCursor, decodeCursor } from '@switchyard/mcp';
import { answerResult, type ScriptedExchange, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { startTestEdge, type SnapshotInit, type TestEdge } from './edge.fixture.js';
import { exchange, openSession, type RawMessage } from './raw-client.fixture.js';

const REVISION = '2026-07-28';
const all = { tools: ['*'], prompts: ['*'], resources: ['*'] };
const everyone = [{ everyone: true }];
const anonymous = [{ anonymous: true }];
const limits = { listPageItems: 3, listTimeoutMs: 20_000 };

const upstreams = new Map<string, ScriptedUpstream>();
let edge: TestEdge;

const tool = (name: string) => ({ name, inputSchema: { type: 'object' } });

/** A modern server. @param kept what it says of how long its tools, and the one resource that it has, may be kept */
function modern(names: readonly string[], kept: object) {
  const page = { tools: names.map(tool), ...kept, resultType: 'complete' };
  const read = { contents: [{ uri: 'x://y', text: 'y' }], ...kept, resultType: 'complete' };
  return {
    'server/discover': (call: ScriptedExchange) =>
      answerResult(call, {
        ...kept,
        supportedVersions: [REVISION],
        capabilities: { tools: {}, resources: {} },
        resultType: 'complete',
      }),
    'tools/list': (call: ScriptedExchange) => answerResult(call, page),
    'resources/list': (call: ScriptedExchange) =>
      answerResult(call, { resources: [{ uri: 'x://y', name: 'y' }], ...kept, resultType: 'complete' }),
    'resources/read': (call: ScriptedExchange) => answerResult(call, read),
  };
}

function configuration(): SnapshotInit {
  const server = (slug: string, names: readonly string[], access: object[]) => ({
    slug,
    sources: names.map((upstream) => ({ upstream, prefix: `${upstream}__`, ...all })),
    access,
  });
  return {
    upstreams: [...upstreams].map(([name, { url }]) => ({
      name,
      transport: { case: 'http' as const, value: { url } },
      timeoutMs: 20_000,
    })),
    servers: [
      server('many', ['one', 'two', 'three'], everyone),
      server('twin', ['one', 'two', 'three'], everyone),
      server('away', ['one', 'gone', 'two', 'three'], everyone),
      server('exact', ['three'], everyone),
      server('open', ['hour', 'minute'], anonymous),
      server('closed', ['hour', 'minute'], everyone),
      server('mixed', ['hour'], [...anonymous, ...everyone]),
      server('conditional', ['hour'], [...anonymous, { everyone: true, when: 'true' }]),
      server('private', ['hour', 'mine'], anonymous),
      server('never', ['hour', 'never'], anonymous),
      server('silent', ['hour', 'silent'], anonymous),
      server('old', ['hour', 'one'], anonymous),
      server('partly', ['hour', 'gone'], anonymous),
      server('empty', ['hour'], []),
    ],
  };
}

beforeAll(async () => {
  const start = async (name: string, options: object) => {
    upstreams.set(name, await startScriptedUpstream({ name, ...options }));
  };
  await start('one', { tools: ['a', 'b'] });
  await start('two', { tools: ['c'] });
  await start('three', { tools: ['d', 'e', 'f', 'g'] });
  await start('gone', {});
  await upstreams.get('gone')?.stop();
  await start('hour', { scripts: modern(['h'], { ttlMs: 3_600_000, cacheScope: 'public' }) });
  await start('minute', { scripts: modern(['m'], { ttlMs: 60_000, cacheScope: 'public' }) });
  await start('mine', { scripts: modern(['p'], { ttlMs: 60_000, cacheScope: 'private' }) });
  await start('never', { scripts: modern(['n'], { ttlMs: 0, cacheScope: 'public' }) });
  await start('silent', { scripts: modern(['s'], {}) });
  edge = await startTestEdge({ limits });
  await edge.publish(configuration());
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await Promise.all([...upstreams.values()].map((upstream) => upstream[Symbol.asyncDispose]()));
});

interface Listing {
  readonly slug: string;
  readonly cursor?: unknown;
  readonly method?: string;
  readonly at?: TestEdge;
  readonly params?: { readonly name?: string; readonly uri?: string };
  readonly key?: string | undefined;
}

/** A request of a modern client's. */
async function ask({ slug, cursor, method = 'tools/list', params = {}, at = edge, ...who }: Listing): Promise<RawMessage> {
  const key = 'key' in who ? who.key : at.key;
  const name = params.uri ?? params.name;
  const _meta = { 'io.modelcontextprotocol/protocolVersion': REVISION, 'io.modelcontextprotocol/clientCapabilities': {} };
  const { messages } = await exchange(at.url, {
    path: `/mcp/${slug}`,
    ...(key !== undefined && { key }),
    headers: {
      'mcp-protocol-version': REVISION,
      'mcp-method': method,
      ...(name !== undefined && { 'mcp-name': name }),
    },
    body: { jsonrpc: '2.0', id: 1, method, params: { _meta, ...params, ...(cursor !== undefined && { cursor }) } },
  });
  return messages[0] ?? {};
}

const namesIn = ({ result }: RawMessage) => ((result?.tools ?? []) as { name: string }[]).map(({ name }) => name);
const nextOf = ({ result }: RawMessage) => result?.nextCursor as string | undefined;

/** Every page, from the first to the last. */
async function pages(slug: string): Promise<string[][]> {
  const found: string[][] = [];
  let cursor: string | undefined;
  do {
    const page = await ask({ slug, cursor });
    found.push(namesIn(page));
    cursor = nextOf(page);
  } while (cursor !== undefined);
  return found;
}

describe('a list that is larger than a page (MCP 2026-07-28, "Pagination")', () => {
  it('PG-1 comes in pages, over all upstreams, each item once', async () => {
    expect(await pages('many')).toEqual([['one__a', 'one__b', 'two__c'], ['three__d', 'three__e', 'three__f'], ['three__g']]);
  });

  it('PG-2 comes in pages to a legacy client too', async () => {
    const path = '/mcp/many';
    const session = await openSession(edge.url, path, edge.key);
    const page = async (params: object) =>
      (await exchange(edge.url, { path, key: edge.key, session, body: { jsonrpc: '2.0', id: 1, method: 'tools/list', params } }))
        .messages[0] ?? {};
    const first = await page({});
    expect(first.result).not.toHaveProperty('ttlMs');
    expect(namesIn(await page({ cursor: nextOf(first) }))).toEqual(['three__d', 'three__e', 'three__f']);
  });

  it('PG-3 has no cursor where it fits, and none after the last item', async () => {
    expect(nextOf(await ask({ slug: 'open', key: undefined }))).toBeUndefined();
    const first = await ask({ slug: 'exact' });
    const last = await ask({ slug: 'exact', cursor: nextOf(first) });
    expect([namesIn(last), nextOf(last)]).toEqual([['three__g'], undefined]);
  });

  it('PG-4 says what is missing from it on its first page, and on no other', async () => {
    const first = await ask({ slug: 'away' });
    expect(namesIn(first)).toEqual(['one__a', 'one__b', 'two__c', 'gateway_status']);
    expect(namesIn(await ask({ slug: 'away', cursor: nextOf(first) }))).toEqual(['three__d', 'three__e', 'three__f']);
  });

  it('PG-5 has cursors that every edge reads', async () => {
    await using other = await startTestEdge({ limits, beside: edge });
    await other.publish(configuration());
    const cursor = nextOf(await ask({ slug: 'many' }));
    expect(namesIn(await ask({ slug: 'many', cursor, at: other, key: edge.key }))).toEqual(['three__d', 'three__e', 'three__f']);
    await edge.publish(configuration());
  });

  const changed = (change: (state: { from: number; of: string }) => unknown) => async () => {
    const state = decodeCursor(nextOf(await ask({ slug: 'many' })) ?? '') as { from: number; of: string };
    return { slug: 'many', cursor: encodeCursor(change(state) as object) };
  };

  it.each<[string, () => Promise<Listing>]>([
    ['PG-6 of another server', async () => ({ slug: 'twin', cursor: nextOf(await ask({ slug: 'many' })) })],
    [
      'PG-7 of another caller',
      async () => ({
        slug: 'many',
        cursor: nextOf(await ask({ slug: 'many' })),
        key: await edge.mint({ name: 'bea', servers: ['*'] }),
      }),
    ],
    ['PG-8 of another list', async () => ({ slug: 'many', method: 'prompts/list', cursor: nextOf(await ask({ slug: 'many' })) })],
    ['PG-9 that begins at the first item', changed(({ of }) => ({ from: 0, of }))],
    ['PG-10 that begins before it', changed(({ of }) => ({ from: -3, of }))],
    ['PG-11 that begins after the last', changed(({ of }) => ({ from: 7, of }))],
    ['PG-12 that begins nowhere', changed(({ of }) => ({ from: 1.5, of }))],
    ['PG-13 that says more than ours', changed((state) => ({ ...state, more: 1 }))],
    ['PG-14 of nothing', () => Promise.resolve({ slug: 'many', cursor: '' })],
    ['PG-15 of an upstream’s own form', () => Promise.resolve({ slug: 'many', cursor: 'page-2' })],
  ])('%s: a cursor is refused', async (_id, listing) => {
    expect((await ask(await listing())).error).toMatchObject({ code: -32602, data: { reason: 'cursor_invalid' } });
  });

  it('PG-16 has changed: its cursors are refused, and listing again serves', async () => {
    const cursor = nextOf(await ask({ slug: 'exact' }));
    upstreams.get('three')?.on('tools/list', (call) => answerResult(call, { tools: ['d', 'x', 'e', 'f', 'g'].map(tool) }));
    await ask({ slug: 'exact', method: 'tools/call', params: { name: 'gateway_status' } });
    expect((await ask({ slug: 'exact', cursor })).error).toMatchObject({ code: -32602 });
    expect(await pages('exact')).toEqual([
      ['three__d', 'three__x', 'three__e'],
      ['three__f', 'three__g'],
    ]);
  });
});

describe('what a modern client is told of keeping a list (MCP 2026-07-28, "Caching")', () => {
  it.each<[string, string, number, string]>([
    [
      'HI-1 as long as the first of its upstreams allows, everybody where all that is shown is shown to all',
      'open',
      60_000,
      'public',
    ],
    ['HI-2 for one caller where the server lets nobody in unsigned', 'closed', 60_000, 'private'],
    ['HI-3 for one caller where some see more than others', 'mixed', 3_600_000, 'private'],
    ['HI-4 a rule that grants nothing yet makes no difference', 'conditional', 3_600_000, 'public'],
    ['HI-5 for one caller where one upstream says so', 'private', 60_000, 'private'],
    ['HI-6 not at all where one upstream says so', 'never', 0, 'public'],
    ['HI-7 not at all where one upstream does not say', 'silent', 0, 'private'],
    ['HI-8 as long as the gateway keeps a legacy upstream’s', 'old', 30_000, 'private'],
    ['HI-9 not at all where something is missing', 'partly', 0, 'private'],
    ['HI-10 not at all where nothing is open to the caller', 'empty', 0, 'private'],
  ])('%s', async (_id, slug, ttlMs, cacheScope) => {
    const { result } = await ask({ slug });
    const told = result?.ttlMs as number;
    expect([Number.isInteger(told) && told <= ttlMs && told >= Math.max(0, ttlMs - 20_000), result?.cacheScope]).toEqual([
      true,
      cacheScope,
    ]);
  });

  it('HI-11 never longer than what is left of it', async () => {
    const first = (await ask({ slug: 'open' })).result?.ttlMs as number;
    const later = (await ask({ slug: 'open' })).result?.ttlMs as number;
    expect(later).toBeLessThanOrEqual(first);
  });

  it.each([
    ['HI-12 a resource of a server that is open to all, as its upstream says', 'open', undefined, 'public'],
    ['HI-13 a resource of any other server is for one caller', 'closed', 'key', 'private'],
  ])('%s', async (_id, slug, key, cacheScope) => {
    const { result } = await ask({
      slug,
      method: 'resources/read',
      params: { uri: 'x://y' },
      key: key === undefined ? undefined : edge.key,
    });
    expect([result?.contents, result?.cacheScope]).toEqual([[{ uri: 'x://y', text: 'y' }], cacheScope]);
  });
});
