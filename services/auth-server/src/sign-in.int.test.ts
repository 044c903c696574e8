import { AccessTokenVerifier } from '@switchyard/oauth';
import { systemClock } from '@switchyard/runtime';
import { SqliteState } from '@switchyard/state';
import { tempDir, type TempDir } from '@switchyard/testing';
import path from 'node:path';
import { startServers, type RunningServers } from './fixtures/running-server.js';
import { departed, REDIRECT_URI, shown, TestBrowser } from './fixtures/test-browser.js';
import { TestClient } from './fixtures/test-client.js';

describe('sign-in', () => {
  let dir: TempDir;
  let state: SqliteState;
  let servers: RunningServers;
  let client: TestClient;
  let browser: TestBrowser;

  beforeAll(async () => {
    dir = await tempDir();
    state = SqliteState.open(path.join(dir.path, 'state.sqlite'));
    servers = await startServers({ states: [state], clock: systemClock, dir: dir.path });
    client = new TestClient(servers.publicUrl, servers.urls);
    await client.register();
  });
  afterAll(async () => {
    await servers.close();
    await state.close();
    await dir[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    browser = new TestBrowser(servers.publicUrl, servers.urls);
    servers.events.length = 0;
  });

  const openSignIn = async (over: Record<string, string | undefined> = {}) =>
    shown(await browser.open(client.authorizationUrl(over).url));
  const openConsent = async (email = 'ana@example.com') =>
    shown(await browser.submit(await openSignIn(), { email, do: 'sign-in' }));

  it('goes from discovery over registration, sign-in and consent to a token that opens one server, and on by refresh', async () => {
    const metadata = (await client.fetch('/.well-known/oauth-authorization-server')).json;
    expect(metadata['registration_endpoint']).toBe(`${servers.publicUrl}/oauth/register`);
    const { location, verifier } = await client.signIn();
    expect(Object.fromEntries(location.searchParams)).toEqual({
      code: expect.any(String) as string,
      state: 'state-1',
      iss: servers.publicUrl,
    });
    expect(location.origin + location.pathname).toBe(REDIRECT_URI);
    const code = location.searchParams.get('code') ?? '';
    const tokens = await client.redeem(
      { code, verifier, redirectUri: REDIRECT_URI },
      { resource: `${servers.publicUrl}/mcp/work` },
    );
    expect(tokens.json).toEqual({
      access_token: expect.any(String) as string,
      refresh_token: expect.any(String) as string,
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'mcp',
    });
    const refreshed = await client.refresh(String(tokens.json['refresh_token']));
    expect(refreshed.status).toBe(200);
    const jwksUrl = `${servers.urls[0]}/oauth/jwks`;
    const tokenVerifier = new AccessTokenVerifier({ issuer: servers.publicUrl, jwksUrl, fetch, clock: systemClock });
    for (const token of [tokens.json['access_token'], refreshed.json['access_token']].map(String)) {
      expect(await tokenVerifier.verify(token, `${servers.publicUrl}/mcp/work`)).toMatchObject({
        ok: true,
        clientId: client.clientId,
        scopes: ['mcp'],
        principal: {
          tenant: 'default',
          issuer: servers.publicUrl,
          name: 'ana@example.com',
          email: 'ana@example.com',
          kind: 'user',
          claims: [],
        },
      });
      expect(await tokenVerifier.verify(token, `${servers.publicUrl}/mcp/open`)).toMatchObject({
        reason: 'token_wrong_audience',
      });
    }
    expect(servers.events.map(({ type, outcome, principal_name: name, server }) => [type, outcome, name, server])).toEqual([
      ['auth.signed_in', 'ok', 'ana@example.com', undefined],
      ['auth.token_issued', 'ok', 'ana@example.com', 'work'],
      ['auth.token_issued', 'ok', 'ana@example.com', 'work'],
    ]);
    expect(JSON.stringify(servers.events)).not.toContain(String(tokens.json['refresh_token']));
  });

  it('knows the same person again, whatever client and whatever spelling of the address', async () => {
    const subjects = new Set<string>();
    for (const email of ['ana@example.com', ' ANA@Example.COM ']) {
      const { json } = await client.redeem(await client.obtainCode({}, email));
      const [, payload = ''] = String(json['access_token']).split('.');
      subjects.add((JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub: string }).sub);
    }
    expect([...subjects]).toEqual([expect.stringMatching(/^usr_[\w-]{22}$/)]);
  });

  it.each(['ana', 'ana@', '@example.com', 'ana@example', '', `${'a'.repeat(250)}@example.com`, '<script>@example.com'])(
    'asks again where the address is none: %s',
    async (email) => {
      const page = shown(await browser.submit(await openSignIn(), { email, do: 'sign-in' }));
      expect(page.status).toBe(400);
      expect(page.text).toContain('Type a whole e-mail address');
      expect(page.text).not.toContain('<script');
    },
  );

  it('asks for consent at every authorization, also of somebody who is signed in', async () => {
    departed(await browser.submit(await openConsent(), { do: 'approve' }));
    const again = shown(await browser.open(client.authorizationUrl().url));
    expect(again.text).toContain('Allow Test client to use');
  });

  it('lets somebody else sign in instead', async () => {
    const consent = await openConsent('ana@example.com');
    const other = shown(await browser.open(`${consent.url}?account=other`));
    // Signing out is a form of its own, which a browser sends by itself.
    const signingOut = shown(await browser.submit(other, { email: 'bob@example.com', do: 'sign-in' }));
    const asBob = shown(await browser.submit(signingOut, {}));
    expect(asBob.text).toContain('bob@example.com');
    expect(asBob.text).not.toContain('ana@example.com');
  });

  it('tells the client when the user does not approve', async () => {
    const { location } = departed(await browser.submit(await openConsent(), { do: 'deny' }));
    expect(Object.fromEntries(location.searchParams)).toMatchObject({
      error: 'access_denied',
      state: 'state-1',
      iss: servers.publicUrl,
    });
    expect(servers.events.at(-1)).toMatchObject({ type: 'auth.rejected', outcome: 'denied', reason: 'access_denied' });
  });

  it('A8: forbids frames, scripts and foreign content on every page', async () => {
    const problem = shown(await browser.open('/oauth/authorize?client_id=none&response_type=code'));
    for (const page of [await openSignIn(), await openConsent(), problem]) {
      const policy = page.headers.get('content-security-policy') ?? '';
      expect(policy).toMatch(
        /^default-src 'none'; style-src 'nonce-[\w+/=]+'; form-action 'self'[^;]*; frame-ancestors 'none'; base-uri 'none'$/,
      );
      expect(page.headers.get('x-frame-options')).toBe('DENY');
      expect(page.headers.get('cache-control')).toBe('no-store');
      expect(page.text).not.toMatch(/<script|\son\w+=|javascript:/i);
    }
  });

  it('A8: shows what a client calls itself as text', async () => {
    const hostile = new TestClient(servers.publicUrl, servers.urls);
    await hostile.register({ client_name: '<img src=x onerror=alert(1)>' });
    const page = shown(await browser.open(hostile.authorizationUrl().url));
    expect(page.text).toContain('&lt;img src=x onerror=alert(1)&gt;');
  });

  it.each([
    ['without the token of the form', { csrf: '' }, {}],
    ['with the token of another form', { csrf: 'A'.repeat(43) }, {}],
    ['from another origin', {}, { origin: 'https://evil.example' }],
    ['from another site', {}, { 'sec-fetch-site': 'cross-site' }],
  ])('A8: refuses consent %s', async (_id, fields, headers) => {
    const page = shown(await browser.submit(await openConsent(), { do: 'approve', ...fields }, headers));
    expect(page.status).toBe(403);
    expect(servers.events.at(-1)).toMatchObject({ type: 'auth.rejected', reason: 'foreign_form', http_status: 403 });
  });

  it('A8: a form that is sent twice does nothing the second time', async () => {
    const consent = await openConsent();
    departed(await browser.submit(consent, { do: 'approve' }));
    const again = shown(await browser.submit(consent, { do: 'approve' }));
    expect(again.status).toBe(400);
    expect(again.text).toContain('This sign-in has expired');
  });

  it('A7: the address of an interaction is worth nothing in another browser', async () => {
    const consent = await openConsent();
    const stranger = new TestBrowser(servers.publicUrl, servers.urls);
    const page = shown(await stranger.open(consent.url));
    expect([page.status, page.text.includes('This sign-in has expired')]).toEqual([400, true]);
    const posted = shown(await stranger.submit(consent, { do: 'approve' }));
    expect(posted.status).toBe(400);
  });

  it('does not consent for somebody who has not signed in', async () => {
    const signIn = await openSignIn();
    const page = shown(await browser.submit(signIn, { do: 'approve' }));
    expect(page.text).toContain('E-mail address');
  });

  it.each([
    ['not a form', { 'content-type': 'application/json' }, '{"do":"approve"}', 403],
    ['without end', { 'content-type': 'application/x-www-form-urlencoded' }, `do=approve&x=${'a'.repeat(9000)}`, 403],
  ])('refuses a body that is %s', async (_id, headers, body, status) => {
    const consent = await openConsent();
    expect(shown(await browser.open(consent.url, { method: 'POST', headers, body })).status).toBe(status);
  });

  it('sets cookies that scripts, other sites and forgers cannot use', async () => {
    const { url } = client.authorizationUrl();
    const response = await fetch(new URL(url.pathname + url.search, servers.urls[0]), { redirect: 'manual' });
    const cookies = response.headers.getSetCookie();
    expect(cookies.map((line) => line.split('=')[0])).toEqual(
      expect.arrayContaining(['switchyard_interaction', 'switchyard_interaction.sig']),
    );
    for (const line of cookies) expect(line.toLowerCase()).toMatch(/samesite=lax; httponly/);
  });

  it('does not begin what it cannot record', async () => {
    const full = await startServers({ states: [state], clock: systemClock, dir: dir.path, audit: { accepting: false } });
    try {
      const strict = new TestClient(full.publicUrl, full.urls);
      expect(await strict.register()).toMatchObject({ status: 503, json: { error: 'temporarily_unavailable' } });
      expect((await strict.fetch('/.well-known/oauth-authorization-server')).status).toBe(200);
      const page = shown(await new TestBrowser(full.publicUrl, full.urls).open(client.authorizationUrl().url));
      expect([page.status, page.headers.get('retry-after')]).toEqual([503, '5']);
    } finally {
      await full.close();
    }
  });
});
