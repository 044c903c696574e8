import { SqliteState } from '@switchyard/state';
import { FakeClock, tempDir, type TempDir } from '@switchyard/testing';
import path from 'node:path';
import { startServers, type RunningServers } from './fixtures/running-server.js';
import { departed, REDIRECT_URI, shown, TestBrowser } from './fixtures/test-browser.js';
import { TestClient } from './fixtures/test-client.js';

describe('dynamic registration (RFC 7591)', () => {
  const clock = new FakeClock(Date.now());
  let dir: TempDir;
  let state: SqliteState;
  let servers: RunningServers;
  let client: TestClient;

  beforeAll(async () => {
    dir = await tempDir();
    state = SqliteState.open(path.join(dir.path, 'state.sqlite'), { now: () => clock.now() });
    servers = await startServers({ states: [state], clock, dir: dir.path });
  });
  afterAll(async () => {
    await servers.close();
    await state.close();
    await dir[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    clock.advance(60_000);
    client = new TestClient(servers.publicUrl, servers.urls);
    servers.events.length = 0;
  });

  it('registers a public client and says what it registered (§3.2.1)', async () => {
    const answer = await client.register({ scope: 'mcp', logo_uri: 'https://app.example/logo.png', software_id: 'app-1' });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.json).toEqual({
      client_id: expect.stringMatching(/^[\w-]{20,}$/) as string,
      client_id_issued_at: expect.any(Number) as number,
      client_name: 'Test client',
      redirect_uris: ['http://127.0.0.1:5123/callback'],
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      software_id: 'app-1',
      id_token_signed_response_alg: 'ES256',
      dpop_bound_access_tokens: false,
      require_auth_time: false,
      require_pushed_authorization_requests: false,
      subject_type: 'public',
    });
    expect(servers.events).toEqual([
      expect.objectContaining({
        type: 'auth.client_registered',
        outcome: 'ok',
        client_id: client.clientId,
        client_name: 'Test client',
      }),
    ]);
  });

  it.each([
    ['client_secret_post', (id: string, secret: string) => ({ body: { client_id: id, client_secret: secret }, headers: {} })],
    [
      'client_secret_basic',
      (id: string, secret: string) => ({
        body: {},
        headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
      }),
    ],
  ])('registers a confidential client: %s', async (method, credentials) => {
    const { json } = await client.register({ token_endpoint_auth_method: method });
    expect(json).toMatchObject({
      token_endpoint_auth_method: method,
      client_secret: expect.any(String) as string,
      client_secret_expires_at: 0,
    });
    const code = await client.obtainCode();
    const redeem = async (secret: string) => {
      const { body, headers } = credentials(client.clientId, secret);
      const form = {
        grant_type: 'authorization_code',
        code: code.code,
        code_verifier: code.verifier,
        redirect_uri: code.redirectUri,
        ...body,
      };
      return client.fetch('/oauth/token', { method: 'POST', headers, body: new URLSearchParams(form) });
    };
    expect(await redeem('wrong')).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
    expect((await redeem(String(json['client_secret']))).status).toBe(200);
  });

  it.each([
    ['http that is not loopback', { redirect_uris: ['http://evil.example/cb'] }, 'invalid_redirect_uri'],
    ['javascript:', { redirect_uris: ['javascript:alert(1)'] }, 'invalid_redirect_uri'],
    ['a fragment', { redirect_uris: ['https://app.example/cb#x'] }, 'invalid_redirect_uri'],
    ['userinfo', { redirect_uris: ['https://u:p@app.example/cb'] }, 'invalid_redirect_uri'],
    ['a wildcard', { redirect_uris: ['https://*.app.example/cb'] }, 'invalid_redirect_uri'],
    ['none at all', { redirect_uris: [] }, 'invalid_redirect_uri'],
    ['no list', { redirect_uris: 'https://app.example/cb' }, 'invalid_redirect_uri'],
    ['a way to authenticate that is not offered', { token_endpoint_auth_method: 'private_key_jwt' }, 'invalid_client_metadata'],
    ['no way to sign in', { grant_types: ['client_credentials'] }, 'invalid_client_metadata'],
  ])('refuses %s (§3.2.2)', async (_id, metadata, error) => {
    expect(await client.register(metadata)).toMatchObject({ status: 400, json: { error } });
    expect(servers.events).toEqual([expect.objectContaining({ type: 'auth.rejected', reason: error, http_status: 400 })]);
  });

  it.each([
    ['not JSON', 'application/json', '{', 400],
    ['a list', 'application/json', '[]', 400],
    ['a form', 'application/x-www-form-urlencoded', 'a=b', 400],
    ['A13: more than 16 KiB', 'application/json', JSON.stringify({ client_name: 'x'.repeat(17_000) }), 400],
  ])('refuses a body that is %s', async (_id, type, body, status) => {
    expect((await client.fetch('/oauth/register', { method: 'POST', headers: { 'content-type': type }, body })).status).toBe(
      status,
    );
  });

  it('A13: a body that does not say how large it is may not be larger either', async () => {
    const body = new Blob([JSON.stringify({ client_name: 'x', redirect_uris: [REDIRECT_URI], padding: 'x'.repeat(17_000) })]);
    const answer = await client.fetch('/oauth/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      ...{ body: body.stream(), duplex: 'half' },
    });
    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_client_metadata' } });
    expect(servers.events).toEqual([expect.objectContaining({ type: 'auth.rejected', reason: 'invalid_client_metadata' })]);
  });

  describe('the same request again', () => {
    const first = { client_name: 'Twice', redirect_uris: ['https://app.example/twice'] };

    it('of a client without a secret: the same answer, also at once', async () => {
      const answers = await Promise.all(Array.from({ length: 5 }, () => client.register(first)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      clock.advance(10_000);
      expect((await client.register(first)).text).toBe(answers[0]?.text);
    });

    it('what people have consented to holds for it', async () => {
      await client.register(first);
      const browser = new TestBrowser(servers.publicUrl, servers.urls);
      const over = { redirect_uri: 'https://app.example/twice' };
      const signIn = shown(await browser.open(client.authorizationUrl(over).url));
      const consent = shown(await browser.submit(signIn, { email: 'ana@example.com', do: 'sign-in' }));
      departed(await browser.submit(consent, { do: 'approve' }));
      await client.register(first);
      departed(await browser.open(client.authorizationUrl(over).url));
    });

    it.each<[string, Record<string, unknown>]>([
      ['another name', { client_name: 'Twice ' }],
      ['another redirect URI', { redirect_uris: ['https://app.example/twice2'] }],
      ['something that is not used', { logo_uri: 'https://app.example/logo' }],
    ])('with %s: another client', async (_id, over) => {
      const { json } = await client.register(first);
      expect((await client.register({ ...first, ...over })).json['client_id']).not.toBe(json['client_id']);
    });

    it('of a client with a secret: another client with a secret of its own', async () => {
      const confidential = { ...first, token_endpoint_auth_method: 'client_secret_post' };
      const answers = [await client.register(confidential), await client.register(confidential)];
      expect(new Set(answers.map(({ json }) => json['client_id'])).size).toBe(2);
      expect(new Set(answers.map(({ json }) => json['client_secret'])).size).toBe(2);
    });

    it('neither shortens nor takes away the life of the client', async () => {
      const used = new TestClient(servers.publicUrl, servers.urls);
      await used.register({ client_name: 'Used' });
      expect((await used.redeem(await used.obtainCode())).status).toBe(200);
      const unused = new TestClient(servers.publicUrl, servers.urls);
      await unused.register({ client_name: 'Unused' });
      clock.advance(86_000_000);
      await used.register({ client_name: 'Used' });
      await unused.register({ client_name: 'Unused' });
      const open = async (one: TestClient) =>
        shown(await new TestBrowser(servers.publicUrl, servers.urls).open(one.authorizationUrl().url)).text;
      clock.advance(86_000_000);
      expect(await open(unused)).toContain('E-mail address');
      expect(await open(used)).toContain('E-mail address');
      clock.advance(86_400_000);
      expect(await open(unused)).toContain('This app is not registered here');
      expect(await open(used)).toContain('E-mail address');
    });
  });

  it('A13: holds back a flood, and lets others in again after it', async () => {
    const answers = await Promise.all(Array.from({ length: 70 }, () => client.register()));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(10);
    expect(refused[0]?.headers.get('retry-after')).toBe('10');
    expect(refused[0]?.json['error']).toBe('temporarily_unavailable');
    expect(servers.events.filter(({ http_status: status }) => status === 429)).toEqual(
      Array(10).fill(expect.objectContaining({ type: 'auth.rejected', outcome: 'denied', reason: 'temporarily_unavailable' })),
    );
    clock.advance(1_000);
    expect((await client.register()).status).toBe(201);
  });

  it('A13: forgets after a day who never signed in, and keeps who did', async () => {
    await client.register();
    const used = new TestClient(servers.publicUrl, servers.urls);
    await used.register();
    expect((await used.redeem(await used.obtainCode())).status).toBe(200);
    clock.advance(86_400_001);
    const open = async (one: TestClient) =>
      shown(await new TestBrowser(servers.publicUrl, servers.urls).open(one.authorizationUrl().url));
    expect((await open(client)).text).toContain('This app is not registered here');
    expect((await open(used)).text).toContain('E-mail address');
  });

  it('may be used from a page of any origin: there is nothing ambient to abuse', async () => {
    const preflight = await client.fetch('/oauth/register', {
      method: 'OPTIONS',
      headers: { origin: 'http://localhost:6274', 'access-control-request-method': 'POST' },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
    expect((await client.register()).headers.get('access-control-allow-origin')).toBe('*');
    const token = await client.fetch('/oauth/token', {
      method: 'POST',
      headers: { origin: 'http://localhost:6274' },
      body: new URLSearchParams({ client_id: client.clientId, grant_type: 'refresh_token', refresh_token: 'x' }),
    });
    expect(token.headers.get('access-control-allow-origin')).toBe('http://localhost:6274');
    expect(token.headers.get('access-control-allow-credentials')).toBeNull();
  });

  it('A13: cannot be read or changed afterwards by anyone, and nobody is given a token for it (RFC 7592 is off)', async () => {
    expect((await client.register()).json).not.toHaveProperty('registration_access_token');
    expect((await client.fetch(`/oauth/register/${client.clientId}`)).status).toBe(401);
    const headers = { authorization: 'Bearer of-another-registration' };
    expect((await client.fetch(`/oauth/register/${client.clientId}`, { headers })).status).toBe(401);
    expect((await client.fetch(`/oauth/register/${client.clientId}`, { method: 'PUT', headers, body: '{}' })).status).toBe(404);
    expect((await client.fetch(`/oauth/register/${client.clientId}`, { method: 'DELETE' })).status).toBe(404);
  });
});
