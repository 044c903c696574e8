import { BUCKETS, CALLER_PROOF_KEY, CredentialOwner, DEFAULT_TENANT } from '@switchyard/contracts';
import { eventually, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { type FakeVault, publishProofKey, startFakeVault } from './fake-vault.fixture.js';
import { callOf, exchange, INITIALIZE, open, openSession } from './raw-client.fixture.js';

let upstream: ScriptedUpstream;
let edge: TestEdge;
let vault: FakeVault;

const OWNERS = {
  own: CredentialOwner.PRINCIPAL,
  late: CredentialOwner.PRINCIPAL,
  stream: CredentialOwner.PRINCIPAL,
  org: CredentialOwner.UNSPECIFIED,
};

beforeAll(async () => {
  upstream = await startScriptedUpstream({ name: 'up', tools: ['act'] });
  edge = await startTestEdge();
  vault = startFakeVault(edge.rpc, ({ upstream: name }) => ({
    headers: { authorization: 'Bearer upstream-token' },
    // Leases of it are over at once.
    lastsMs: name === 'stream' ? 1 : 60_000,
  }));
  await edge.publish({
    upstreams: Object.entries(OWNERS).map(([name, credentialOwner]) => ({
      name,
      transport: { case: 'http' as const, value: { url: upstream.url } },
      timeoutMs: 20_000,
      needsCredential: true,
      credentialVersion: '1',
      credentialOwner,
    })),
    servers: Object.keys(OWNERS).map((name) => ({
      slug: name,
      sources: [{ upstream: name, tools: ['*'] }],
      access: [{ everyone: true }, { anonymous: true }],
    })),
  });
});

afterAll(async () => {
  await vault.stop();
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const requestsOf = (name: string) => vault.requests.filter(({ upstream: of }) => of === name);

async function call(slug: string, key: string) {
  const path = `/mcp/${slug}`;
  const session = await openSession(edge.url, path, key);
  return (await exchange(edge.url, { path, key, session, body: callOf('act') })).messages.at(-1);
}

describe('V3: what proves to the vault who calls', () => {
  it('V3a is empty while the vault has published no key, and while that is none', async () => {
    await call('late', edge.key);
    const bucket = await edge.state.bucket(BUCKETS.vaultKeys, DEFAULT_TENANT);
    await bucket.put(CALLER_PROOF_KEY, Buffer.from('{"kty":"EC"}'));
    const other = await edge.mint({ name: 'other', servers: ['*'] });
    await eventually(async () => {
      await call('late', await edge.mint({ name: 'another', servers: ['*'] }));
      return edge.logged().includes('cannot be sealed');
    });
    await call('late', other);
    expect(new Set(requestsOf('late').map(({ callerProof }) => callerProof))).toEqual(new Set(['']));
  });

  it('V3b is the Authorization value of the call, for the vault alone to read', async () => {
    const openProof = await publishProofKey(edge.state);
    const people = await Promise.all(['ann', 'bob'].map((name) => edge.mint({ name, servers: ['*'] })));
    await eventually(async () => {
      await call('own', await edge.mint({ name: 'first', servers: ['*'] }));
      return requestsOf('own').at(-1)?.callerProof !== '';
    });
    for (const key of people) {
      expect((await call('own', key))?.result).toBeDefined();
      const { callerProof, principalSubject } = requestsOf('own').at(-1)!;
      expect(principalSubject).toBe(key.split('_')[1]);
      expect(await openProof(callerProof)).toBe(`Bearer ${key}`);
      expect(
        JSON.stringify(requestsOf('own').at(-1), (_name, value: unknown) => (typeof value === 'bigint' ? '' : value)),
      ).not.toContain(key);
    }
  });

  it('V3c is given for nobody else’s credential', async () => {
    expect((await call('org', edge.key))?.result).toBeDefined();
    expect(requestsOf('org').map(({ callerProof }) => callerProof)).toEqual(['']);
  });

  it('V3d cannot be given by who has not signed in: the vault is not asked', async () => {
    const { messages } = await exchange(edge.url, { path: '/mcp/own', body: INITIALIZE });
    expect(messages[0]?.result).toBeDefined();
    expect(requestsOf('own').some(({ principalSubject }) => principalSubject === 'anonymous')).toBe(false);
  });

  it('V3e is kept by no stream: the vault is not asked without it', async () => {
    const path = '/mcp/stream';
    const session = await openSession(edge.url, path, edge.key);
    const before = requestsOf('stream').length;
    expect(before).toBe(1);
    const stream = await open(edge.url, { path, method: 'GET', key: edge.key, session });
    // That nothing is asked is what is tested: what is tried again is tried after a quarter of a second.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(requestsOf('stream').length).toBe(before);
    stream.leave();
  });

  it('V3f never reaches an upstream, a log or an event', () => {
    for (const { headers, body } of upstream.received) {
      expect(headers.authorization).toBe('Bearer upstream-token');
      expect(JSON.stringify(headers) + body).not.toContain(edge.key);
    }
    expect(edge.logged() + JSON.stringify(edge.events)).not.toContain(edge.key);
  });
});
