import { create, toJsonString } from '@bufbuild/protobuf';
import { BUCKETS, DEFAULT_TENANT, SnapshotSchema } from '@switchyard/contracts';
import type { State } from '@switchyard/state';
import { eventually, FakeClock, newDpopKey } from '@switchyard/testing';
import { startCompanyIdp, type CompanyIdp } from './fixtures/company-idp.js';
import { startServers, type RunningServers } from './fixtures/running-server.js';
import { STATE_PROFILES, type OpenStates } from './fixtures/states.contract.js';
import { TestClient, type JsonAnswer } from './fixtures/test-client.js';

const PUBLIC_URL = 'http://localhost:8080';
const resource = (slug: string) => `${PUBLIC_URL}/mcp/${slug}`;
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';
const METADATA = {
  token_endpoint_auth_method: 'client_secret_post',
  grant_types: ['authorization_code', 'refresh_token', TOKEN_EXCHANGE],
};

type Json = Record<string, unknown>;

const part = (token: unknown, index: number) =>
  JSON.parse(Buffer.from(String(token).split('.')[index] ?? '', 'base64url').toString()) as Json;
const claimsOf = ({ json }: JsonAnswer) => part(json['access_token'], 1);

/** Servers for everyone (`work`), for Ana's team (`books`) and for another one (`secret`). */
async function publish(state: State): Promise<void> {
  const snapshot = create(SnapshotSchema, {
    revision: '2',
    tenant: DEFAULT_TENANT,
    servers: [
      { slug: 'work', access: [{ everyone: true }] },
      { slug: 'books', access: [{ teams: ['finance'] }] },
      { slug: 'secret', access: [{ teams: ['board'] }] },
    ],
    teams: [
      { name: 'finance', emails: ['ana@example.com'], claims: ['finance'] },
      { name: 'board', emails: ['cleo@example.com'], claims: ['board'] },
    ],
  });
  const bucket = await state.bucket(BUCKETS.snapshots, DEFAULT_TENANT);
  await bucket.put('current', Buffer.from(toJsonString(SnapshotSchema, snapshot)));
}

