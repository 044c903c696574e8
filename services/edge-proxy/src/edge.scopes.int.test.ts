import { KIND_SCOPES } from '@switchyard/oauth';
import { answerResult, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { callOf, exchange, INITIALIZE, type RawAnswer } from './raw-client.fixture.js';
import { startTokenIssuer, type TokenIssuer } from './token-issuer.fixture.js';

const PAY = 'mcp:work:pay';

let issuer: TokenIssuer;
let upstream: ScriptedUpstream;
let edge: TestEdge;

beforeAll(async () => {
  issuer = await startTokenIssuer();
  upstream = await startScriptedUpstream({ name: 'up', tools: ['act', 'pay', 'never'] });
  upstream.on('initialize', (it) =>
    answerResult(
      it,
      {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {}, prompts: {}, resources: {} },
        serverInfo: { name: 'up', version: '1' },
      },
      { 'mcp-session-id': 's1' },
    ),
  );
  upstream.on('prompts/list', (it) => answerResult(it, { prompts: [{ name: 'greet' }] }));
  upstream.on('prompts/get', (it) => answerResult(it, { messages: [] }));
  upstream.on('resources/list', (it) => answerResult(it, { resources: [{ uri: 'note:a', name: 'a' }] }));
  upstream.on('resources/templates/list', (it) => answerResult(it, { resourceTemplates: [] }));
  upstream.on('resources/read', (it) => answerResult(it, { contents: [] }));
  edge = await startTestEdge({ authServer: issuer.url });
  const source = { upstream: 'up', tools: ['*'], prompts: ['*'], resources: ['*'] };
  await edge.publish({
    upstreams: [{ name: 'up', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 20_000 }],
    servers: [
      {
        slug: 'work',
        sources: [source],
        access: [{ everyone: true, tools: ['act', 'pay'], prompts: ['*'], resources: ['*'] }],
        scopes: [{ name: 'pay', title: 'pay bills', tools: ['pay', 'never'] }],
      },
      { slug: 'tools', sources: [{ upstream: 'up', tools: ['*'] }], access: [{ everyone: true }] },
      {
        slug: 'open',
        sources: [source],
        access: [{ anonymous: true }],
        scopes: [{ name: 'pay', title: 'pay bills', tools: ['pay'] }],
      },
    ],
  });
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
});

const REQUESTS = {
  tool: callOf('act'),
  pay: callOf('pay'),
  never: callOf('never'),
  prompt: { jsonrpc: '2.0', id: 1, method: 'prompts/get', params: { name: 'greet' } },
  resource: { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'note:a' } },
  tools: { jsonrpc: '2.0', id: 1, method: 'tools/list' },
  prompts: { jsonrpc: '2.0', id: 1, method: 'prompts/list' },
  complete: {
    jsonrpc: '2.0',
    id: 1,
    method: 'completion/complete',
    params: { ref: { type: 'ref/prompt', name: 'greet' }, argument: { name: 'x', value: '' } },
  },
} as const;

async function send(credential: string | undefined, what: keyof typeof REQUESTS, path = '/mcp/work'): Promise<RawAnswer> {
  const headers: Record<string, string> = credential === undefined ? {} : { authorization: `Bearer ${credential}` };
  const session = String((await exchange(edge.url, { path, headers, body: INITIALIZE })).headers['mcp-session-id']);
  return exchange(edge.url, { path, headers, session, body: REQUESTS[what] });
}

const token = (scope: string | undefined, path = '/mcp/work') => issuer.token(edge.url, path, { scope });
const outcome = ({ messages }: RawAnswer) => messages[0]?.error?.data['reason'] ?? 'ok';
const { tool: TOOLS, prompt: PROMPTS, resource: RESOURCES } = KIND_SCOPES;

