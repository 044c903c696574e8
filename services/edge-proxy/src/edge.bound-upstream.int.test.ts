import { CredentialOwner } from '@switchyard/contracts';
import { DpopKey, generateDpopKey } from '@switchyard/oauth';
import {
  answerResult,
  beginEvents,
  eventually,
  type ModernUpstream,
  type ScriptedUpstream,
  startModernUpstream,
  startScriptedUpstream,
} from '@switchyard/testing';
import { type BoundUpstream, startBoundUpstream } from './bound-upstream.fixture.js';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { type FakeVault, startFakeVault } from './fake-vault.fixture.js';
import { callOf, exchange, open, openSession } from './raw-client.fixture.js';
import { connectModern, textOf } from './sdk-client.fixture.js';

let legacy: ScriptedUpstream;
let modern: ModernUpstream;
let guards: Readonly<Record<'legacy' | 'modern', BoundUpstream>>;
let edge: TestEdge;
let vault: FakeVault;
let privateKeys: string[];
let tokens: string[];

/** Makes a token of a key of its own, which upstreams take from now on. */
async function bind(token: string) {
  const dpopKey = await generateDpopKey();
  const { thumbprint } = await DpopKey.from(dpopKey);
  for (const guard of Object.values(guards)) guard.tokens.splice(0, Infinity, { token, thumbprint });
  privateKeys.push((JSON.parse(dpopKey) as { d: string }).d);
  tokens.push(token);
  return { headers: { Authorization: `DPoP ${token}` }, dpopKey, version: token };
}

beforeAll(async () => {
  legacy = await startScriptedUpstream({ name: 'up', tools: ['act'] });
  modern = await startModernUpstream({ name: 'nova' });
  guards = { legacy: await startBoundUpstream(legacy.url), modern: await startBoundUpstream(modern.url) };
  [privateKeys, tokens] = [[], []];
  edge = await startTestEdge();
  vault = startFakeVault(edge.rpc, await bind('token-0'));
  await publish('1');
});
afterAll(async () => {
  await vault.stop();
  await edge[Symbol.asyncDispose]();
  for (const it of [...Object.values(guards), legacy, modern]) await it[Symbol.asyncDispose]();
});

const publish = (credentialVersion: string) =>
  edge.publish({
    upstreams: (['legacy', 'modern'] as const).map((name) => ({
      name,
      transport: { case: 'http' as const, value: { url: guards[name].url } },
      timeoutMs: 20_000,
      needsCredential: true,
      credentialVersion,
      credentialOwner: CredentialOwner.PRINCIPAL,
    })),
    servers: ['legacy', 'modern'].map((name) => ({
      slug: name,
      sources: [{ upstream: name, tools: ['*'] }],
      access: [{ everyone: true }],
    })),
  });

/** What is wrong with the requests since then. */
const problems = (guard: BoundUpstream, since: number) => guard.judged.slice(since).map(([, problem]) => problem);

describe.each([['without nonces'], ['with nonces']])('upstreams that take only tokens bound to a key, %s', (nonces) => {
  const nonceRequired = nonces === 'with nonces';

  beforeAll(async () => {
    vault.lease = await bind(`token-${nonces.replaceAll(' ', '-')}`);
    for (const guard of Object.values(guards)) guard.nonceRequired = nonceRequired;
    await publish(nonces);
  });

  it('BU-1 legacy: handshake, calls, the standing stream, what is resumed and the end show a proof each', async () => {
    let calls = 0;
    // Let go of once, so that its stream has to be taken up again.
    legacy.on('tools/call', (scripted) => {
      calls += 1;
      const send = beginEvents(scripted.response);
      send('id: e1\nretry: 10\ndata:\n\n');
      scripted.response.end();
    });
    legacy.on('GET', ({ request, response }) => {
      const send = beginEvents(response);
      if (request.headers['last-event-id'] === 'e1')
        send({ jsonrpc: '2.0', id: idOf(legacy), result: { content: [{ type: 'text', text: 'resumed' }] } });
    });
    const since = guards.legacy.judged.length;
    const session = await openSession(edge.url, '/mcp/legacy', edge.key);
    const stream = await open(edge.url, { path: '/mcp/legacy', method: 'GET', key: edge.key, session });
    await eventually(() => guards.legacy.judged.slice(since).some(([method]) => method === 'GET'));
    const { messages } = await exchange(edge.url, { path: '/mcp/legacy', key: edge.key, session, body: callOf('act') });
    expect(textOf(messages.at(-1)?.result)).toBe('resumed');
    expect(calls).toBe(1);
    stream.leave();
    await exchange(edge.url, { path: '/mcp/legacy', method: 'DELETE', key: edge.key, session });
    await eventually(() => guards.legacy.judged.slice(since).some(([method]) => method === 'DELETE'));
    const [first, ...others] = problems(guards.legacy, since);
    expect(first).toBe(nonceRequired ? 'use_dpop_nonce' : '');
    expect(new Set(others)).toEqual(new Set(['']));
  });

  it('BU-2 modern: lists, calls and streams; the nonce is asked for once', async () => {
    const since = guards.modern.judged.length;
    await using connected = await connectModern(edge, '/mcp/modern', () => undefined);
    await connected.client.listTools();
    for (let i = 0; i < 5; i += 1)
      expect(textOf(await connected.client.callTool({ name: 'echo', arguments: { text: 'hi' } }))).toContain('hi');
    const [first, ...others] = problems(guards.modern, since);
    expect(first).toBe(nonceRequired ? 'use_dpop_nonce' : '');
    expect(new Set(others)).toEqual(new Set(['']));
  });

  it('BU-3 a token that is refused is renewed, with the key that the next one is bound to', async () => {
    legacy.on('tools/call', (scripted) => answerResult(scripted, { content: [{ type: 'text', text: 'done' }] }));
    const session = await openSession(edge.url, '/mcp/legacy', edge.key);
    vault.lease = await bind(`renewed-${nonces.replaceAll(' ', '-')}`);
    const since = guards.legacy.judged.length;
    const { messages } = await exchange(edge.url, { path: '/mcp/legacy', key: edge.key, session, body: callOf('act') });
    expect(textOf(messages.at(-1)?.result)).toBe('done');
    expect(problems(guards.legacy, since)).toEqual(['invalid_token', '']);
  });
});

describe('what goes wrong with a token that is bound to a key', () => {
  it('BU-4 a key that is none: the call is refused, nothing is sent, and nothing of it is said', async () => {
    vault.lease = { headers: { Authorization: 'DPoP token-9' }, dpopKey: '{"d":"planted-key"}', version: '9' };
    await publish('9');
    const since = guards.legacy.judged.length;
    const { messages } = await exchange(edge.url, {
      path: '/mcp/legacy',
      key: edge.key,
      headers: { 'mcp-protocol-version': '2025-11-25' },
      body: {
        ...callOf('act'),
        method: 'initialize',
        params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
      },
    });
    expect(JSON.stringify(messages)).not.toContain('planted-key');
    expect(guards.legacy.judged.length).toBe(since);
    expect(edge.logged()).not.toContain('planted-key');
  });

  it('BU-5 V4 neither keys nor tokens are in logs or events', () => {
    const said = edge.logged() + JSON.stringify(edge.events);
    for (const secret of [...privateKeys, ...tokens]) expect(said).not.toContain(secret);
  });
});

/** The id of the call that the upstream was sent last. */
function idOf({ received }: ScriptedUpstream): unknown {
  const call = received.findLast(({ body }) => body.includes('tools/call'));
  return (JSON.parse(call?.body ?? '{}') as { id?: unknown }).id;
}
