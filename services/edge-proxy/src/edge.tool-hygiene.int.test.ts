import { answerResult, type ScriptedExchange, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { callOf, exchange, INITIALIZE, type RawMessage } from './raw-client.fixture.js';
import { connectLegacy, connectModern } from './sdk-client.fixture.js';

// One tool that clients cannot use costs them the whole list, so it is left out; what they can use in another form has that form.

const REVISION = '2026-07-28';
const object = { type: 'object' };
const LIST = { type: 'array', items: { type: 'string' } };
const TOOLS = [
  { name: 'sound', inputSchema: object },
  { name: 'no-schema' },
  { name: 'true-schema', inputSchema: true },
  { name: 'text-schema', inputSchema: { type: 'string' } },
  { name: 'numbered-dialect', inputSchema: { ...object, $schema: 7 } },
  { name: 7, inputSchema: object },
  { name: 'any-property', inputSchema: { ...object, properties: { any: true } } },
  { name: 'lists', inputSchema: object, outputSchema: LIST },
  { name: 'odd-icons', inputSchema: object, icons: 'none', execution: { taskSupport: 'sometimes' } },
  { name: 'dialect', inputSchema: { ...object, $schema: 'http://json-schema.org/draft-07/schema#', $defs: { a: true } } },
  { name: 'mirrors-an-object', inputSchema: { ...object, properties: { a: { type: 'object', 'x-mcp-header': 'A' } } } },
  { name: 'secret-schema' },
];
const USABLE = ['sound', 'any-property', 'lists', 'odd-icons', 'dialect'];
const kept = { resultType: 'complete', ttlMs: 60_000, cacheScope: 'private' };

let old: ScriptedUpstream;
let nova: ScriptedUpstream;
let edge: TestEdge;

const callResult = { content: [{ type: 'text', text: '["a"]' }], structuredContent: ['a'] };

beforeAll(async () => {
  old = await startScriptedUpstream({
    name: 'old',
    scripts: {
      'tools/list': (call) => answerResult(call, { tools: TOOLS }),
      'tools/call': (call) => answerResult(call, callResult),
    },
  });
  const notThere = ({ message, response }: ScriptedExchange) => {
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error: { code: -32601, message: 'no' } }));
  };
  nova = await startScriptedUpstream({
    name: 'nova',
    scripts: {
      initialize: notThere,
      'server/discover': (call) => answerResult(call, { ...kept, supportedVersions: [REVISION], capabilities: { tools: {} } }),
      'tools/list': (call) => answerResult(call, { ...kept, tools: TOOLS }),
      'tools/call': (call) => answerResult(call, { ...callResult, resultType: 'complete' }),
    },
  });
  edge = await startTestEdge();
  const http = (name: string, url: string) => ({ name, transport: { case: 'http' as const, value: { url } }, timeoutMs: 20_000 });
  await edge.publish({
    upstreams: [http('old', old.url), http('nova', nova.url)],
    servers: ['old', 'nova'].map((slug) => ({
      slug,
      sources: [{ upstream: slug, tools: ['*'], deny: ['secret-*'] }],
      access: [{ everyone: true }],
    })),
  });
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await Promise.all([old, nova].map((upstream) => upstream[Symbol.asyncDispose]()));
});

/** One request in a session of a revision. */
async function inSession(slug: string, protocolVersion: string, body: object): Promise<RawMessage> {
  const path = `/mcp/${slug}`;
  const params = { ...INITIALIZE.params, protocolVersion };
  const { headers } = await exchange(edge.url, { path, key: edge.key, body: { ...INITIALIZE, params } });
  const session = String(headers['mcp-session-id']);
  return (await exchange(edge.url, { path, key: edge.key, session, body })).messages[0] ?? {};
}

async function modernRequest(slug: string, method: string, params: object = {}, name?: string): Promise<RawMessage> {
  const _meta = { 'io.modelcontextprotocol/protocolVersion': REVISION, 'io.modelcontextprotocol/clientCapabilities': {} };
  const answer = await exchange(edge.url, {
    path: `/mcp/${slug}`,
    key: edge.key,
    headers: { 'mcp-protocol-version': REVISION, 'mcp-method': method, ...(name !== undefined && { 'mcp-name': name }) },
    body: { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } },
  });
  return answer.messages[0] ?? {};
}

