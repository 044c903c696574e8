import { AccessTokenVerifier } from '@switchyard/oauth';
import { FakeClock } from '@switchyard/testing';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { assertionKey, clientAssertion } from './fixtures/client-assertion.js';
import { startServers, type RunningServers } from './fixtures/running-server.js';
import { STATE_PROFILES, type OpenStates } from './fixtures/states.contract.js';
import { TestClient, type JsonAnswer } from './fixtures/test-client.js';

const PUBLIC_URL = 'http://localhost:8080';
const SECRET = 's'.repeat(32);
const WORK = `${PUBLIC_URL}/mcp/work`;

const key = assertionKey();
const rotated = assertionKey();
const published = generateKeyPairSync('ec', { namedCurve: 'P-256' });

// A22 of client authentication too: what does not prove who it is gets nothing.
describe.each(STATE_PROFILES)('services get tokens for themselves (RFC 6749 §4.4): %s', (_id, open) => {
  let states: OpenStates;
  let servers: RunningServers;
  let client: TestClient;
  const keyServer = createServer((_request, response) => {
    const jwk = { ...published.publicKey.export({ format: 'jwk' }), kid: 'p1' };
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
  });

  beforeAll(async () => {
    states = await open();
    await new Promise<void>((resolve) => keyServer.listen(0, '127.0.0.1', resolve));
    const { port } = keyServer.address() as AddressInfo;
    const sections = `
identity:
  services:
    nightly: { publicKey: "\${env:NIGHTLY_KEY}", servers: [work], teams: [robots] }
    reports: { clientId: reports-1, clientSecret: "\${env:REPORTS_SECRET}", servers: ["*"] }
    keyed: { jwks: { keys: [${JSON.stringify(createPublicKey(rotated.publicKey).export({ format: 'jwk' }))}] }, servers: [work] }
    remote: { jwksUri: "http://127.0.0.1:${port}/jwks", servers: [work] }
teams: { robots: {} }
upstreams: { up: { url: "http://127.0.0.1:9/mcp" } }
servers: { work: { sources: [{ upstream: up }], access: [{ everyone: true }] } }
`;
    const env = { NIGHTLY_KEY: key.publicKey, REPORTS_SECRET: SECRET };
    servers = await startServers({
      states: states.states,
      clock: new FakeClock(Date.now()),
      dir: states.dir,
      publicUrl: PUBLIC_URL,
      sections,
      env,
    });
    client = new TestClient(servers.publicUrl, servers.urls);
  });
  afterAll(async () => {
    keyServer.close();
    await servers.close();
    await states[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    servers.events.length = 0;
  });

  const ask = (parameters: Record<string, string>, headers: Record<string, string> = {}) =>
    client.fetch('/oauth/token', {
      method: 'POST',
      headers,
      body: new URLSearchParams({ grant_type: 'client_credentials', resource: WORK, ...parameters }),
    });
  const nightly = (over: Parameters<typeof clientAssertion>[3] = {}, parameters: Record<string, string> = {}) =>
    ask({ ...clientAssertion(key, 'nightly', PUBLIC_URL, over), ...parameters });
  const basic = (id: string, secret: string) => ({
    authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
  });
  const verify = async ({ json }: JsonAnswer, resource: string) => {
    const verifier = new AccessTokenVerifier({
      issuer: PUBLIC_URL,
      jwksUrl: `${servers.urls[0]}/oauth/jwks`,
      fetch,
      clock: new FakeClock(Date.now()),
    });
    return verifier.verify(String(json['access_token']), resource);
  };

  it('SC1: private_key_jwt: a token for one server, of kind service, without a refresh token, on record', async () => {
    const answer = await nightly();
    expect(answer).toMatchObject({ status: 200, json: { token_type: 'Bearer', expires_in: 300, scope: 'mcp' } });
    expect(answer.json).not.toHaveProperty('refresh_token');
    expect(await verify(answer, WORK)).toMatchObject({
      ok: true,
      clientId: 'nightly',
      grantId: 'service.nightly',
      scopes: ['mcp'],
      principal: { issuer: PUBLIC_URL, subject: 'nightly', name: 'nightly', kind: 'service', claims: [] },
    });
    expect(servers.events).toEqual([
      expect.objectContaining({
        type: 'auth.token_issued',
        outcome: 'ok',
        client_id: 'nightly',
        principal_subject: 'nightly',
        principal_kind: 'service',
        server: 'work',
        detail: { grant_type: 'client_credentials', grant: 'service.nightly' },
      }),
    ]);
  });

  it('SC2: client_secret_basic, for the gateway as a whole where every server is its own', async () => {
    const answer = await ask({ resource: `${PUBLIC_URL}/mcp` }, basic('reports-1', SECRET));
    expect(answer.status).toBe(200);
    expect(await verify(answer, `${PUBLIC_URL}/mcp`)).toMatchObject({ ok: true, principal: { subject: 'reports-1' } });
  });

  it('SC3: keys of a JWK Set, and keys that the service publishes', async () => {
    expect((await ask(clientAssertion(rotated, 'keyed', PUBLIC_URL))).status).toBe(200);
    const { privateKey } = published;
    const remote = { privateKey, publicKey: '' };
    expect((await ask(clientAssertion(remote, 'remote', PUBLIC_URL, { header: { kid: 'p1' } }))).status).toBe(200);
  });

  it('SC4: narrower scopes where it asks for them, the usual ones where it asks for none that there are', async () => {
    expect((await nightly({}, { scope: 'mcp:tools' })).json['scope']).toBe('mcp:tools');
    expect((await nightly({}, { scope: 'read write openid offline_access' })).json['scope']).toBe('mcp');
    expect((await nightly({}, { scope: 'mcp:tools mcp' })).json['scope']).toBe('mcp');
  });

  const nowSeconds = () => Math.floor(Date.now() / 1000);
  it.each<[id: string, send: () => Promise<JsonAnswer>, status: number, error: string]>([
    ['SC5 a server that it may not have', () => nightly({}, { resource: `${PUBLIC_URL}/mcp/open` }), 400, 'invalid_target'],
    ['SC6 the gateway as a whole', () => nightly({}, { resource: `${PUBLIC_URL}/mcp` }), 400, 'invalid_target'],
    ['SC7 an assertion for the token endpoint', () => nightly({ aud: `${PUBLIC_URL}/oauth/token` }), 401, 'invalid_client'],
    ['SC8 an assertion for somebody else too', () => nightly({ aud: [PUBLIC_URL, 'https://x'] }), 401, 'invalid_client'],
    ['SC9 an assertion for somebody else', () => nightly({ aud: 'https://x' }), 401, 'invalid_client'],
    ['SC10 an assertion of an hour', () => nightly({ exp: nowSeconds() + 3_600 }), 401, 'invalid_client'],
    ['SC11 an expired assertion', () => nightly({ exp: nowSeconds() - 60 }), 401, 'invalid_client'],
    ['SC12 an assertion without end', () => nightly({ exp: undefined }), 401, 'invalid_client'],
    ['SC13 an assertion from the future', () => nightly({ iat: nowSeconds() + 120 }), 401, 'invalid_client'],
    ['SC14 an assertion without jti', () => nightly({ jti: undefined }), 401, 'invalid_client'],
    ['SC15 an assertion of another issuer', () => nightly({ iss: 'keyed' }), 401, 'invalid_client'],
    ['SC16 an assertion by another key', () => ask(clientAssertion(rotated, 'nightly', PUBLIC_URL)), 401, 'invalid_client'],
    ['SC17 alg none', () => nightly({ header: { alg: 'none' } }), 401, 'invalid_client'],
    ['SC18 alg HS256', () => nightly({ header: { alg: 'HS256' } }), 401, 'invalid_client'],
    ['SC19 an access token as assertion', () => nightly({ header: { typ: 'at+jwt' } }), 401, 'invalid_client'],
    ['SC20 no credential', () => ask({ client_id: 'nightly' }), 401, 'invalid_client'],
    ['SC21 a secret where it has a key', () => ask({}, basic('nightly', SECRET)), 401, 'invalid_client'],
    ['SC22 a wrong secret', () => ask({}, basic('reports-1', 'x'.repeat(32))), 401, 'invalid_client'],
    ['SC23 its secret in the body', () => ask({ client_id: 'reports-1', client_secret: SECRET }), 200, ''],
    ['SC24 another grant', () => nightly({}, { grant_type: 'authorization_code', code: 'x' }), 400, 'invalid_request'],
  ])('%s', async (_what, send, status, error) => {
    const answer = await send();
    expect([answer.status, answer.json['error'] ?? '']).toEqual([status, error]);
    expect(servers.events.map(({ type, reason = '' }) => [type, reason])).toEqual([
      error === '' ? ['auth.token_issued', ''] : ['auth.rejected', error],
    ]);
  });

  it('SC25: the secret in the query is not read', async () => {
    const answer = await client.fetch(`/oauth/token?client_id=reports-1&client_secret=${SECRET}`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', resource: WORK }),
    });
    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
  });

  it('SC26: cannot have people sign in, and nobody else gets tokens in their own name', async () => {
    const authorization = await client.fetch(
      `/oauth/authorize?client_id=nightly&response_type=code&redirect_uri=https://x.example/`,
    );
    expect(authorization.status).toBe(400);
    const person = new TestClient(servers.publicUrl, servers.urls);
    const registered = await person.register({
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['authorization_code', 'client_credentials'],
    });
    expect(registered.json['grant_types']).toEqual(['authorization_code']);
    const credential = basic(person.clientId, String(registered.json['client_secret']));
    expect(await ask({}, credential)).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
  });

  it('A14, A17: of 8 who present one assertion at once one gets a token; later nobody does', async () => {
    for (let round = 0; round < 5; round += 1) {
      servers.events.length = 0;
      const assertion = clientAssertion(key, 'nightly', PUBLIC_URL);
      const answers = await Promise.all(Array.from({ length: 8 }, () => ask(assertion)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(7).fill(401)]);
      const refused = answers.filter(({ status }) => status !== 200);
      expect(new Set(refused.map(({ json }) => json['error']))).toEqual(new Set(['invalid_client']));
      expect(servers.events.filter(({ type }) => type === 'auth.token_issued')).toHaveLength(1);
      expect(await ask(assertion)).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
    }
  });
});
