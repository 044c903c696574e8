import { answerResult, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { callOf, exchange, INITIALIZE } from './raw-client.fixture.js';

let edge: TestEdge;
let upstream: ScriptedUpstream;

const SOUND = { type: 'audio', data: 'AAAA', mimeType: 'audio/wav' };
const LINK = { type: 'resource_link', uri: 'test://there', name: 'there' };
const STRUCTURED = { content: [], structuredContent: { celsius: 21 } };

const RESULTS: Readonly<Record<string, object>> = {
  sound: { content: [SOUND] },
  link: { content: [LINK] },
  structured: STRUCTURED,
};

beforeAll(async () => {
  upstream = await startScriptedUpstream({ name: 'alpha', tools: Object.keys(RESULTS) });
  upstream.on('tools/call', (asked) => answerResult(asked, RESULTS[asked.message.params?.name ?? ''] ?? {}));
  upstream.on('prompts/get', (asked) => answerResult(asked, { messages: [{ role: 'user', content: SOUND }] }));
  edge = await startTestEdge();
  await edge.publish({
    upstreams: [{ name: 'alpha', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 5_000 }],
    servers: [{ slug: 'work', sources: [{ upstream: 'alpha', tools: ['*'], prompts: ['*'] }], access: [{ everyone: true }] }],
  });
}, 60_000);

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

async function sessionOf(protocolVersion: string): Promise<string> {
  const body = { ...INITIALIZE, params: { ...INITIALIZE.params, protocolVersion } };
  const { headers } = await exchange(edge.url, { path: '/mcp/work', key: edge.key, body });
  return String(headers['mcp-session-id']);
}

const asResource = { type: 'resource', resource: { uri: 'urn:switchyard:audio:0', mimeType: 'audio/wav', blob: 'AAAA' } };
const asText = { type: 'text', text: 'there: test://there' };
const text = { type: 'text', text: '{"celsius":21}' };

const ROWS = [
  ['2024-11-05', 'sound', { content: [asResource] }],
  ['2024-11-05', 'link', { content: [asText] }],
  ['2024-11-05', 'structured', { content: [text] }],
  ['2025-03-26', 'sound', RESULTS.sound],
  ['2025-03-26', 'link', { content: [asText] }],
  ['2025-06-18', 'link', RESULTS.link],
  ['2025-06-18', 'structured', STRUCTURED],
  ['2025-11-25', 'sound', RESULTS.sound],
  ['2025-11-25', 'link', RESULTS.link],
  ['2025-11-25', 'structured', STRUCTURED],
] as const;

describe('results for clients of older revisions', () => {
  it.each(ROWS)('OC-1 %s takes %s', async (revision, name, result) => {
    const session = await sessionOf(revision);
    const { messages } = await exchange(edge.url, { path: '/mcp/work', key: edge.key, session, body: callOf(name, {}, 'x') });
    expect(messages).toEqual([{ jsonrpc: '2.0', id: 'x', result: expect.objectContaining({ ...result }) as unknown }]);
  });

  it('OC-2 2024-11-05 takes prompts', async () => {
    const session = await sessionOf('2024-11-05');
    const body = { jsonrpc: '2.0', id: 1, method: 'prompts/get', params: { name: 'song' } };
    const { messages } = await exchange(edge.url, { path: '/mcp/work', key: edge.key, session, body });
    expect(messages[0]?.result).toEqual({ messages: [{ role: 'user', content: asResource }] });
  });
});
