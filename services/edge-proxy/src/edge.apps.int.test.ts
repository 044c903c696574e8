import { answerResult, type ScriptedExchange, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { exchange, INITIALIZE, type RawAnswer } from './raw-client.fixture.js';

const UI = 'io.modelcontextprotocol/ui';
const UNKNOWN = 'com.example/unknown';
const DECLARED = { extensions: { [UI]: { mimeTypes: ['text/html;profile=mcp-app'] }, [UNKNOWN]: { deep: [1.5, { x: null }] } } };
const CSP = { csp: { connectDomains: ['https://api.example'], resourceDomains: [] }, prefersBorder: true };
const OWN = { [UNKNOWN]: { kept: 1.5 } };

interface Params {
  readonly uri?: string;
  readonly name?: string;
  readonly capabilities?: object;
  readonly _meta?: Readonly<Record<string, unknown>>;
}

const paramsOf = ({ message }: ScriptedExchange): Params => message.params ?? {};

/** A server whose tools have pages that it does not list. */
async function startApps(name: string, era: 'legacy' | 'modern'): Promise<ScriptedUpstream> {
  const modern = era === 'modern' ? { resultType: 'complete', ttlMs: 0, cacheScope: 'private' } : {};
  const capabilities = { tools: {}, resources: {}, extensions: { [UI]: {}, [`${UNKNOWN}-${name}`]: { of: name } }, tasks: {} };
  const tool = (own: string, _meta: object) => ({ name: own, inputSchema: { type: 'object' }, _meta });
  const notFound = (exchange: ScriptedExchange) => {
    exchange.response.writeHead(era === 'modern' ? 404 : 400, { 'content-type': 'application/json' });
    const error = { code: -32601, message: 'There is no such method.' };
    exchange.response.end(JSON.stringify({ jsonrpc: '2.0', id: exchange.message.id, error }));
  };
  return startScriptedUpstream({
    name,
    scripts: {
      initialize: (all) =>
        era === 'modern'
          ? notFound(all)
          : answerResult(
              all,
              { protocolVersion: '2025-11-25', capabilities, serverInfo: { name, version: '1' } },
              { 'mcp-session-id': `session-${name}-${Math.random()}` },
            ),
      'server/discover': (all) =>
        era === 'modern' ? answerResult(all, { ...modern, supportedVersions: ['2026-07-28'], capabilities }) : notFound(all),
      'tools/list': (all) =>
        answerResult(all, {
          ...modern,
          tools: [
            tool('show', { ui: { resourceUri: `ui://${name}/page.html`, ...CSP, visibility: ['model', 'app'] }, ...OWN }),
            tool('flat', { 'ui/resourceUri': `ui://${name}/flat.html`, ...OWN }),
            tool('shared', { ui: { resourceUri: 'ui://shared/page.html' }, 'ui/resourceUri': 'ui://shared/page.html', ...OWN }),
            tool('none', OWN),
          ],
        }),
      'resources/list': (all) => answerResult(all, { ...modern, resources: [{ uri: `file:///${name}`, name }] }),
      'resources/templates/list': (all) => answerResult(all, { ...modern, resourceTemplates: [] }),
      'resources/read': (all) =>
        answerResult(all, {
          ...modern,
          contents: [{ uri: paramsOf(all).uri, mimeType: 'text/html;profile=mcp-app', text: name, _meta: { ui: CSP, ...OWN } }],
        }),
      'tools/call': (all) =>
        answerResult(all, { ...modern, content: [{ type: 'text', text: name }], _meta: { ...OWN, ui: { own: true } }, x: 1.5 }),
    },
  });
}

type Era = 'legacy' | 'modern';
const UPSTREAMS = ['a', 'b'] as const;
let upstreams: Record<Era, ScriptedUpstream[]>;
let edge: TestEdge;

beforeAll(async () => {
  const both = async (era: Era) => Promise.all(UPSTREAMS.map((name) => startApps(`${era}-${name}`, era)));
  upstreams = { legacy: await both('legacy'), modern: await both('modern') };
  edge = await startTestEdge();
  const eras: Era[] = ['legacy', 'modern'];
  await edge.publish({
    upstreams: eras.flatMap((era) =>
      upstreams[era].map(({ url }, index) => ({
        name: `${era}-${UPSTREAMS[index]}`,
        transport: { case: 'http' as const, value: { url } },
        timeoutMs: 10_000,
      })),
    ),
    servers: eras.map((era) => ({
      slug: era,
      sources: UPSTREAMS.map((name) => ({ upstream: `${era}-${name}`, tools: ['*'], resources: ['*'], prefix: `${name}_` })),
      access: [{ everyone: true }],
    })),
  });
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await Promise.all(Object.values(upstreams).flatMap((all) => all.map((one) => one[Symbol.asyncDispose]())));
});

type Send = (method: string, params?: Readonly<Record<string, unknown>>) => Promise<RawAnswer>;
const resultOf = ({ messages, text }: RawAnswer) => {
  const result = messages.at(-1)?.result;
  if (result === undefined) throw new Error(`no result: ${text}`);
  return result;
};

/** A client of one era, on the server of the other or the same. */
async function clientOf(era: Era, server: Era, capabilities: object = DECLARED): Promise<{ send: Send; offered: object }> {
  const path = `/mcp/${server}`;
  if (era === 'legacy') {
    const body = { ...INITIALIZE, params: { ...INITIALIZE.params, capabilities } };
    const opened = await exchange(edge.url, { path, key: edge.key, body });
    const session = String(opened.headers['mcp-session-id']);
    const send: Send = (method, params = {}) =>
      exchange(edge.url, { path, key: edge.key, session, body: { jsonrpc: '2.0', id: 1, method, params } });
    return { send, offered: resultOf(opened).capabilities as object };
  }
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': capabilities,
  };
  const send: Send = (method, params = {}) => {
    const name = (params.name ?? params.uri) as string | undefined;
    const headers = {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(name !== undefined && { 'mcp-name': name }),
    };
    const body = { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: { ...(params._meta as object), ..._meta } } };
    return exchange(edge.url, { path, key: edge.key, headers, body });
  };
  return { send, offered: resultOf(await send('server/discover')).capabilities as object };
}

