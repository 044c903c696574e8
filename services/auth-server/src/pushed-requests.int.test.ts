import { FakeClock } from '@switchyard/testing';
import { browserThatConsented, pushedUrl, pushRequest } from './fixtures/pushed-request.js';
import { startServers, type RunningServers } from './fixtures/running-server.js';
import { STATE_PROFILES, type OpenStates } from './fixtures/states.contract.js';
import { departed, REDIRECT_URI, shown, TestBrowser } from './fixtures/test-browser.js';
import { TestClient } from './fixtures/test-client.js';

const WEB = 'https://app.example/callback';
const PARALLEL = 8;

describe.each(STATE_PROFILES)('pushed authorization requests (RFC 9126): %s', (_id, open) => {
  let states: OpenStates;
  let servers: RunningServers;
  let client: TestClient;
  let web: TestClient;
  let secret: Record<string, string>;

  beforeAll(async () => {
    states = await open();
    servers = await startServers({
      states: states.states,
      clock: new FakeClock(Date.now()),
      dir: states.dir,
      sections: 'identity: { mode: dev, requirePushedRequests: true }',
    });
    client = new TestClient(servers.publicUrl, servers.urls);
    await client.register();
    web = new TestClient(servers.publicUrl, servers.urls);
    await web.register({ redirect_uris: [WEB] });
  });
  afterAll(async () => {
    await servers.close();
    await states[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    servers.events.length = 0;
  });

  const confidential = async () => {
    const it = new TestClient(servers.publicUrl, servers.urls);
    const { json } = await it.register({ token_endpoint_auth_method: 'client_secret_basic' });
    secret = {
      authorization: `Basic ${Buffer.from(`${it.clientId}:${String(json['client_secret'])}`).toString('base64')}`,
    };
    return it;
  };

  it('PR-1: what is pushed is what somebody is asked, and a code comes of it', async () => {
    const { answer, requestUri, verifier } = await pushRequest(client, { scope: 'unknown mcp:tools' });
    expect([answer.status, answer.json['expires_in'], answer.headers.get('cache-control')]).toEqual([201, 60, 'no-store']);
    const browser = new TestBrowser(servers.publicUrl, servers.urls);
    const signIn = shown(await browser.open(pushedUrl(client, requestUri)));
    const consent = shown(await browser.submit(signIn, { email: 'ana@example.com', do: 'sign-in' }));
    expect(consent.text).toContain('use the tools that you may use there');
    const { location } = departed(await browser.submit(consent, { do: 'approve' }));
    const code = location.searchParams.get('code') ?? '';
    const tokens = await client.redeem({ code, verifier, redirectUri: REDIRECT_URI });
    expect(tokens).toMatchObject({ status: 200, json: { scope: 'mcp:tools' } });
  });

  it('PR-2: what was answered once is not answered again, later and in another browser too', async () => {
    const browser = await browserThatConsented(web, WEB);
    const { requestUri } = await pushRequest(web, { redirect_uri: WEB });
    expect(departed(await browser.open(pushedUrl(web, requestUri))).location.searchParams.get('code')).not.toBeNull();
    servers.events.length = 0;
    for (const other of [browser, new TestBrowser(servers.publicUrl, servers.urls)]) {
      const page = shown(await other.open(pushedUrl(web, requestUri)));
      expect([page.status, page.text.includes('invalid_request_uri')]).toEqual([400, true]);
    }
    expect(servers.events.map(({ type, reason }) => [type, reason])).toEqual(
      Array(2).fill(['auth.rejected', 'invalid_request_uri']),
    );
  });

  it(`PR-3: of ${PARALLEL} who answer one at once, one gets a code, 5 times`, async () => {
    const browser = await browserThatConsented(web, WEB);
    for (let round = 0; round < 5; round += 1) {
      const { requestUri } = await pushRequest(web, { redirect_uri: WEB });
      const answers = await Promise.all(Array.from({ length: PARALLEL }, () => browser.open(pushedUrl(web, requestUri))));
      const codes = answers.filter((answer) => 'location' in answer && answer.location.searchParams.has('code'));
      expect(codes).toHaveLength(1);
      // Who came before the winner had answered is sent back with the error, and `iss` (RFC 9207 §2).
      const sentBack = answers.filter((answer) => 'location' in answer && !answer.location.searchParams.has('code'));
      for (const answer of sentBack) {
        const { searchParams } = departed(answer).location;
        expect([searchParams.get('error'), searchParams.get('iss')]).toEqual(['invalid_request_uri', servers.publicUrl]);
      }
    }
  });

  it('PR-4: two who were shown the page: who approves first gets the code, however long it took', async () => {
    const { requestUri } = await pushRequest(client);
    const consents = await Promise.all(
      [1, 2].map(async () => {
        const browser = new TestBrowser(servers.publicUrl, servers.urls);
        const signIn = shown(await browser.open(pushedUrl(client, requestUri)));
        return { browser, page: shown(await browser.submit(signIn, { email: 'ana@example.com', do: 'sign-in' })) };
      }),
    );
    const ends = [];
    for (const { browser, page } of consents)
      ends.push(departed(await browser.submit(page, { do: 'approve' })).location.searchParams);
    expect(ends.map((end) => [end.has('code'), end.get('error')])).toEqual([
      [true, null],
      [false, 'invalid_request_uri'],
    ]);
  });

  it('PR-5: another client cannot use it', async () => {
    const { requestUri } = await pushRequest(web, { redirect_uri: WEB });
    const page = shown(await new TestBrowser(servers.publicUrl, servers.urls).open(pushedUrl(client, requestUri)));
    expect([page.status, page.text.includes('invalid_request')]).toEqual([400, true]);
  });

  it('PR-6: parameters beside it are not read', async () => {
    const browser = await browserThatConsented(web, WEB);
    const { requestUri } = await pushRequest(web, { redirect_uri: WEB, state: 'pushed' });
    const url = pushedUrl(web, requestUri);
    url.searchParams.set('state', 'beside');
    url.searchParams.set('redirect_uri', 'https://evil.example/');
    const { location } = departed(await browser.open(url));
    expect([location.origin, location.searchParams.get('state')]).toEqual(['https://app.example', 'pushed']);
  });

  it.each<[id: string, over: Record<string, string | undefined>, error: string]>([
    ['PR-7 a redirect URI that is not registered', { redirect_uri: 'https://evil.example/' }, 'invalid_request'],
    ['PR-8 no code challenge (A3)', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['PR-9 a plain code challenge (A3)', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['PR-10 no such resource (A11)', { resource: 'https://elsewhere.example/mcp' }, 'invalid_target'],
    [
      'PR-11 a pushed request in a pushed request',
      { request_uri: 'urn:ietf:params:oauth:request_uri:x' },
      'request_uri_not_supported',
    ],
    ['PR-12 an implicit grant', { response_type: 'token' }, 'unsupported_response_type'],
  ])('%s is refused at once', async (_what, over, error) => {
    const { answer } = await pushRequest(client, over);
    expect([answer.status, answer.json['error']]).toEqual([400, error]);
    expect(servers.events.map(({ type, reason }) => [type, reason])).toEqual([['auth.rejected', error]]);
  });

  it('PR-13: confidential clients must push; who they are is checked then', async () => {
    const own = await confidential();
    const page = await new TestBrowser(servers.publicUrl, servers.urls).open(own.authorizationUrl().url);
    const { searchParams } = departed(page).location;
    expect([searchParams.get('error'), searchParams.get('iss')]).toEqual(['invalid_request', servers.publicUrl]);
    expect((await pushRequest(own)).answer).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
    const { answer, requestUri } = await pushRequest(own, {}, secret);
    expect(answer.status).toBe(201);
    expect(shown(await new TestBrowser(servers.publicUrl, servers.urls).open(pushedUrl(own, requestUri))).status).toBe(200);
  });
});
