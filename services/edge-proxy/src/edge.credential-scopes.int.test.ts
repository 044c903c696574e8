import { CredentialOwner } from '@switchyard/contracts';
import { answerResult, eventually, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { generateKeyPairSync, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { type FakeVault, publishProofKey, startFakeVault } from './fake-vault.fixture.js';
import { callOf, exchange, openSession, type RawAnswer } from './raw-client.fixture.js';

const LOCAL = path.join(__dirname, 'local-server.fixture.mjs');
const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

let issuer: Server;
let upstream: ScriptedUpstream;
let edge: TestEdge;
let vault: FakeVault;
let readProof: (proof: string) => Promise<string>;

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** An access token of a person for one server. */
function tokenOf(person: string, slug: string, client = 'client-1'): string {
  const now = Math.floor(Date.now() / 1000);
  const payload = {
    iss: edge.url,
    aud: `${edge.url}/mcp/${slug}`,
    sub: person,
    client_id: client,
    jti: 'j1',
    iat: now,
    exp: now + 300,
    scope: 'mcp',
    sy_tenant: 'default',
    sy_grant: 'g1',
    email: `${person}@example.com`,
  };
  const input = `${part({ alg: 'ES256', typ: 'at+jwt', kid: 'k1' })}.${part(payload)}`;
  return `${input}.${sign('sha256', Buffer.from(input), { key: keys.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

/** What the fake vault gives a caller: a name that shows whose it is. */
const secretOf = ({ upstream: name, team, subject }: { upstream: string; team: string; subject: string }) =>
  `${name}-${team === '' ? subject : team}`;

/** Publishes; another version makes another configuration. */
const publish = (credentialVersion: string, finance = ['ana@example.com', 'bea@example.com']) =>
  edge.publish({
    upstreams: [
      {
        name: 'own',
        transport: { case: 'http', value: { url: upstream.url } },
        timeoutMs: 20_000,
        needsCredential: true,
        credentialVersion,
        credentialOwner: CredentialOwner.PRINCIPAL,
      },
      {
        name: 'team',
        transport: { case: 'http', value: { url: upstream.url } },
        timeoutMs: 20_000,
        needsCredential: true,
        credentialVersion,
        credentialOwner: CredentialOwner.TEAM,
        credentialTeams: ['finance', 'ops'],
      },
      {
        name: 'local',
        transport: { case: 'stdio', value: { command: 'node', args: [LOCAL] } },
        timeoutMs: 10_000,
        needsCredential: true,
        credentialVersion,
        credentialOwner: CredentialOwner.PRINCIPAL,
      },
    ],
    servers: ['own', 'team', 'local'].map((slug) => ({
      slug,
      sources: [{ upstream: slug, tools: ['*'] }],
      access: [slug === 'own' ? { anonymous: true } : { everyone: true }],
    })),
    teams: [
      { name: 'finance', emails: finance },
      { name: 'ops', emails: ['cem@example.com', 'bea@example.com'] },
      { name: 'keyless', emails: ['dora@example.com'] },
    ],
  });

beforeAll(async () => {
  issuer = createServer((_request, response) => {
    const jwk = { ...keys.publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'ES256' };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  // Its one tool is called as the credential that it is shown.
  upstream = await startScriptedUpstream({
    name: 'up',
    scripts: {
      'tools/list': (asked) =>
        answerResult(asked, {
          tools: [{ name: asked.request.headers.authorization ?? 'nobody', inputSchema: { type: 'object' } }],
        }),
    },
  });
  edge = await startTestEdge({ authServer: `http://127.0.0.1:${(issuer.address() as AddressInfo).port}` });
  vault = startFakeVault(edge.rpc, (request) => {
    const { upstream: name, team, principalSubject: subject } = request;
    const secret = secretOf({ upstream: name, team, subject });
    return name === 'local' ? { env: { TOKEN: secret } } : { headers: { Authorization: secret } };
  });
  readProof = await publishProofKey(edge.state);
  await publish('1');
});

afterAll(async () => {
  await vault.stop();
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  await new Promise((resolve) => issuer.close(resolve));
});

/** One message of a person's, in a session of its own. */
async function say(person: string, slug: string, body: object, client?: string): Promise<RawAnswer> {
  const key = tokenOf(person, slug, client);
  const at = `/mcp/${slug}`;
  const session = await openSession(edge.url, at, key);
  return exchange(edge.url, { path: at, key, session, body });
}

const LIST = { jsonrpc: '2.0', id: 2, method: 'tools/list' };
const toolsOf = ({ messages }: RawAnswer) =>
  (messages[0]?.result?.tools as { name: string }[] | undefined)
    ?.map(({ name }) => name)
    .filter((name) => name !== 'gateway_status');
const leasesOf = (name: string, subject: string) =>
  vault.requests.filter((request) => request.upstream === name && request.principalSubject === subject).length;

/** What an upstream was shown while something ran. */
async function shown(run: () => Promise<unknown>): Promise<unknown[]> {
  const before = upstream.received.length;
  await run();
  return [...new Set(upstream.received.slice(before).map(({ headers }) => headers.authorization))];
}

describe('credentials that belong to callers', () => {
  it('CS-1 each caller is shown to the upstream with a credential of their own, leased once', async () => {
    for (const person of ['ana', 'bea', 'ana', 'bea'])
      expect(await shown(() => say(person, 'own', callOf('act')))).toEqual([`own-${person}`]);
    expect([leasesOf('own', 'ana'), leasesOf('own', 'bea')]).toEqual([1, 1]);
  });

  it('CS-2 lists are each caller’s own, from memory too', async () => {
    for (const person of ['ana', 'bea', 'ana', 'bea']) expect(toolsOf(await say(person, 'own', LIST))).toEqual([`own-${person}`]);
  });

  it('CS-3 callers who come at the same time get no other’s', async () => {
    await publish('2');
    const people = Array.from({ length: 20 }, (_, index) => `p${index}`);
    const answers = await Promise.all(people.map((person) => say(person, 'own', LIST)));
    expect(answers.map(toolsOf)).toEqual(people.map((person) => [`own-${person}`]));
  });

  it('CS-4 one person under two clients is two callers, so that each client can be told from the other', async () => {
    const before = leasesOf('own', 'ana');
    await say('ana', 'own', callOf('act'), 'client-2');
    await say('ana', 'own', callOf('act'), 'client-3');
    expect(leasesOf('own', 'ana')).toBe(before + 2);
  });

  it('CS-5 the first of the caller’s teams that has a credential is the one, and the vault is told which', async () => {
    expect(await shown(() => say('bea', 'team', callOf('act')))).toEqual(['team-finance']);
    expect(await shown(() => say('cem', 'team', callOf('act')))).toEqual(['team-ops']);
    const asked = vault.requests.filter(({ upstream: name }) => name === 'team');
    expect(asked.map(({ team }) => team)).toEqual(['finance', 'ops']);
    // The vault takes nobody's word for it.
    for (const { callerProof } of asked) expect(await readProof(callerProof)).toMatch(/^Bearer ey/);
  });

  it('CS-6 members of one team share lease and lists; other teams do not', async () => {
    const before = vault.requests.length;
    for (const [person, team] of [
      ['ana', 'finance'],
      ['bea', 'finance'],
      ['cem', 'ops'],
    ] as const)
      expect(toolsOf(await say(person, 'team', LIST))).toEqual([`team-${team}`]);
    expect(vault.requests.length).toBe(before);
  });

  it.each([
    ['CS-7 in a team without a credential', 'dora'],
    ['CS-8 in no team', 'emil'],
  ])('%s: refused with what to do, and neither vault nor upstream is asked', async (_id, person) => {
    const before = [vault.requests.length, upstream.received.length];
    const [message] = (await say(person, 'team', callOf('act'))).messages;
    expect(message?.error).toMatchObject({ code: 10503, data: { reason: 'credential_unavailable', upstream: 'team' } });
    expect(message?.error?.message).toMatch(
      /^team has a credential for each of several teams, and you are in none of them\. Ask /,
    );
    expect([vault.requests.length, upstream.received.length]).toEqual(before);
  });

  it('CS-9 who has not signed in has no credential, and the vault is not asked', async () => {
    const before = vault.requests.length;
    const call = { ...callOf('act'), params: { name: 'act', _meta: META } };
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'act' };
    const [message] = (await exchange(edge.url, { path: '/mcp/own', headers, body: call })).messages;
    expect(message?.error).toMatchObject({ data: { reason: 'credential_unavailable', upstream: 'own' } });
    expect(message?.error?.message).toMatch(/you have not signed in/);
    expect(vault.requests.length).toBe(before);
  });

  it('CS-10 who changes teams is shown as the new one at once, on the session that stands too', async () => {
    const key = tokenOf('bea', 'team');
    const session = await openSession(edge.url, '/mcp/team', key);
    const list = () => exchange(edge.url, { path: '/mcp/team', key, session, body: LIST });
    expect(toolsOf(await list())).toEqual(['team-finance']);
    await publish('2', ['ana@example.com']);
    expect(toolsOf(await list())).toEqual(['team-ops']);
  });

  it('CS-11 a local server has a process for each caller, with the caller’s own environment', async () => {
    const ask = async (person: string) =>
      JSON.stringify((await say(person, 'local', callOf('env', { name: 'TOKEN' }))).messages[0]?.result);
    const [ana, bea, again] = [await ask('ana'), await ask('bea'), await ask('ana')];
    expect(ana).toContain('local-ana');
    expect(bea).toContain('local-bea');
    expect(again).toBe(ana);
    await eventually(() => edge.logged().split('"started"').length - 1 === 2);
  });
});

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};
