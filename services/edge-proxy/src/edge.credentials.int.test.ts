import { eventually, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { type FakeLease, type FakeVault, startFakeVault } from './fake-vault.fixture.js';
import { callOf, exchange, INITIALIZE, openSession } from './raw-client.fixture.js';

const SECRET = 'canary-0a1b2c3d4e5f';
const REPLACED = 'canary-replaced-9f8e7d';

let upstream: ScriptedUpstream;
let edge: TestEdge;
let vault: FakeVault;

const publish = (versions: Record<string, string>) =>
  edge.publish({
    upstreams: Object.entries({ ...versions, open: '' }).map(([name, credentialVersion]) => ({
      name,
      transport: { case: 'http' as const, value: { url: upstream.url } },
      timeoutMs: 20_000,
      needsCredential: name !== 'open',
      credentialVersion,
    })),
    servers: [...Object.keys(versions), 'open'].map((name) => ({
      slug: name,
      sources: [{ upstream: name, tools: ['*'] }],
      access: [{ everyone: true }],
    })),
  });

const versions = {
  good: '1',
  short: '1',
  unproven: '1',
  refused: '1',
  faulty: '1',
  connection: '1',
  rejected: '1',
  garbled: '1',
  down: '1',
};

beforeAll(async () => {
  upstream = await startScriptedUpstream({ name: 'up', tools: ['act'] });
  edge = await startTestEdge();
  vault = startFakeVault(edge.rpc, { headers: { Authorization: `Bearer ${SECRET}`, 'X-Team': 'finance' } });
  await publish(versions);
});

afterAll(async () => {
  await vault.stop();
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

/** Calls `act` on a server, in a session of its own. */
async function callAct(slug: string) {
  const path = `/mcp/${slug}`;
  const session = await openSession(edge.url, path, edge.key);
  const before = upstream.received.length;
  const answer = await exchange(edge.url, { path, key: edge.key, session, body: callOf('act') });
  return {
    answer,
    response: answer.messages[0],
    received: upstream.received.slice(before).filter(({ body }) => body.includes('tools/call')),
  };
}

const leasesOf = (name: string) => vault.requests.filter((request) => request.upstream === name).length;

/** Lets the vault lease something else while a test runs. */
async function leasing<T>(lease: FakeLease, run: () => Promise<T>): Promise<T> {
  const usual = vault.lease;
  vault.lease = lease;
  try {
    return await run();
  } finally {
    vault.lease = usual;
  }
}

describe('credentials for upstreams', () => {
  it('CR-1 are leased once and sent with everything that goes to that upstream', async () => {
    for (let call = 0; call < 3; call += 1) {
      const { response, received } = await callAct('good');
      expect(response?.result).toBeDefined();
      expect(received[0]?.headers).toMatchObject({ authorization: `Bearer ${SECRET}`, 'x-team': 'finance' });
    }
    expect(leasesOf('good')).toBe(1);
    expect(vault.requests[0]).toMatchObject({ tenant: 'default', upstream: 'good', edge: 'edge-1', principalIssuer: 'api-key' });
    expect(upstream.received.every(({ headers }) => headers.authorization === `Bearer ${SECRET}`)).toBe(true);
  });

  it('CR-1b are asked for with all that the vault’s event is to say of the call', async () => {
    const asked = vault.requests.find(({ upstream: of }) => of === 'good');
    const { principal_name, principal_kind, client_id, client_name, client_version, trace_id } = await edge.event(
      ({ request_id: id, type }) => id === asked?.requestId && type !== 'proxy.hop',
    );
    expect(asked).toMatchObject({
      ...{ principalName: principal_name, principalKind: principal_kind, clientId: client_id, traceId: trace_id },
      ...{ clientName: client_name, clientVersion: client_version, server: 'good', onBehalfOf: '', callerTeams: [] },
    });
    expect([principal_kind, client_name, trace_id]).toEqual(['service', 'raw', expect.stringMatching(/^[0-9a-f]{32}$/)]);
  });

  it('CR-2 go to upstreams that need them, and to no other', async () => {
    const { received } = await callAct('open');
    expect(received[0]?.headers.authorization).toBeUndefined();
    expect(received[0]?.headers['x-team']).toBeUndefined();
    expect(leasesOf('open')).toBe(0);
  });

  it('CR-3 are asked for once by calls that come together, and again when they end', async () => {
    await leasing({ headers: { authorization: 'Bearer short' }, lastsMs: 1_000 }, async () => {
      await Promise.all([1, 2, 3, 4].map(() => callAct('short')));
      const before = leasesOf('short');
      expect(before).toBe(1);
      await eventually(async () => {
        await callAct('short');
        return leasesOf('short') > before;
      });
    });
  });

  const refusals: [id: string, slug: string, lease: FakeLease, reason: string, code: number, sentence: RegExp][] = [
    [
      'CR-4 refused by the vault',
      'refused',
      { reason: 'credential_unavailable', message: 'The secret of refused is missing: set REFUSED.' },
      'credential_unavailable',
      10503,
      /^The secret of refused is missing: set REFUSED\.$/,
    ],
    [
      'CR-5 of an account that is not connected',
      'connection',
      { reason: 'connection_required', message: 'Connect your account.' },
      'connection_required',
      10401,
      /^Connect your account\.$/,
    ],
    [
      'CR-13 of a caller who has not proven to be one',
      'unproven',
      { reason: 'caller_unproven', message: 'Sign in again.' },
      'caller_unproven',
      10403,
      /^Sign in again\.$/,
    ],
    [
      'CR-6 of a vault that fails',
      'faulty',
      'fault',
      'credential_unavailable',
      10503,
      /credential for faulty .*token vault does not answer/,
    ],
    [
      'CR-7 that cannot be opened',
      'garbled',
      'garbled',
      'credential_unavailable',
      10503,
      /credential for garbled .*token vault does not answer/,
    ],
  ];
  it.each(refusals)('%s: the call is refused, and the upstream never asked', async (_id, slug, lease, reason, code, sentence) => {
    const before = upstream.received.length;
    const { answer, response } = await leasing(lease, () => callAct(slug));
    expect(answer.status).toBe(200);
    expect(response?.error).toMatchObject({ code, data: { reason, upstream: slug } });
    expect(response?.error?.message).toMatch(sentence);
    expect(upstream.received.length).toBe(before);
    expect(await edge.event(({ type, upstream: name }) => type === 'tool.called' && name === slug)).toMatchObject({
      outcome: 'error',
      reason,
    });
    expect((await callAct(slug)).response?.result).toBeDefined();
  });

  it('CR-8 refused by the upstream: the client is told, and never asked to sign in', async () => {
    upstream.on(
      'tools/call',
      ({ response }) => void response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end(),
    );
    const { answer, response } = await callAct('rejected');
    upstream.on('tools/call', ({ message, response: sound }) => {
      sound.writeHead(200, { 'content-type': 'application/json' });
      sound.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { content: [] } }));
    });
    expect(answer.status).toBe(200);
    expect(answer.headers['www-authenticate']).toBeUndefined();
    expect(response?.error).toMatchObject({ code: 10502, data: { reason: 'credential_rejected' } });
  });

  it('CR-9 that were replaced are leased anew, and the old one is used no more', async () => {
    await callAct('good');
    await leasing({ headers: { authorization: `Bearer ${REPLACED}` } }, async () => {
      await publish({ ...versions, good: '2' });
      expect((await callAct('good')).received[0]?.headers.authorization).toBe(`Bearer ${REPLACED}`);
    });
  });

  it('CR-12 that come when the upstream has been removed meanwhile are not used', async () => {
    await publish({ ...versions, removed: '1' });
    const { promise, resolve } = Promise.withResolvers<void>();
    const session = await openSession(edge.url, '/mcp/open', edge.key);
    vault.until = promise;
    const before = leasesOf('removed');
    const opening = exchange(edge.url, { path: '/mcp/removed', key: edge.key, body: INITIALIZE });
    await eventually(() => leasesOf('removed') > before);
    const received = upstream.received.length;
    await publish(versions);
    resolve();
    vault.until = undefined;
    expect((await opening).status).toBe(200);
    expect(upstream.received.slice(received).filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
    expect(edge.logged()).not.toContain('an exchange failed');
    await exchange(edge.url, { path: '/mcp/open', method: 'DELETE', key: edge.key, session });
  });

  it('CR-10 in hand are used while the vault is away; new ones cannot be had', async () => {
    await callAct('good');
    await vault.stop();
    expect((await callAct('good')).response?.result).toBeDefined();
    expect((await callAct('down')).response?.error).toMatchObject({ code: 10503, data: { reason: 'credential_unavailable' } });
  });

  it('CR-11 appear in no log, event or answer', async () => {
    await edge.event(({ type, upstream: name }) => type === 'tool.called' && name === 'down');
    const everything = edge.logged() + JSON.stringify(edge.events);
    for (const secret of [SECRET, REPLACED]) expect(everything).not.toContain(secret);
  });
});