/** How much each upstream has received so far. */
const marks = (era: Era) => upstreams[era].map(({ received }) => received.length);

/** What upstreams were told of their client since then. */
const toldTo = (era: Era, since: readonly number[]) =>
  upstreams[era].flatMap(({ received }, index) =>
    received
      .slice(since[index])
      .filter(({ body }) => body !== '')
      .map(({ body }) => JSON.parse(body) as { method?: string; params?: Params })
      .filter(({ method }) => method === (era === 'legacy' ? 'initialize' : 'tools/call'))
      .map(({ params }) =>
        era === 'legacy' ? params?.capabilities : params?._meta?.['io.modelcontextprotocol/clientCapabilities'],
      ),
  );

const HOPS: readonly (readonly [client: Era, server: Era])[] = [
  ['legacy', 'legacy'],
  ['modern', 'modern'],
  ['legacy', 'modern'],
  ['modern', 'legacy'],
];
const sameEra = HOPS.filter(([client, server]) => client === server);
const crossEra = HOPS.filter(([client, server]) => client !== server);

describe('extensions that the gateway does not know', () => {
  it.each(sameEra)('XT-1 pass unharmed between peers of one era: %s client, %s upstreams', async (client, server) => {
    const before = marks(server);
    const { send, offered } = await clientOf(client, server);
    const offers = { [`${UNKNOWN}-${server}-a`]: { of: `${server}-a` }, [`${UNKNOWN}-${server}-b`]: { of: `${server}-b` } };
    expect(offered).toMatchObject({ extensions: { [UI]: {}, ...offers } });
    const meta = { 'com.example/asked': { n: 1.5 } };
    const answer = await send('tools/call', { name: 'a_none', arguments: {}, _meta: meta });
    expect(resultOf(answer)).toMatchObject({ _meta: { ...OWN, ui: { own: true } }, x: 1.5 });
    const told = toldTo(server, before);
    expect(told.length).toBeGreaterThan(0);
    for (const capabilities of told) expect(capabilities).toEqual(DECLARED);
    const [called] = upstreams[server].map(({ received }) => received.at(-1)?.body ?? '');
    expect((JSON.parse(called ?? '') as { params: Params }).params._meta).toMatchObject(meta);
  });

  it.each(crossEra)('XT-2 are withheld between eras: %s client, %s upstreams', async (client, server) => {
    const before = marks(server);
    const { send, offered } = await clientOf(client, server, { ...DECLARED, experimental: { x: {} } });
    expect(offered).not.toHaveProperty('extensions');
    expect(offered).not.toHaveProperty('tasks');
    expect(resultOf(await send('tools/call', { name: 'a_none', arguments: {} }))).toMatchObject({ x: 1.5 });
    const told = toldTo(server, before);
    expect(told.length).toBeGreaterThan(0);
    for (const capabilities of told) {
      expect(capabilities).not.toHaveProperty('extensions');
      expect(capabilities).not.toHaveProperty('experimental');
    }
  });

  it('XT-3 what is too much to be kept with a session is not', async () => {
    const before = marks('legacy');
    await clientOf('legacy', 'legacy', { elicitation: {}, extensions: { big: { text: 'x'.repeat(20_000) } } });
    const told = toldTo('legacy', before);
    expect(told.length).toBeGreaterThan(0);
    for (const capabilities of told) expect(capabilities).toEqual({ elicitation: {} });
  });
});

