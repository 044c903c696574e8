import {
  answerResult,
  beginEvents,
  eventually,
  type ScriptedExchange,
  type ScriptedMessage,
  type ScriptedUpstream,
  startScriptedUpstream,
} from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { callOf, exchange, INITIALIZE, messagesIn, open } from './raw-client.fixture.js';

let edge: TestEdge;
let upstream: ScriptedUpstream;
let nova: ScriptedUpstream;

const SOUND = { type: 'audio', data: 'AAAA', mimeType: 'audio/wav' };
const LINK = { type: 'resource_link', uri: 'test://there', name: 'there' };
const STRUCTURED = { content: [], structuredContent: { celsius: 21 } };

const RESULTS: Readonly<Record<string, object>> = {
  sound: { content: [SOUND] },
  link: { content: [LINK] },
  structured: STRUCTURED,
};

const form = (property: object) => ({ message: 'm', requestedSchema: { type: 'object', properties: { x: property } } });
const TITLED = {
  type: 'string',
  oneOf: [
    { const: 'a', title: 'A' },
    { const: 'b', title: 'B' },
  ],
};
const ENUM = { type: 'string', enum: ['a', 'b'], enumNames: ['A', 'B'] };
const SEVERAL = { type: 'array', items: { type: 'string', enum: ['a', 'b'] } };
const HI = { type: 'text', text: 'hi' };
const sampled = (...contents: unknown[]) => ({ messages: contents.map((content) => ({ role: 'user', content })), maxTokens: 10 });
const answered = (action: unknown) => ({ content: [{ type: 'text', text: `answered: ${String(action)}` }] });

/** What upstreams ask while the tool `ask` is called. */
let asked: { readonly method: string; readonly params: object };
let onAnswer: (message: ScriptedMessage) => void;

function ask({ message, response }: ScriptedExchange): void {
  const send = beginEvents(response);
  onAnswer = ({ result, error }) => {
    const own =
      error === undefined
        ? answered((result as { action?: string }).action)
        : { content: [{ type: 'text', text: JSON.stringify(error) }] };
    send({ jsonrpc: '2.0', id: message.id, result: own });
    response.end();
  };
  send({ jsonrpc: '2.0', id: 'up-1', ...asked });
}

const MODERN = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };

function askModern(call: ScriptedExchange): void {
  const { inputResponses } = call.message.params as { inputResponses?: { q: { action?: string } } };
  if (inputResponses === undefined) answerResult(call, { resultType: 'input_required', inputRequests: { q: asked } });
  else answerResult(call, { resultType: 'complete', ...answered(inputResponses.q.action) });
}

beforeAll(async () => {
  nova = await startScriptedUpstream({
    name: 'nova',
    scripts: {
      initialize: ({ message, response }) => {
        response.writeHead(404, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error: { code: -32601, message: 'no' } }));
      },
      'server/discover': (call) =>
        answerResult(call, { ...MODERN, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } }),
      'tools/list': (call) => answerResult(call, { ...MODERN, tools: [{ name: 'ask', inputSchema: { type: 'object' } }] }),
      'tools/call': askModern,
    },
  });
  upstream = await startScriptedUpstream({ name: 'alpha', tools: Object.keys(RESULTS) });
  upstream.on('tools/call', (call) =>
    call.message.params?.name === 'ask' ? ask(call) : answerResult(call, RESULTS[call.message.params?.name ?? ''] ?? {}),
  );
  upstream.on('answer', ({ message, response }) => {
    response.writeHead(202).end();
    onAnswer(message);
  });
  upstream.on('prompts/get', (call) => answerResult(call, { messages: [{ role: 'user', content: SOUND }] }));
  edge = await startTestEdge();
  await edge.publish({
    upstreams: [
      { name: 'alpha', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 20_000 },
      { name: 'nova', transport: { case: 'http', value: { url: nova.url } }, timeoutMs: 20_000 },
    ],
    servers: [
      { slug: 'work', sources: [{ upstream: 'alpha', tools: ['*'], prompts: ['*'] }], access: [{ everyone: true }] },
      { slug: 'nova', sources: [{ upstream: 'nova', tools: ['*'] }], access: [{ everyone: true }] },
    ],
  });
}, 300_000);

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await Promise.all([upstream, nova].map((one) => one[Symbol.asyncDispose]()));
});