describe.each(STATE_PROFILES)('token exchange (RFC 8693): %s', (_id, open) => {
  let states: OpenStates;
  let servers: RunningServers;
  let person: TestClient;
  let agent: TestClient;
  let secret: string;
  const clock = new FakeClock(Date.now());

  const start = (clients: readonly string[]) => {
    const sections = `identity: { mode: dev, tokenExchange: { clients: ${JSON.stringify(clients)} } }`;
    return startServers({ states: states.states, clock, dir: states.dir, sections });
  };

  beforeAll(async () => {
    states = await open();
    // Who exchanges is named in the configuration, so it has to be registered before.
    const before = await start(['nobody']);
    agent = new TestClient(before.publicUrl, before.urls);
    secret = String((await agent.register(METADATA)).json['client_secret']);
    await before.close();
    servers = await start([agent.clientId]);
    const { clientId } = agent;
    agent = new TestClient(servers.publicUrl, servers.urls);
    agent.clientId = clientId;
    const [state] = states.states;
    if (state !== undefined) await publish(state);
    person = new TestClient(servers.publicUrl, servers.urls);
    await person.register();
    // Every replica knows of the servers.
    const token = await obtain();
    await eventually(async () => {
      for (const _url of servers.urls) expect((await exchange(token)).status).toBe(200);
    });
  });
  afterAll(async () => {
    await servers.close();
    await states[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    servers.events.length = 0;
  });

  const signIn = async (slug = 'work', over: Record<string, string> = {}) =>
    person.redeem(await person.obtainCode({ resource: resource(slug), ...over }));
  const obtain = async (slug?: string) => String((await signIn(slug)).json['access_token']);
  const exchange = (token: string, over: Record<string, string> = {}, as = agent, clientSecret = secret) =>
    as.token({
      ...{ grant_type: TOKEN_EXCHANGE, client_secret: clientSecret, subject_token: token, subject_token_type: ACCESS_TOKEN },
      ...{ resource: resource('books'), ...over },
    });
  const refusedWith = async (answer: JsonAnswer, error: string) => {
    expect([answer.status, answer.json['error']]).toEqual([400, error]);
    expect(servers.events.at(-1)).toMatchObject({ type: 'auth.rejected', reason: error });
  };

  it('gives a token for another server that the person may use, with the client as its actor, and no later end', async () => {
    const token = await obtain();
    clock.advance(60_000);
    const answer = await exchange(token);
    expect(answer).toMatchObject({
      status: 200,
      json: { token_type: 'Bearer', issued_token_type: ACCESS_TOKEN, scope: 'mcp' },
    });
    expect(answer.json['refresh_token']).toBeUndefined();
    const [before, after] = [part(token, 1), claimsOf(answer)];
    expect(after).toMatchObject({
      ...{ aud: resource('books'), sub: before['sub'], email: 'ana@example.com', client_id: agent.clientId },
      ...{ act: { sub: agent.clientId }, sy_grant: before['sy_grant'], sy_tenant: 'default' },
    });
    expect(answer.json['expires_in']).toBe(Number(before['exp']) - Math.floor(clock.now() / 1000));
    expect(servers.events.at(-1)).toMatchObject({
      type: 'auth.token_issued',
      server: 'books',
      client_id: agent.clientId,
      principal_name: 'ana@example.com',
      on_behalf_of: agent.clientId,
      detail: { grant_type: TOKEN_EXCHANGE, grant: before['sy_grant'] },
    });
    clock.advance(-60_000);
  });

  it('A14: a token that is bound to a key is exchanged for one that is bound to the same key, with its proof', async () => {
    const key = newDpopKey();
    const proof = (of = key) => of.proof({ method: 'POST', url: `${PUBLIC_URL}/oauth/token` });
    const { code, verifier, redirectUri } = await person.obtainCode({ resource: resource('work') });
    const post = (parameters: Record<string, string>, dpop?: string) =>
      person.fetch('/oauth/token', {
        method: 'POST',
        ...(dpop === undefined ? {} : { headers: { dpop } }),
        body: new URLSearchParams(parameters),
      });
    const grant = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: redirectUri };
    const { json } = await post({ client_id: person.clientId, ...grant }, proof());
    const asked = {
      ...{ grant_type: TOKEN_EXCHANGE, client_id: agent.clientId, client_secret: secret, resource: resource('books') },
      ...{ subject_token: String(json['access_token']), subject_token_type: ACCESS_TOKEN },
    };
    await refusedWith(await post(asked), 'invalid_grant');
    await refusedWith(await post(asked, proof(newDpopKey())), 'invalid_grant');
    const used = proof();
    const answer = await post(asked, used);
    expect([answer.status, answer.json['token_type'], claimsOf(answer)['cnf']]).toEqual([200, 'DPoP', { jkt: key.thumbprint }]);
    await refusedWith(await post(asked, used), 'invalid_dpop_proof');
  });

  it.each<[id: string, error: string, over: Record<string, string>]>([
    ['a server that the person may not use', 'invalid_target', { resource: resource('secret') }],
    ['a server that is not here', 'invalid_target', { resource: resource('nowhere') }],
    ['another gateway', 'invalid_target', { resource: 'https://other.example/mcp/work' }],
    ['the gateway as a whole', 'invalid_target', { resource: `${PUBLIC_URL}/mcp` }],
    ['another audience than resource', 'invalid_target', { audience: resource('work') }],
    ['a scope that it has not', 'invalid_scope', { scope: 'admin' }],
    ['an actor token', 'invalid_request', { actor_token: 'x', actor_token_type: ACCESS_TOKEN }],
    ['a refresh token', 'invalid_request', { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }],
    ['a subject token of an unknown type', 'invalid_request', { subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }],
    ['no subject token', 'invalid_request', { subject_token: '' }],
    ['an ID token where no provider is configured', 'invalid_grant', { subject_token_type: ID_TOKEN }],
  ])('A18: %s: %s', async (_case, error, over) => {
    await refusedWith(await exchange(await obtain(), over), error);
  });

  const altered = (token: string, over: Json) =>
    [
      token.split('.')[0],
      Buffer.from(JSON.stringify({ ...part(token, 1), ...over })).toString('base64url'),
      token.split('.')[2],
    ].join('.');
  it.each<[id: string, subject: (token: string) => string | Promise<string>]>([
    ['for another audience', (token) => altered(token, { aud: 'https://other.example/mcp/work' })],
    ['for a list of audiences', (token) => altered(token, { aud: [resource('work'), resource('books')] })],
    ['whose audience was altered', (token) => altered(token, { aud: resource('books') })],
    ['that was exchanged before', async (token) => String((await exchange(token)).json['access_token'])],
    ['that is none', () => 'token'],
    ['that has expired', (token) => (clock.advance(361_000), token)],
  ])('A18: a subject token %s: invalid_grant', async (_case, subject) => {
    await refusedWith(await exchange(await subject(await obtain())), 'invalid_grant');
  });

  it('A18: what was revoked cannot be exchanged any more', async () => {
    const { json } = await signIn();
    const revocation = new URLSearchParams({ client_id: person.clientId, token: String(json['refresh_token']) });
    expect((await person.fetch('/oauth/revoke', { method: 'POST', body: revocation })).status).toBe(200);
    await refusedWith(await exchange(String(json['access_token'])), 'invalid_grant');
  });

  it('A18: only clients that the configuration names, and that authenticate', async () => {
    const token = await obtain();
    const other = new TestClient(servers.publicUrl, servers.urls);
    const { json } = await other.register(METADATA);
    await refusedWith(await exchange(token, {}, other, String(json['client_secret'])), 'unauthorized_client');
    expect(await exchange(token, {}, agent, 'wrong')).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
    const open = new TestClient(servers.publicUrl, servers.urls);
    expect((await open.register({ grant_types: METADATA.grant_types })).json['grant_types']).not.toContain(TOKEN_EXCHANGE);
  });
});

