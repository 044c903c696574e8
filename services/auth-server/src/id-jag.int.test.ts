import { DEFAULT_TENANT } from '@switchyard/contracts';
import { FakeClock } from '@switchyard/testing';
import { randomUUID } from 'node:crypto';
import { startCompanyIdp, type CompanyIdp } from './fixtures/company-idp.js';
import { publishServers, startServers, type RunningServers } from './fixtures/running-server.js';
import { STATE_PROFILES, type OpenStates } from './fixtures/states.contract.js';
import { TestClient, type JsonAnswer } from './fixtures/test-client.js';
import { PeopleRegister } from './people/people-register.js';

const PUBLIC_URL = 'http://localhost:8080';
const WORK = `${PUBLIC_URL}/mcp/work`;
/** Nobody listens there. */
const AWAY = 'http://127.0.0.1:1';
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** `npm run single-use` has a thousand. */
const TRIALS = Number(process.env['SINGLE_USE_TRIALS'] ?? 10);
const AT_ONCE = 20;

type Json = Record<string, unknown>;

const claimsOf = ({ json }: JsonAnswer) =>
  JSON.parse(Buffer.from(String(json['access_token']).split('.')[1] ?? '', 'base64url').toString()) as Json;

describe.each(STATE_PROFILES)('enterprise-managed authorization (ID-JAG): %s', (_id, open) => {
  let states: OpenStates;
  let trusted: CompanyIdp;
  let untrusted: CompanyIdp;
  let servers: RunningServers;
  let client: TestClient;
  let secret: string;
  const clock = new FakeClock(Date.now());

  beforeAll(async () => {
    states = await open();
    [trusted, untrusted] = [await startCompanyIdp([]), await startCompanyIdp([])];
    const provider = (idp: CompanyIdp, rest: string) =>
      `{ issuer: "${idp.issuer}", clientId: switchyard, clientSecret: "\${env:IDP_SECRET}", teamsClaim: groups${rest} }`;
    const sections = `identity: { mode: oidc, providers: { company: ${provider(trusted, ', assertions: true, require: { hd: [example.com] }')}, guests: ${provider(untrusted, '')}, away: { issuer: "${AWAY}", clientId: switchyard, clientSecret: "\${env:IDP_SECRET}", assertions: true } } }`;
    const env = { IDP_SECRET: trusted.clientSecret };
    servers = await startServers({ states: states.states, clock, dir: states.dir, sections, env });
    const [state] = states.states;
    if (state !== undefined) await publishServers(state, ['work', 'open'], ['finance']);
    client = new TestClient(servers.publicUrl, servers.urls);
    const grantTypes = ['authorization_code', 'refresh_token', JWT_BEARER];
    const registered = await client.register({ token_endpoint_auth_method: 'client_secret_post', grant_types: grantTypes });
    secret = String(registered.json['client_secret']);
    expect(registered.json['grant_types']).toEqual(grantTypes);
  });
  afterAll(async () => {
    await servers.close();
    await trusted[Symbol.asyncDispose]();
    await untrusted[Symbol.asyncDispose]();
    await states[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    servers.events.length = 0;
  });

  const idJag = (over: Json = {}, header: Json = {}, idp: CompanyIdp = trusted) => {
    const iat = Math.floor(clock.now() / 1000);
    const person = {
      sub: '00u1',
      email: 'Ana@Example.com',
      email_verified: true,
      hd: 'example.com',
      groups: ['finance', 'staff'],
    };
    const what = { aud: PUBLIC_URL, client_id: client.clientId, resource: WORK, scope: 'mcp' };
    const claims = { iss: idp.issuer, ...person, ...what, jti: randomUUID(), iat, exp: iat + 300, ...over };
    return idp.signed(claims, { typ: 'oauth-id-jag+jwt', ...header });
  };
  const present = (assertion: string, over: Record<string, string> = {}, as = client, clientSecret = secret) =>
    as.token({ grant_type: JWT_BEARER, client_secret: clientSecret, assertion, ...over });

  it('gives a token for the one server, for the person of issuer and subject, with their teams, and no refresh token', async () => {
    const answer = await present(idJag());
    expect([answer.status, Object.keys(answer.json).sort()]).toEqual([
      200,
      ['access_token', 'expires_in', 'scope', 'token_type'],
    ]);
    expect(answer.json).toMatchObject({ token_type: 'Bearer', expires_in: 300, scope: 'mcp' });
    const claims = claimsOf(answer);
    expect(claims).toMatchObject({
      ...{ aud: WORK, iss: PUBLIC_URL, client_id: client.clientId, email: 'ana@example.com' },
      ...{ sy_tenant: 'default', sy_claims: ['finance'], sy_grant: expect.any(String) as string },
    });
    expect(claimsOf(await present(idJag())).sub).toBe(claims['sub']);
    expect(claimsOf(await present(idJag({ sub: '00u2' }))).sub).not.toBe(claims['sub']);
    expect(servers.events[0]).toMatchObject({
      type: 'auth.token_issued',
      server: 'work',
      principal_subject: claims['sub'],
      principal_name: 'ana@example.com',
      client_id: client.clientId,
      detail: { grant_type: JWT_BEARER, grant: claims['sy_grant'] },
    });
  });

  it('an unverified address is not theirs, and claims that are not asserted are not there', async () => {
    const claims = claimsOf(await present(idJag({ email_verified: false, groups: undefined })));
    expect([claims['email'], claims['sy_claims']]).toEqual([undefined, []]);
  });

  it('says in its metadata that it takes them', async () => {
    const { json } = await client.fetch('/.well-known/oauth-authorization-server');
    expect(json['grant_types_supported']).toContain(JWT_BEARER);
    expect(json['authorization_grant_profiles_supported']).toEqual(['urn:ietf:params:oauth:grant-profile:id-jag']);
  });

  const inSeconds = (seconds: number) => Math.floor(clock.now() / 1000) + seconds;
  it.each<[id: string, assertion: () => string, ...over: Record<string, string>[]]>([
    ['typ of an ID token', () => idJag({}, { typ: 'JWT' })],
    ['typ of an access token', () => idJag({}, { typ: 'at+jwt' })],
    ['typ of a logout token', () => idJag({}, { typ: 'logout+jwt' })],
    ['aud of another server', () => idJag({ aud: 'https://other.example' })],
    ['aud is the resource', () => idJag({ aud: WORK })],
    ['two audiences', () => idJag({ aud: [PUBLIC_URL, 'https://other.example'] })],
    ['no aud', () => idJag({ aud: undefined })],
    ['iss that is not configured', () => idJag({ iss: 'https://evil.example' })],
    ['iss of a provider whose assertions are not taken', () => idJag({}, {}, untrusted)],
    ['key of another provider', () => idJag({ iss: trusted.issuer }, {}, untrusted)],
    ['client_id of another client', () => idJag({ client_id: 'somebody' })],
    ['no client_id', () => idJag({ client_id: undefined })],
    ['good for more than five minutes', () => idJag({ exp: inSeconds(301) })],
    ['expired', () => idJag({ iat: inSeconds(-400), exp: inSeconds(-100) })],
    ['issued in the future', () => idJag({ iat: inSeconds(120), exp: inSeconds(300) })],
    ['no exp', () => idJag({ exp: undefined })],
    ['no iat', () => idJag({ iat: undefined })],
    ['no jti', () => idJag({ jti: undefined })],
    ['no sub', () => idJag({ sub: undefined })],
    ['no resource', () => idJag({ resource: undefined })],
    ['two resources', () => idJag({ resource: [WORK, `${PUBLIC_URL}/mcp/open`] })],
    ['resource of another gateway', () => idJag({ resource: 'https://other.example/mcp/work' })],
    ['resource that is not here', () => idJag({ resource: `${PUBLIC_URL}/mcp/nowhere` })],
    ['another resource is asked for', () => idJag(), { resource: `${PUBLIC_URL}/mcp/open` }],
    ['another tenant', () => idJag({ aud_tenant: 'other' })],
    ['a person who is not admitted', () => idJag({ hd: 'elsewhere.example' })],
    ['altered', () => idJag().replace(/\.[^.]+\./, `.${Buffer.from('{"iss":"x"}').toString('base64url')}.`)],
    ['no JWT', () => 'assertion'],
    ['alg none', () => idJag({}, { alg: 'none' })],
  ])('A17: %s: invalid_grant', async (_case, assertion, ...over) => {
    const answer = await present(assertion(), ...over);
    expect([answer.status, answer.json['error']]).toEqual([400, 'invalid_grant']);
    expect(answer.json['error_description']).toMatch(/^the assertion is refused: /);
    expect(servers.events).toEqual([
      expect.objectContaining({
        type: 'auth.rejected',
        reason: 'invalid_grant',
        detail: { endpoint: 'token', because: answer.json['error_description'] },
      }),
    ]);
  });

  it('says so where the provider cannot be asked for its keys', async () => {
    const answer = await present(idJag({ iss: AWAY }));
    expect([answer.status, answer.json['error']]).toEqual([400, 'temporarily_unavailable']);
  });

  it('A17: who was signed out everywhere is not let in by what was asserted before', async () => {
    const before = idJag({ sub: '00u3' });
    expect((await present(idJag({ sub: '00u3' }))).status).toBe(200);
    const logout = trusted.logoutToken({ sub: '00u3', iat: inSeconds(0), exp: inSeconds(120) });
    const signedOut = await client.fetch('/oauth/backchannel-logout/company', {
      method: 'POST',
      body: new URLSearchParams({ logout_token: logout }),
    });
    expect(signedOut.status).toBe(200);
    expect(await present(before)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    clock.advance(2_000);
    expect((await present(idJag({ sub: '00u3' }))).status).toBe(200);
  });

  it('A19: whoever an administrator keeps out is not let in by what their company asserts, and is again once enabled', async () => {
    const [state] = states.states;
    if (state === undefined) throw new Error('no state');
    const people = await PeopleRegister.open(state, DEFAULT_TENANT, clock);
    const first = await present(idJag({ sub: '00u4' }));
    const sub = String(claimsOf(first)['sub']);
    await people.disable(sub);
    expect(await present(idJag({ sub: '00u4' }))).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    expect((await present(idJag({ sub: '00u5' }))).status).toBe(200);
    await people.enable(sub);
    expect((await present(idJag({ sub: '00u4' }))).status).toBe(200);
  });

  it('A17: another client cannot use what names this one, and neither can who does not authenticate', async () => {
    const thief = new TestClient(servers.publicUrl, servers.urls);
    const { json } = await thief.register({
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['authorization_code', JWT_BEARER],
    });
    const stolen = await present(idJag(), {}, thief, String(json['client_secret']));
    expect(stolen).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    expect(await present(idJag(), {}, client, 'wrong')).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
    const open = new TestClient(servers.publicUrl, servers.urls);
    expect((await open.register({ grant_types: ['authorization_code', JWT_BEARER] })).json['grant_types']).toEqual([
      'authorization_code',
    ]);
    expect((await open.token({ grant_type: JWT_BEARER, assertion: idJag({ client_id: open.clientId }) })).status).toBe(400);
  });

  it('A12: scopes are those that are asserted, asked for and there', async () => {
    expect((await present(idJag({ scope: 'mcp chat.read' }), { scope: 'mcp' })).json['scope']).toBe('mcp');
    expect((await present(idJag({ scope: undefined }))).json['scope']).toBe('mcp');
    expect(await present(idJag({ scope: 'chat.read' }))).toMatchObject({ status: 400, json: { error: 'invalid_scope' } });
    expect(await present(idJag(), { scope: 'chat.read' })).toMatchObject({ status: 400, json: { error: 'invalid_scope' } });
  });

  it(
    `A17: ${TRIALS} assertions, each presented at every replica at once: one token each`,
    async () => {
      const presented = Math.max(2, servers.urls.length);
      const trial = async () => {
        const assertion = idJag();
        const answers = await Promise.all(Array.from({ length: presented }, () => present(assertion)));
        return answers.map(({ status }) => status).sort();
      };
      for (let done = 0; done < TRIALS; done += AT_ONCE) {
        const outcomes = await Promise.all(Array.from({ length: AT_ONCE }, trial));
        expect(new Set(outcomes.map(String))).toEqual(new Set(['200,400']));
      }
      const refusals = servers.events.filter(({ type }) => type === 'auth.rejected');
      expect(new Set(refusals.map(({ detail }) => detail?.['because']))).toEqual(
        new Set(['the assertion is refused: it was used before']),
      );
    },
    Math.max(120_000, TRIALS * 1_000),
  );
});

it('where nothing is configured, there is no such grant', async () => {
  const open = STATE_PROFILES[0]?.[1];
  if (open === undefined) throw new Error('no profile');
  await using states = await open();
  const servers = await startServers({ states: states.states, clock: new FakeClock(Date.now()), dir: states.dir });
  try {
    const client = new TestClient(servers.publicUrl, servers.urls);
    const { json } = await client.register({
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['authorization_code', JWT_BEARER],
    });
    expect(json['grant_types']).toEqual(['authorization_code']);
    const answer = await client.token({ grant_type: JWT_BEARER, client_secret: String(json['client_secret']), assertion: 'x' });
    expect(answer).toMatchObject({ status: 400, json: { error: 'unsupported_grant_type' } });
  } finally {
    await servers.close();
  }
});