async function sessionOf(protocolVersion: string, capabilities = {}, slug = 'work'): Promise<string> {
  const body = { ...INITIALIZE, params: { ...INITIALIZE.params, protocolVersion, capabilities } };
  const { headers } = await exchange(edge.url, { path: `/mcp/${slug}`, key: edge.key, body });
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

  it.each<
    readonly [id: string, revision: string, upstream: 'work' | 'nova', method: string, params: object, expected: object | RegExp]
  >([
    ['OC-3a a choice with titles', '2025-06-18', 'work', 'elicitation/create', form(TITLED), form(ENUM)],
    ['OC-3b a choice with titles', '2025-06-18', 'nova', 'elicitation/create', form(TITLED), form(ENUM)],
    ['OC-3c a choice with titles', '2025-11-25', 'work', 'elicitation/create', form(TITLED), form(TITLED)],
    [
      'OC-3d several values',
      '2025-06-18',
      'work',
      'elicitation/create',
      form(SEVERAL),
      /2025-06-18, which has no choice of several/,
    ],
    [
      'OC-3e several values',
      '2025-06-18',
      'nova',
      'elicitation/create',
      form(SEVERAL),
      /2025-06-18, which has no choice of several/,
    ],
    ['OC-3f several blocks', '2024-11-05', 'work', 'sampling/createMessage', sampled([HI, HI]), sampled(HI, HI)],
    ['OC-3g several blocks', '2025-03-26', 'nova', 'sampling/createMessage', sampled([HI]), sampled(HI)],
    ['OC-3h several blocks', '2025-11-25', 'nova', 'sampling/createMessage', sampled([HI]), sampled([HI])],
    [
      'OC-3i tools',
      '2025-06-18',
      'work',
      'sampling/createMessage',
      { ...sampled(HI), tools: [] },
      /does not support sampling.tools/,
    ],
    ['OC-3j tools', '2025-06-18', 'nova', 'sampling/createMessage', { ...sampled(HI), tools: [] }, /asks for sampling.tools/],
    [
      'OC-3k audio',
      '2024-11-05',
      'work',
      'sampling/createMessage',
      sampled(SOUND),
      /2024-11-05, which has no content of type \\+"audio/,
    ],
    ['OC-3l a form', '2025-03-26', 'work', 'elicitation/create', form(ENUM), /does not support elicitation/],
  ])(
    '%s: a client of %s is asked by %s in its own words, or not at all',
    async (_id, revision, slug, method, params, expected) => {
      asked = { method, params };
      const session = await sessionOf(revision, { elicitation: {}, sampling: { tools: {} } }, slug);
      const call = await open(edge.url, { path: `/mcp/${slug}`, key: edge.key, session, body: callOf('ask', {}, 'x') });
      if (expected instanceof RegExp) {
        await call.ended;
        expect(call.text()).toMatch(expected);
        expect(messagesIn(call.text())).toHaveLength(1);
        return;
      }
      const question = await eventually(() => messagesIn(call.text()).find((message) => message.method === method) ?? false);
      expect(question.params).toEqual(expected);
      const body = { jsonrpc: '2.0', id: question.id, result: { action: 'accept', content: { x: 'a' } } };
      await exchange(edge.url, { path: `/mcp/${slug}`, key: edge.key, session, body });
      await call.ended;
      expect(call.text()).toContain('answered: accept');
    },
  );

  it('OC-2 2024-11-05 takes prompts', async () => {
    const session = await sessionOf('2024-11-05');
    const body = { jsonrpc: '2.0', id: 1, method: 'prompts/get', params: { name: 'song' } };
    const { messages } = await exchange(edge.url, { path: '/mcp/work', key: edge.key, session, body });
    expect(messages[0]?.result).toEqual({ messages: [{ role: 'user', content: asResource }] });
  });
});