describe('A12: scopes, and what is asked for where a token was not given for it', () => {
  it.each<[id: string, scope: string | undefined, what: keyof typeof REQUESTS, needed: string | undefined]>([
    ['SP-1 mcp: a tool', 'mcp', 'tool', undefined],
    ['SP-2 mcp: a prompt', 'mcp', 'prompt', undefined],
    ['SP-3 mcp: a resource', 'mcp', 'resource', undefined],
    ['SP-4 tools: a tool', TOOLS, 'tool', undefined],
    ['SP-5 tools: a prompt', TOOLS, 'prompt', PROMPTS],
    ['SP-6 tools: a resource', TOOLS, 'resource', RESOURCES],
    ['SP-7 prompts: a prompt', PROMPTS, 'prompt', undefined],
    ['SP-8 prompts: a tool', PROMPTS, 'tool', TOOLS],
    ['SP-9 resources: a resource', RESOURCES, 'resource', undefined],
    ['SP-10 resources: a tool', RESOURCES, 'tool', TOOLS],
    ['SP-11 tools and prompts: a prompt', `${TOOLS} ${PROMPTS}`, 'prompt', undefined],
    ['SP-12 resources: a completion of a prompt', RESOURCES, 'complete', PROMPTS],
    ['SP-13 mcp: a tool that a scope stands guard over', 'mcp', 'pay', `mcp ${PAY}`],
    ['SP-14 tools: the same, all at once', RESOURCES, 'pay', `${TOOLS} ${PAY}`],
    ['SP-15 with the scope', `mcp ${PAY}`, 'pay', undefined],
    ['SP-16 narrow, with the scope', `${TOOLS} ${PAY}`, 'pay', undefined],
    ['SP-17 the scope alone', PAY, 'pay', `${TOOLS} ${PAY}`],
    ['SP-18 the scope of another server', 'mcp mcp:open:pay', 'pay', `mcp ${PAY}`],
    ['SP-19 no scope at all', undefined, 'tool', TOOLS],
    ['SP-20 only what is none here', 'openid', 'tool', TOOLS],
    ['SP-21 tools: a list of tools', TOOLS, 'tools', undefined],
    ['SP-22 tools: a list of prompts, so that the client knows what to ask for', TOOLS, 'prompts', undefined],
  ])('%s', async (_id, scope, what, needed) => {
    const before = upstream.received.filter(({ body }) => body.includes(REQUESTS[what].method)).length;
    const answer = await send(token(scope), what);
    if (needed === undefined) return expect([answer.status, outcome(answer)]).toEqual([200, 'ok']);
    expect([answer.status, outcome(answer)]).toEqual([403, 'insufficient_scope']);
    expect(answer.messages[0]?.error).toMatchObject({ code: 10403, data: { required_scopes: needed.split(' ') } });
    const metadata = `${edge.url}/.well-known/oauth-protected-resource/mcp/work`;
    expect(answer.headers['www-authenticate']).toBe(
      `Bearer error="insufficient_scope", error_description="The token was not given for this: authorize again with ${needed}.", ` +
        `scope="${needed}", resource_metadata="${metadata}"`,
    );
    expect(upstream.received.filter(({ body }) => body.includes(REQUESTS[what].method)).length).toBe(before);
    const requestId = answer.headers['x-request-id'];
    expect(await edge.event(({ request_id }) => request_id === requestId)).toMatchObject({
      outcome: 'denied',
      reason: 'insufficient_scope',
      principal_subject: 'u1',
    });
  });

  it('SP-23 do not grant what access rules do not, and nobody is sent to ask for it', async () => {
    const answer = await send(token(`mcp ${PAY}`), 'never');
    expect([answer.status, outcome(answer), answer.headers['www-authenticate']]).toEqual([200, 'policy_denied', undefined]);
    expect(outcome(await send(token('mcp'), 'never'))).toBe('policy_denied');
  });

  it('SP-24 do not bind API keys', async () => {
    expect(outcome(await send(edge.key, 'pay'))).toBe('ok');
  });

  it('SP-25 who has not signed in is asked to, where a scope stands guard', async () => {
    const answer = await send(undefined, 'pay', '/mcp/open');
    expect([answer.status, outcome(answer)]).toEqual([401, 'token_missing']);
    expect(answer.headers['www-authenticate']).toBe(
      `Bearer scope="mcp:tools mcp:open:pay", resource_metadata="${edge.url}/.well-known/oauth-protected-resource/mcp/open", ` +
        'DPoP algs="ES256 Ed25519 EdDSA PS256"',
    );
    expect(outcome(await send(undefined, 'tool', '/mcp/open'))).toBe('ok');
  });

  it('SP-26 stand guard at /mcp too, under the same name', async () => {
    const call = async (scope: string) => {
      const headers = { authorization: `Bearer ${token(scope, '/mcp')}` };
      const session = String((await exchange(edge.url, { path: '/mcp', headers, body: INITIALIZE })).headers['mcp-session-id']);
      return exchange(edge.url, { path: '/mcp', headers, session, body: callOf('work__pay') });
    };
    expect((await call('mcp')).headers['www-authenticate']).toContain(`scope="mcp ${PAY}"`);
    expect(outcome(await call(`mcp ${PAY}`))).toBe('ok');
  });

  it.each([
    ['SP-27 /mcp/work', '/mcp/work', ['mcp', TOOLS, PROMPTS, RESOURCES]],
    ['SP-28 a server with tools alone', '/mcp/tools', ['mcp', TOOLS]],
    ['SP-29 /mcp', '/mcp', ['mcp', TOOLS, PROMPTS, RESOURCES]],
  ])('are in the metadata of the resource, but for those that stand guard: %s', async (_id, path, scopes) => {
    const answer = await exchange(edge.url, { path: `/.well-known/oauth-protected-resource${path}`, method: 'GET' });
    expect(JSON.parse(answer.text)).toMatchObject({ resource: `${edge.url}${path}`, scopes_supported: scopes });
  });
});
