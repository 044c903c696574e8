import { answerResult, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { exchange, openSession, type RawMessage } from './raw-client.fixture.js';

const PATH = '/mcp/new';
const mirroring = (...headers: unknown[]) => ({
  type: 'object',
  properties: Object.fromEntries(headers.map((header, at) => [`p${at}`, { type: 'string', 'x-mcp-header': header }])),
});

let upstream: ScriptedUpstream;
let edge: TestEdge;

beforeAll(async () => {
  const modern = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
  upstream = await startScriptedUpstream({
    name: 'nova',
    scripts: {
      'server/discover': (call) =>
        answerResult(call, { ...modern, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } }),
      'tools/list': (call) =>
        answerResult(call, {
          ...modern,
          tools: [
            { name: 'plain', inputSchema: { type: 'object' } },
            { name: 'spaced', inputSchema: mirroring('My Region') },
            { name: 'good', inputSchema: mirroring('Region') },
            { name: 'twice', inputSchema: mirroring('Region', 'region') },
          ],
        }),
    },
  });
  edge = await startTestEdge();
  await edge.publish({
    upstreams: [{ name: 'nova', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 10_000 }],
    servers: [
      { slug: 'new', sources: [{ upstream: 'nova', tools: ['*'] }], access: [{ everyone: true }] },
      {
        slug: 'two',
        sources: [
          { upstream: 'nova', tools: ['*'] },
          { upstream: 'nova', prefix: 'n__', tools: ['*'] },
        ],
        access: [{ everyone: true }],
      },
    ],
  });
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

async function send(
  path: string,
  method: string,
  params: object = {},
  headers: Record<string, string> = {},
): Promise<RawMessage | undefined> {
  const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
  const { messages } = await exchange(edge.url, {
    path,
    key: edge.key,
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, ...headers },
    body: { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } },
  });
  return messages[0];
}

const namesOf = (message: RawMessage | undefined) => (message?.result?.tools as { name: string }[]).map(({ name }) => name);

describe('tools whose x-mcp-header cannot be used (MCP 2026-07-28, "x-mcp-header")', () => {
  it('XH-1 are left out of the lists of modern clients, one by one, and logged', async () => {
    expect(namesOf(await send(PATH, 'tools/list'))).toEqual(['plain', 'good']);
    expect(edge.logged()).toContain('"capability":"spaced"');
    expect(edge.logged()).toContain('"capability":"twice"');
  });

  it('XH-2 are not known where names are looked up in lists, and their upstream is not called', async () => {
    const answer = await send('/mcp/two', 'tools/call', { name: 'spaced', arguments: {} }, { 'mcp-name': 'spaced' });
    expect(answer?.error).toMatchObject({ code: -32602 });
    expect(upstream.received.filter(({ body }) => body.includes('tools/call'))).toEqual([]);
  });

  it.each<readonly [id: string, args: object, headers: Record<string, string>, sent: string | undefined]>([
    ['XP-equal', { p0: 'eu' }, { 'mcp-param-region': 'eu' }, 'eu'],
    ['XP-encoded', { p0: 'é' }, { 'mcp-param-region': '=?base64?w6k=?=' }, '=?base64?w6k=?='],
    ['XP-recoded', { p0: 'eu' }, { 'mcp-param-region': '=?base64?ZXU=?=' }, 'eu'],
    ['XP-absent', {}, {}, undefined],
    ['XP-null', { p0: null }, {}, undefined],
    ['XP-foreign', { p0: 'eu' }, { 'mcp-param-region': 'eu', 'mcp-param-other': 'x' }, 'eu'],
  ])('%s is made anew for the upstream', async (_id, args, headers, sent) => {
    await send(PATH, 'tools/list');
    const before = upstream.received.length;
    await send(PATH, 'tools/call', { name: 'good', arguments: args }, { 'mcp-name': 'good', ...headers });
    const call = upstream.received.slice(before).find(({ body }) => body.includes('tools/call'));
    expect(call?.headers['mcp-param-region']).toBe(sent);
    expect(call?.headers['mcp-param-other']).toBeUndefined();
  });

  it.each<readonly [id: string, args: object, headers: Record<string, string>]>([
    ['E8-h XM-other', { p0: 'eu' }, { 'mcp-param-region': 'us' }],
    ['E8-i XM-case', { p0: 'eu' }, { 'mcp-param-region': 'EU' }],
    ['E8-j XM-missing', { p0: 'eu' }, {}],
    ['E8-k XM-no-argument', {}, { 'mcp-param-region': 'eu' }],
    ['E8-m XM-doubled', { p0: 'eu' }, { 'mcp-param-region': 'eu, eu' }],
    ['E8-l XM-garbled', { p0: 'eu' }, { 'mcp-param-region': '=?base64?!?=' }],
  ])('%s is refused before the upstream is called', async (_id, args, headers) => {
    await send(PATH, 'tools/list');
    const before = upstream.received.length;
    const answer = await send(PATH, 'tools/call', { name: 'good', arguments: args }, { 'mcp-name': 'good', ...headers });
    expect(answer?.error).toMatchObject({ code: -32020, data: { reason: 'header_mismatch', header: 'Mcp-Param-Region' } });
    expect(upstream.received).toHaveLength(before);
    const event = await edge.event(({ request_id }) => request_id === answer?.error?.data.request_id);
    const expected = { outcome: 'error', reason: 'header_mismatch', rpc_code: -32020, http_status: 400 };
    expect(event).toMatchObject({ type: 'request.refused', ...expected });
  });

  it('XH-3 are tools like any other to legacy clients, who mirror nothing', async () => {
    const session = await openSession(edge.url, PATH, edge.key);
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} };
    const { messages } = await exchange(edge.url, { path: PATH, key: edge.key, session, body });
    expect(namesOf(messages[0])).toEqual(['plain', 'spaced', 'good', 'twice']);
  });
});
