import type { LeaseCredentialRequest } from '@switchyard/contracts';
import { CredentialOwner } from '@switchyard/contracts';
import {
  answerResult,
  type Script,
  type ScriptedExchange,
  type ScriptedUpstream,
  startScriptedUpstream,
} from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { type FakeLease, type FakeVault, startFakeVault } from './fake-vault.fixture.js';
import { callOf, exchange, openSession, type RawMessage } from './raw-client.fixture.js';

const MODERN = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };

/** Versions that an upstream takes. Its credentials are its name and a version. */
const taken = new Map<string, Set<string>>();
/** The newest version that the vault has of each, and what it says of one that was rejected. */
const newest = new Map<string, string>();
const onRejected = new Map<string, (request: LeaseCredentialRequest) => FakeLease>();
/** How an upstream refuses. */
let refusal: { readonly status: number; readonly field?: string } = { status: 401 };

let upstream: ScriptedUpstream;
let edge: TestEdge;
let vault: FakeVault;

const credentialOf = (name: string, version: string): FakeLease => ({
  headers: { authorization: `Bearer ${name}_${version}` },
  version,
});

/** Lets in who shows a version that is taken. */
const guarded =
  (script: Script): Script =>
  (scripted) => {
    const [, name = '', version = ''] = /^Bearer (\w+?)_(\w+)$/.exec(scripted.request.headers.authorization ?? '') ?? [];
    if (taken.get(name)?.has(version) === true) return script(scripted);
    const { status, field } = refusal;
    scripted.response.writeHead(status, field === undefined ? {} : { 'www-authenticate': field }).end();
  };

const done = (scripted: ScriptedExchange) =>
  answerResult(scripted, {
    resultType: 'complete',
    content: [{ type: 'text', text: String(scripted.request.headers.authorization) }],
  });

const NAMES = ['org', 'orggone', 'person', 'gone', 'scopes', 'forbidden', 'crowd', 'list', 'shake', 'young', 'nova'] as const;

beforeAll(async () => {
  upstream = await startScriptedUpstream({ name: 'up', tools: ['act'] });
  upstream.on('tools/call', guarded(done));
  edge = await startTestEdge();
  vault = startFakeVault(edge.rpc, (request) => {
    const own = request.rejectedVersion === '' ? undefined : onRejected.get(request.upstream);
    return own?.(request) ?? credentialOf(request.upstream, newest.get(request.upstream) ?? '1');
  });
  await edge.publish({
    upstreams: NAMES.map((name) => ({
      name,
      transport: { case: 'http' as const, value: { url: upstream.url } },
      timeoutMs: 20_000,
      needsCredential: true,
      credentialVersion: '1',
      credentialOwner: name.startsWith('org') ? CredentialOwner.UNSPECIFIED : CredentialOwner.PRINCIPAL,
    })),
    servers: NAMES.map((name) => ({
      slug: name,
      sources: [{ upstream: name, tools: ['*'] }],
      access: [{ everyone: true }],
    })),
  });
});