describe.each(HOPS)('pages of tools (MCP Apps): %s client, %s upstreams', (client, server) => {
  async function toolsOf(send: Send): Promise<Map<string, Record<string, unknown>>> {
    const { tools } = resultOf(await send('tools/list')) as { tools: { name: string; _meta: Record<string, unknown> }[] };
    return new Map(tools.map(({ name, _meta }) => [name, _meta]));
  }

  it('AP-1 are read by the URI that the tool names, from the tool’s own upstream, listed or not', async () => {
    const { send } = await clientOf(client, server);
    const tools = await toolsOf(send);
    for (const upstream of UPSTREAMS) {
      const name = `${server}-${upstream}`;
      const { ui, ...own } = tools.get(`${upstream}_show`) ?? {};
      expect([ui, own]).toEqual([{ resourceUri: `ui://${name}/page.html`, ...CSP, visibility: ['model', 'app'] }, OWN]);
      expect(tools.get(`${upstream}_flat`)).toEqual({ 'ui/resourceUri': `ui://${name}/flat.html`, ...OWN });
      for (const uri of [`ui://${name}/page.html`, `ui://${name}/flat.html`]) {
        const { contents } = resultOf(await send('resources/read', { uri }));
        expect(contents).toEqual([{ uri, mimeType: 'text/html;profile=mcp-app', text: name, _meta: { ui: CSP, ...OWN } }]);
      }
    }
  });

  it('AP-2 of the same URI are never those of another upstream: the second tool goes without', async () => {
    const { send } = await clientOf(client, server);
    const tools = await toolsOf(send);
    expect(tools.get('a_shared')).toMatchObject({ ui: { resourceUri: 'ui://shared/page.html' } });
    expect(tools.get('b_shared')).toEqual(OWN);
    const { contents } = resultOf(await send('resources/read', { uri: 'ui://shared/page.html' }));
    expect(contents).toMatchObject([{ text: `${server}-a` }]);
  });

  it('AP-3 that no tool has are not there', async () => {
    const { send } = await clientOf(client, server);
    const { messages } = await send('resources/read', { uri: 'ui://nobody/page.html' });
    expect(messages.at(-1)?.error).toMatchObject({ code: -32602, data: { reason: 'capability_unknown' } });
  });
});

it('AP-4 an edge that has heard of no tool yet asks for them first', async () => {
  await using cold = await startTestEdge({ beside: edge });
  const shadow = await startScriptedUpstream({
    name: 'shadow',
    scripts: {
      initialize: (all) =>
        answerResult(
          all,
          {
            protocolVersion: '2025-11-25',
            capabilities: { tools: {}, resources: {} },
            serverInfo: { name: 'shadow', version: '1' },
          },
          { 'mcp-session-id': 'session-shadow' },
        ),
      'resources/list': (all) => answerResult(all, { resources: [{ uri: 'ui://legacy-b/page.html', name: 'not its own' }] }),
      'resources/templates/list': (all) => answerResult(all, { resourceTemplates: [] }),
      'resources/read': (all) => answerResult(all, { contents: [{ uri: 'x', text: 'shadow' }] }),
    },
  });
  await using _shadow = shadow;
  await cold.publish({
    upstreams: [
      { name: 'shadow', transport: { case: 'http', value: { url: shadow.url } }, timeoutMs: 10_000 },
      { name: 'legacy-b', transport: { case: 'http', value: { url: upstreams.legacy[1]!.url } }, timeoutMs: 10_000 },
    ],
    servers: [
      {
        slug: 'mixed',
        sources: ['shadow', 'legacy-b'].map((upstream) => ({ upstream, tools: ['*'], resources: ['*'], prefix: `${upstream}_` })),
        access: [{ everyone: true }],
      },
    ],
  });
  const opened = await exchange(cold.url, { path: '/mcp/mixed', key: cold.key, body: INITIALIZE });
  const session = String(opened.headers['mcp-session-id']);
  const read = async () => {
    const body = { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'ui://legacy-b/page.html' } };
    return resultOf(await exchange(cold.url, { path: '/mcp/mixed', key: cold.key, session, body })).contents;
  };
  expect(await read()).toMatchObject([{ text: 'legacy-b' }]);
  expect(await read()).toMatchObject([{ text: 'legacy-b' }]);
});