type Tool = Readonly<Record<string, unknown>> & { readonly name: string };
const toolsIn = ({ result }: RawMessage) => (result?.tools ?? []) as Tool[];
const LIST_BODY = { jsonrpc: '2.0', id: 1, method: 'tools/list' };

const LEGACY_REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];

describe('tools that clients cannot use', () => {
  it.each(
    LEGACY_REVISIONS.flatMap((revision) => [
      // A word that no legacy client knows is no fault of a legacy server's tool.
      [`TH-1 ${revision}, legacy upstream`, 'old', revision, [...USABLE, 'mirrors-an-object']] as const,
      [`TH-2 ${revision}, modern upstream`, 'nova', revision, USABLE] as const,
    ]),
  )('%s: are left out one by one', async (_id, slug, revision, names) => {
    const tools = toolsIn(await inSession(slug, revision, LIST_BODY));
    expect(tools.map(({ name }) => name)).toEqual(names);
    expect(tools.find(({ name }) => name === 'any-property')?.inputSchema).toEqual({ ...object, properties: { any: {} } });
    expect(tools.find(({ name }) => name === 'lists')?.outputSchema).toEqual({
      ...object,
      properties: { result: LIST },
      required: ['result'],
    });
    expect(tools.find(({ name }) => name === 'odd-icons')).toEqual({ name: 'odd-icons', inputSchema: object });
  });

  it.each([
    ['TH-3 legacy upstream', 'old'],
    ['TH-4 modern upstream', 'nova'],
  ])('%s: are left out for modern clients, who are shown the others as they are', async (_id, slug) => {
    const tools = toolsIn(await modernRequest(slug, 'tools/list'));
    expect(tools.map(({ name }) => name)).toEqual(USABLE);
    for (const name of ['any-property', 'lists', 'dialect'])
      expect(tools.find((tool) => tool.name === name)).toEqual(TOOLS.find((tool) => tool.name === name));
    expect(tools.find(({ name }) => name === 'odd-icons')).toEqual({ name: 'odd-icons', inputSchema: object });
  });

  it.each([
    ['TH-5 legacy upstream', 'old'],
    ['TH-6 modern upstream', 'nova'],
  ])('%s: cost the official clients nothing', async (_id, slug) => {
    await using legacy = await connectLegacy(edge, `/mcp/${slug}`);
    await using modern = await connectModern(edge, `/mcp/${slug}`);
    for (const { client } of [legacy, modern])
      expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(expect.arrayContaining(USABLE));
  });

  it('TH-7 are named by gateway_status, those alone that the caller might use; in the log; and in the event', async () => {
    const { result } = await inSession('old', '2025-11-25', callOf('gateway_status'));
    expect(result?.content).toEqual([
      {
        type: 'text',
        text: 'old: ready, but no client could use no-schema (input_schema), true-schema (input_schema), text-schema (input_schema), numbered-dialect (input_schema)',
      },
    ]);
    expect(edge.logged()).toMatch(/"upstream":"old","capability":"no-schema","reason":"input_schema"/);
    await modernRequest('old', 'tools/list');
    expect(
      await edge.event(({ type, server, era }) => type === 'capability.listed' && server === 'old' && era === 'modern'),
    ).toMatchObject({
      detail: {
        count: '5',
        left_out: 'old:no-schema,old:true-schema,old:text-schema,old:numbered-dialect,old:mirrors-an-object,old:secret-schema',
      },
    });
  });
});

describe('results of tools whose output is no object', () => {
  it.each([
    ['TH-8 legacy upstream', 'old'],
    ['TH-9 modern upstream', 'nova'],
  ])('%s: have the form that the schema of the client’s revision promises', async (_id, slug) => {
    await using connection = await connectLegacy(edge, `/mcp/${slug}`);
    await connection.client.listTools();
    expect(await connection.client.callTool({ name: 'lists', arguments: {} })).toMatchObject({
      structuredContent: { result: ['a'] },
    });
  });

  it.each([
    ['TH-10 legacy upstream', 'old'],
    ['TH-11 modern upstream', 'nova'],
  ])('%s: are as they are for modern clients', async (_id, slug) => {
    const { result } = await modernRequest(slug, 'tools/call', { name: 'lists', arguments: {} }, 'lists');
    expect(result?.structuredContent).toEqual(['a']);
  });
});