afterAll(async () => {
  await vault.stop();
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

beforeEach(() => {
  refusal = { status: 401 };
});

interface Outcome {
  readonly message: RawMessage | undefined;
  readonly calls: readonly (string | undefined)[];
  readonly leases: readonly LeaseCredentialRequest[];
}

/** Calls a tool of an upstream of which it takes version 2 while version 1 is leased. */
async function call(name: string, versions: { readonly takes: string; readonly has?: string }): Promise<Outcome> {
  taken.set(name, new Set(['1']));
  newest.set(name, '1');
  const path = `/mcp/${name}`;
  const session = await openSession(edge.url, path, edge.key);
  expect((await exchange(edge.url, { path, key: edge.key, session, body: callOf('act') })).messages[0]?.result).toBeDefined();
  taken.set(name, new Set([versions.takes]));
  newest.set(name, versions.has ?? '1');
  const [received, leased] = [upstream.received.length, vault.requests.length];
  const { messages } = await exchange(edge.url, { path, key: edge.key, session, body: callOf('act') });
  const calls = upstream.received.slice(received).filter(({ body }) => body.includes('tools/call'));
  return {
    message: messages.at(-1),
    calls: calls.map(({ headers }) => headers.authorization),
    leases: vault.requests.slice(leased),
  };
}

const textOf = (message: RawMessage | undefined) => (message?.result?.['content'] as { text: string }[] | undefined)?.[0]?.text;

describe('a credential that its upstream refuses', () => {
  it.each(['person', 'org'])('RN-1 of %s is exchanged once, and the call made again', async (name) => {
    const { message, calls, leases } = await call(name, { takes: '2', has: '2' });
    expect(textOf(message)).toBe(`Bearer ${name}_2`);
    expect(calls).toEqual([`Bearer ${name}_1`, `Bearer ${name}_2`]);
    expect(leases).toMatchObject([{ upstream: name, rejectedVersion: '1', challengeScopes: [] }]);
    const again = await exchange(edge.url, {
      path: `/mcp/${name}`,
      key: edge.key,
      session: await openSession(edge.url, `/mcp/${name}`, edge.key),
      body: callOf('act'),
    });
    expect(textOf(again.messages[0])).toBe(`Bearer ${name}_2`);
    expect(vault.requests.at(-1)).toBe(leases[0]);
  });

  it('RN-2 and for which the vault has no other is refused, and the call not made again', async () => {
    const { message, calls, leases } = await call('orggone', { takes: '2' });
    expect(message?.error).toMatchObject({ code: 10502, data: { reason: 'credential_rejected' } });
    expect([calls.length, leases.length]).toEqual([1, 1]);
  });

  it('RN-3 as it refuses the next one is refused: nothing goes round and round', async () => {
    const { message, calls, leases } = await call('person', { takes: 'none', has: '3' });
    expect(message?.error).toMatchObject({ code: 10502, data: { reason: 'credential_rejected' } });
    expect([calls.length, leases.map(({ rejectedVersion }) => rejectedVersion)]).toEqual([2, ['1', '3']]);
  });

  it('RN-10 as it refuses the next one may have the user do something about it', async () => {
    const connectUrl = `${edge.url}/connect/young`;
    const message = 'Your connection is of no use.';
    onRejected.set('young', ({ rejectedVersion }) =>
      rejectedVersion === '1' ? credentialOf('young', '2') : { reason: 'connection_required', message, connectUrl },
    );
    const { message: answer, calls } = await call('young', { takes: 'none' });
    expect(textOf(answer)).toContain(connectUrl);
    expect(calls).toHaveLength(2);
  });

  it('RN-4 of a connection that is over has the user connect anew', async () => {
    const connectUrl = `${edge.url}/connect/gone`;
    onRejected.set('gone', () => ({ reason: 'connection_required', message: 'Your connection has ended.', connectUrl }));
    const { message, calls } = await call('gone', { takes: '2' });
    expect(message?.result).toMatchObject({ isError: true });
    expect(textOf(message)).toContain(connectUrl);
    expect(calls).toHaveLength(1);
  });

  it('RN-5 for want of scopes is exchanged for one that has them', async () => {
    refusal = { status: 403, field: 'Bearer error="insufficient_scope", scope="files:write files:read"' };
    const { message, leases } = await call('scopes', { takes: '2', has: '2' });
    expect(textOf(message)).toBe('Bearer scopes_2');
    expect(leases).toMatchObject([{ rejectedVersion: '1', challengeScopes: ['files:write', 'files:read'] }]);
  });

  it('RN-6 for another reason than itself is not exchanged', async () => {
    refusal = { status: 403 };
    const { message, leases } = await call('forbidden', { takes: '2', has: '2' });
    expect(message?.error).toMatchObject({ code: 10502, data: { reason: 'credential_rejected' } });
    expect(leases).toEqual([]);
  });

  it('RN-7 by many calls at the same time is exchanged once', async () => {
    await call('crowd', { takes: '2', has: '2' });
    taken.set('crowd', new Set(['3']));
    newest.set('crowd', '3');
    const leased = vault.requests.length;
    const path = '/mcp/crowd';
    const session = await openSession(edge.url, path, edge.key);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_one, id) => exchange(edge.url, { path, key: edge.key, session, body: callOf('act', {}, id) })),
    );
    expect(new Set(answers.map(({ messages }) => textOf(messages[0])))).toEqual(new Set(['Bearer crowd_3']));
    expect(vault.requests.slice(leased).map(({ rejectedVersion }) => rejectedVersion)).toEqual(['2']);
  });

  it.each([
    ['RN-8a in a handshake', 'shake', 'initialize'],
    ['RN-8b in a list', 'list', 'tools/list'],
  ])('%s is exchanged as well', async (_id, name, method) => {
    const sound: Record<string, Script> = {
      initialize: (scripted) =>
        answerResult(scripted, {
          protocolVersion: '2025-11-25',
          capabilities: { tools: {} },
          serverInfo: { name, version: '1' },
        }),
      'tools/list': (scripted) => answerResult(scripted, { tools: [{ name: 'act', inputSchema: { type: 'object' } }] }),
    };
    taken.set(name, new Set(['2']));
    upstream.on(method, (scripted) => {
      const isOurs = scripted.request.headers.authorization?.startsWith(`Bearer ${name}_`) === true;
      return (isOurs ? guarded(sound[method]!) : sound[method]!)(scripted);
    });
    newest.set(name, '1');
    onRejected.set(name, () => credentialOf(name, '2'));
    const path = `/mcp/${name}`;
    const session = await openSession(edge.url, path, edge.key);
    const list = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} };
    const { messages } = await exchange(edge.url, { path, key: edge.key, session, body: list });
    expect(messages[0]?.result).toMatchObject({ tools: [{ name: 'act' }] });
  });

  it('RN-9 by a modern upstream is exchanged as well, also when it is first asked what it is', async () => {
    const discover: Script = (scripted) =>
      answerResult(scripted, { ...MODERN, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } });
    taken.set('nova', new Set(['2']));
    newest.set('nova', '1');
    onRejected.set('nova', () => credentialOf('nova', '2'));
    upstream.on('server/discover', guarded(discover));
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const { messages } = await exchange(edge.url, {
      path: '/mcp/nova',
      key: edge.key,
      headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'act' },
      body: { ...callOf('act'), params: { name: 'act', arguments: {}, _meta } },
    });
    expect(textOf(messages[0])).toBe('Bearer nova_2');
  });
});
