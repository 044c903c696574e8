import { systemClock } from '@switchyard/runtime';
import { SqliteState } from '@switchyard/state';
import { tempDir, type TempDir } from '@switchyard/testing';
import path from 'node:path';
import { publishServers, startServers, type RunningServers } from './fixtures/running-server.js';
import { departed, shown, TestBrowser } from './fixtures/test-browser.js';
import { TestClient, type JsonAnswer } from './fixtures/test-client.js';

type Parameters = Record<string, string | readonly string[] | undefined>;

const PUBLIC_URL = 'http://localhost:8080';

describe('what the authorization server refuses', () => {
  let dir: TempDir;
  let state: SqliteState;
  let servers: RunningServers;
  let native: TestClient;
  let web: TestClient;
  let browser: TestBrowser;

  beforeAll(async () => {
    dir = await tempDir();
    state = SqliteState.open(path.join(dir.path, 'state.sqlite'));
    servers = await startServers({ states: [state], clock: systemClock, dir: dir.path, publicUrl: PUBLIC_URL });
    native = new TestClient(servers.publicUrl, servers.urls);
    await native.register();
    web = new TestClient(servers.publicUrl, servers.urls);
    await web.register({ redirect_uris: ['https://app.example/cb'] });
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

  const audienceOf = ({ json }: JsonAnswer) =>
    (JSON.parse(Buffer.from(String(json['access_token']).split('.')[1] ?? '', 'base64url').toString()) as { aud: unknown }).aud;

  describe('A3: PKCE', () => {
    it.each<[string, Parameters]>([
      ['absent', { code_challenge: undefined, code_challenge_method: undefined }],
      ['plain', { code_challenge_method: 'plain' }],
      ['no method, which would mean plain', { code_challenge_method: undefined }],
      ['a challenge that is too short', { code_challenge: 'abc' }],
      ['a method without a challenge', { code_challenge: undefined }],
    ])('%s: invalid_request, with iss, and no page', async (_id, over) => {
      const { location } = departed(await browser.open(native.authorizationUrl(over).url));
      expect(Object.fromEntries(location.searchParams)).toMatchObject({
        error: 'invalid_request',
        iss: PUBLIC_URL,
        state: 'state-1',
      });
    });

    it.each([
      ['wrong', 'v'.repeat(43), 'invalid_grant'],
      ['too short', 'short', 'invalid_request'],
      ['empty', '', 'invalid_grant'],
    ])('a verifier that is %s: no token', async (_id, verifier, error) => {
      const code = await native.obtainCode();
      expect(await native.redeem({ ...code, verifier })).toMatchObject({ status: 400, json: { error } });
      expect(servers.events.at(-1)).toMatchObject({
        type: 'auth.rejected',
        outcome: 'denied',
        reason: error,
        http_status: 400,
      });
    });

    it('is required of confidential clients too', async () => {
      const confidential = new TestClient(servers.publicUrl, servers.urls);
      await confidential.register({ token_endpoint_auth_method: 'client_secret_post' });
      const { url } = confidential.authorizationUrl({ code_challenge: undefined, code_challenge_method: undefined });
      expect(departed(await browser.open(url)).location.searchParams.get('error')).toBe('invalid_request');
    });
  });

  describe('A4: where the answer goes', () => {
    it.each<[string, 'native' | 'web', string | undefined]>([
      ['not registered', 'web', 'https://evil.example/cb'],
      ['another path', 'web', 'https://app.example/cb/../evil'],
      ['another port', 'web', 'https://app.example:8443/cb'],
      ['with a query added', 'web', 'https://app.example/cb?x=1'],
      ['with a fragment', 'web', 'https://app.example/cb#x'],
      ['with userinfo', 'web', 'https://user@app.example/cb'],
      ['with a host in capitals', 'web', 'https://APP.example/cb'],
      ['http instead of https', 'web', 'http://app.example/cb'],
      ['javascript:', 'web', 'javascript:alert(1)'],
      ['loopback that is not registered', 'web', 'http://127.0.0.1/cb'],
      ['none', 'web', undefined],
      ['another loopback path', 'native', 'http://127.0.0.1:5123/evil'],
      ['another loopback host', 'native', 'http://localhost:5123/callback'],
      ['loopback as userinfo', 'native', 'http://127.0.0.1:5123@evil.example/callback'],
    ])('%s: a page, never a redirect', async (_id, kind, redirectUri) => {
      const client = kind === 'web' ? web : native;
      const page = shown(await browser.open(client.authorizationUrl({ redirect_uri: redirectUri }).url));
      expect(page.status).toBe(400);
      expect(page.text).toContain('Go back to the app and connect again');
      expect(page.headers.get('location')).toBeNull();
    });

    it('any port of a registered loopback address (RFC 8252 §7.3): signed in', async () => {
      const redirectUri = 'http://127.0.0.1:61234/callback';
      const code = await native.obtainCode({ redirect_uri: redirectUri });
      expect((await native.redeem(code)).status).toBe(200);
      const other = await native.obtainCode({ redirect_uri: redirectUri });
      expect(await native.redeem({ ...other, redirectUri: 'http://127.0.0.1:61235/callback' })).toMatchObject({
        json: { error: 'invalid_grant' },
      });
    });

    it('an app scheme: signed in', async () => {
      const cursor = new TestClient(servers.publicUrl, servers.urls);
      const redirectUri = 'cursor://anysphere.cursor-mcp/oauth/callback';
      await cursor.register({ redirect_uris: [redirectUri] });
      expect((await cursor.redeem(await cursor.obtainCode({ redirect_uri: redirectUri }))).status).toBe(200);
    });

    it('an app that is not registered: a page that says how to go on', async () => {
      const page = shown(await browser.open(native.authorizationUrl({ client_id: 'nobody' }).url));
      expect(page.text).toContain('Remove this server in the app, add it again, and connect');
      expect(servers.events.at(-1)).toMatchObject({ type: 'auth.rejected', reason: 'invalid_client' });
    });
  });

  describe('A11: resource indicators', () => {
    it.each<[string, Parameters]>([
      ['unknown server', { resource: `${PUBLIC_URL}/mcp/nowhere` }],
      ['another gateway', { resource: 'https://evil.example/mcp/work' }],
      ['fragment', { resource: `${PUBLIC_URL}/mcp/work#a` }],
      ['path in capitals', { resource: `${PUBLIC_URL}/MCP/work` }],
      ['doubled slash', { resource: `${PUBLIC_URL}//mcp/work` }],
      ['not absolute', { resource: '/mcp/work' }],
      ['two', { resource: [`${PUBLIC_URL}/mcp/work`, `${PUBLIC_URL}/mcp/open`] }],
      ['the same twice', { resource: [`${PUBLIC_URL}/mcp/work`, `${PUBLIC_URL}/mcp/work`] }],
    ])('%s: invalid_target, with iss', async (_id, over) => {
      const { location } = departed(await browser.open(native.authorizationUrl(over).url));
      expect(Object.fromEntries(location.searchParams)).toMatchObject({ error: 'invalid_target', iss: PUBLIC_URL });
    });

    it.each([
      ['absent: the gateway as a whole', undefined, `${PUBLIC_URL}/mcp`],
      ['the gateway as a whole', `${PUBLIC_URL}/mcp`, `${PUBLIC_URL}/mcp`],
      ['a server', `${PUBLIC_URL}/mcp/open`, `${PUBLIC_URL}/mcp/open`],
      ['a slash at its end', `${PUBLIC_URL}/mcp/open/`, `${PUBLIC_URL}/mcp/open`],
      ['host in capitals', 'http://LOCALHOST:8080/mcp/open', `${PUBLIC_URL}/mcp/open`],
    ])('%s: one audience, in its one spelling', async (_id, resource, audience) => {
      const code = await native.obtainCode({ resource });
      const tokens = await native.redeem(code, resource === undefined ? {} : { resource });
      expect([tokens.status, audienceOf(tokens)]).toEqual([200, audience]);
      expect(audienceOf(await native.refresh(String(tokens.json['refresh_token'])))).toBe(audience);
    });

    it('a token request for a resource that was not granted: invalid_target', async () => {
      const elsewhere = { resource: `${PUBLIC_URL}/mcp/open` };
      expect(await native.redeem(await native.obtainCode(), elsewhere)).toMatchObject({
        status: 400,
        json: { error: 'invalid_target' },
      });
      const tokens = await native.redeem(await native.obtainCode());
      const refreshToken = String(tokens.json['refresh_token']);
      expect(await native.refresh(refreshToken, elsewhere)).toMatchObject({ status: 400, json: { error: 'invalid_target' } });
      expect((await native.refresh(refreshToken)).status).toBe(200);
    });

    it('a server that is no longer configured: invalid_target, until it is there again', async () => {
      const tokens = await native.redeem(await native.obtainCode({ resource: `${PUBLIC_URL}/mcp/open` }));
      await publishServers(state, ['work']);
      const { url } = native.authorizationUrl({ resource: `${PUBLIC_URL}/mcp/open` });
      expect(departed(await browser.open(url)).location.searchParams.get('error')).toBe('invalid_target');
      await publishServers(state, ['work', 'open']);
      expect((await native.refresh(String(tokens.json['refresh_token']))).status).toBe(200);
    });
  });

  describe('A12 and the rest of the token endpoint', () => {
    it('a refresh never widens the scope', async () => {
      const tokens = await native.redeem(await native.obtainCode());
      const wider = await native.refresh(String(tokens.json['refresh_token']), { scope: 'mcp openid' });
      expect(wider).toMatchObject({ status: 400, json: { error: 'invalid_scope' } });
    });

    it.each<[string, Record<string, string>, number, string]>([
      ['an unknown client', { client_id: 'nobody', grant_type: 'refresh_token', refresh_token: 'x' }, 401, 'invalid_client'],
      ['a grant that it is not registered for', { grant_type: 'client_credentials' }, 400, 'invalid_request'],
      ['a password', { grant_type: 'password', username: 'a', password: 'b' }, 400, 'unsupported_grant_type'],
      ['no grant type', {}, 400, 'invalid_request'],
      [
        'an unknown code',
        {
          grant_type: 'authorization_code',
          code: 'x',
          redirect_uri: 'http://127.0.0.1:5123/callback',
          code_verifier: 'v'.repeat(43),
        },
        400,
        'invalid_grant',
      ],
      ['an unknown refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }, 400, 'invalid_grant'],
    ])('%s', async (_id, parameters, status, error) => {
      const answer = await native.token(parameters);
      expect([answer.status, answer.json['error'], answer.headers.get('cache-control')]).toEqual([status, error, 'no-store']);
      expect(servers.events.at(-1)).toMatchObject({ type: 'auth.rejected', reason: error });
    });

    it('another client cannot redeem a code', async () => {
      const code = await native.obtainCode();
      const thief = new TestClient(servers.publicUrl, servers.urls);
      await thief.register();
      expect(await thief.redeem(code)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    });

    it.each(['token', 'id_token', 'code id_token', 'none'])('response type %s', async (responseType) => {
      const { location } = departed(await browser.open(native.authorizationUrl({ response_type: responseType, nonce: 'n' }).url));
      const answered = new URLSearchParams(location.search || location.hash.slice(1));
      expect([answered.get('error'), answered.get('iss')]).toEqual(['unsupported_response_type', PUBLIC_URL]);
    });

    it('what is not there is not found', async () => {
      for (const path of ['/oauth/nowhere', '/oauth/interaction/', '/oauth/authorize/x/y', '/oauth/session/end']) {
        expect((await native.fetch(path)).status).toBe(404);
      }
    });
  });
});