describe('token exchange of ID tokens', () => {
  it('A18: takes those that the company issued to a client that is named, and no others', async () => {
    const profile = STATE_PROFILES[0]?.[1];
    if (profile === undefined) throw new Error('no profile');
    await using states = await profile();
    await using idp: CompanyIdp = await startCompanyIdp([]);
    const provider = `{ issuer: "${idp.issuer}", clientId: switchyard, clientSecret: "\${env:S}", teamsClaim: groups, exchangeIdTokensOf: [intranet] }`;
    const clock = new FakeClock(Date.now());
    const start = (client: string) =>
      startServers({
        ...{ states: states.states, clock, dir: states.dir, env: { S: 'company-secret' } },
        sections: `identity: { mode: oidc, oidc: ${provider}, tokenExchange: { clients: ["${client}"] } }`,
      });
    const before = await start('nobody');
    const agent = new TestClient(before.publicUrl, before.urls);
    const secret = String((await agent.register(METADATA)).json['client_secret']);
    await before.close();
    const servers = await start(agent.clientId);
    try {
      const client = new TestClient(servers.publicUrl, servers.urls);
      client.clientId = agent.clientId;
      const [state] = states.states;
      if (state !== undefined) await publish(state);
      const iat = Math.floor(clock.now() / 1000);
      const idToken = (over: Json = {}, header: Json = {}) =>
        idp.signed({ iss: idp.issuer, sub: '00u1', aud: 'intranet', iat, exp: iat + 120, groups: ['finance'], ...over }, header);
      const exchange = (token: string, slug = 'books') =>
        client.token({
          ...{ grant_type: TOKEN_EXCHANGE, client_secret: secret, subject_token: token, subject_token_type: ID_TOKEN },
          resource: resource(slug),
        });
      await eventually(async () => expect((await exchange(idToken())).status).toBe(200));
      const answer = await exchange(idToken());
      expect([answer.json['expires_in'], claimsOf(answer)['sy_claims'], claimsOf(answer)['act']]).toEqual([
        120,
        ['finance'],
        { sub: agent.clientId },
      ]);
      const errorOf = async (token: string, slug?: string) => (await exchange(token, slug)).json['error'];
      expect(await errorOf(idToken({ aud: 'switchyard' }))).toBe('invalid_grant');
      expect(await errorOf(idToken({ aud: ['intranet', 'other'] }))).toBe('invalid_grant');
      expect(await errorOf(idToken({ iss: 'https://evil.example' }))).toBe('invalid_grant');
      expect(await errorOf(idToken({ exp: iat - 90 }))).toBe('invalid_grant');
      expect(await errorOf(idToken({ scope: 'mcp' }))).toBe('invalid_grant');
      expect(await errorOf(idToken({}, { typ: 'oauth-id-jag+jwt' }))).toBe('invalid_grant');
      expect(await errorOf(idToken(), 'secret')).toBe('invalid_target');
      expect(await errorOf(idToken({ groups: [] }))).toBe('invalid_target');
    } finally {
      await servers.close();
    }
  });
});
