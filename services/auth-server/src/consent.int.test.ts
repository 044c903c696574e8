import { BUCKETS } from '@switchyard/contracts';
import { SqliteState } from '@switchyard/state';
import { FakeClock, tempDir, type TempDir } from '@switchyard/testing';
import path from 'node:path';
import { Ended } from './revocation/ended.js';
import { startServers, type RunningServers } from './fixtures/running-server.js';
import { departed, shown, TestBrowser } from './fixtures/test-browser.js';
import { TestClient } from './fixtures/test-client.js';
import { RememberedConsents } from './provider/remembered-consents.js';
import { RevocationRegister } from './revocation/revocation-register.js';
import { OidcStore } from './store/oidc-store.js';

const WEB = 'https://app.example/cb';
type Over = Record<string, string | undefined>;

describe('consent', () => {
  let dir: TempDir;
  let state: SqliteState;
  let servers: RunningServers;
  let browser: TestBrowser;
  const clock = new FakeClock(Date.now());

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

  const clientWith = async (...redirect_uris: string[]) => {
    const client = new TestClient(servers.publicUrl, servers.urls);
    await client.register({ redirect_uris });
    return client;
  };
  /** Signs in and approves once. */
  const approve = async (client: TestClient, over: Over) => {
    browser = new TestBrowser(servers.publicUrl, servers.urls);
    const consent = shown(
      await browser.submit(shown(await browser.open(client.authorizationUrl(over).url)), {
        email: 'ana@example.com',
        do: 'sign-in',
      }),
    );
    return departed(await browser.submit(consent, { do: 'approve' }));
  };
  const codeOf = ({ location }: { location: URL }) => location.searchParams.get('code');

  it('is remembered for a client with a host of its own; each authorization is a grant of its own', async () => {
    const client = await clientWith(WEB);
    const first = await approve(client, { redirect_uri: WEB });
    const { url, verifier } = client.authorizationUrl({ redirect_uri: WEB });
    const again = departed(await browser.open(url));
    expect(again.location.origin + again.location.pathname).toBe(WEB);
    expect([codeOf(first), codeOf(again)]).toEqual([expect.any(String), expect.any(String)]);
    const tokens = await client.redeem({ code: codeOf(again) ?? '', verifier, redirectUri: WEB });
    expect([tokens.status, tokens.json['scope']]).toEqual([200, 'mcp']);
  });

  it.each<[id: string, redirectUris: string[], first: Over, then: Over]>([
    ['A6: loopback', ['http://127.0.0.1:5123/callback'], {}, {}],
    [
      'A6: a scheme that any app may take',
      ['cursor://x/cb'],
      { redirect_uri: 'cursor://x/cb' },
      { redirect_uri: 'cursor://x/cb' },
    ],
    ['another redirect URI', [WEB, `${WEB}2`], { redirect_uri: WEB }, { redirect_uri: `${WEB}2` }],
    [
      'A6: loopback of a client that also has a host',
      [WEB, 'http://127.0.0.1/cb'],
      { redirect_uri: WEB },
      { redirect_uri: 'http://127.0.0.1/cb' },
    ],
    ['another server', [WEB], { redirect_uri: WEB }, { redirect_uri: WEB, resource: 'http://localhost:8080/mcp/open' }],
    ['the gateway as a whole', [WEB], { redirect_uri: WEB }, { redirect_uri: WEB, resource: undefined }],
    ['more scopes', [WEB], { redirect_uri: WEB }, { redirect_uri: WEB, scope: 'mcp openid' }],
    ['a client that wants it', [WEB], { redirect_uri: WEB }, { redirect_uri: WEB, prompt: 'consent' }],
  ])('is asked for again: %s', async (_id, redirectUris, first, then) => {
    const client = await clientWith(...redirectUris);
    await approve(client, first);
    expect(shown(await browser.open(client.authorizationUrl(then).url)).text).toContain('Allow Test client');
  });

  it('is asked for again: another client of the same host, and another person', async () => {
    const client = await clientWith(WEB);
    await approve(client, { redirect_uri: WEB });
    const other = await clientWith(WEB);
    expect(shown(await browser.open(other.authorizationUrl({ redirect_uri: WEB }).url)).text).toContain('Allow Test client');
    const somebody = new TestBrowser(servers.publicUrl, servers.urls);
    const signIn = shown(await somebody.open(client.authorizationUrl({ redirect_uri: WEB }).url));
    const page = shown(await somebody.submit(signIn, { email: 'bob@example.com', do: 'sign-in' }));
    expect(page.text).toContain('Allow Test client');
  });

  it('is taken back by a no', async () => {
    const client = await clientWith(WEB);
    await approve(client, { redirect_uri: WEB });
    const asked = shown(await browser.open(client.authorizationUrl({ redirect_uri: WEB, prompt: 'consent' }).url));
    departed(await browser.submit(asked, { do: 'deny' }));
    expect(shown(await browser.open(client.authorizationUrl({ redirect_uri: WEB }).url)).text).toContain('Allow Test client');
  });

  it('is forgotten after 30 days', async () => {
    const client = await clientWith(WEB);
    const signInAgain = async () => {
      const { url, verifier } = client.authorizationUrl({ redirect_uri: WEB });
      const fresh = new TestBrowser(servers.publicUrl, servers.urls);
      return { verifier, end: await fresh.submit(shown(await fresh.open(url)), { email: 'ana@example.com', do: 'sign-in' }) };
    };
    await approve(client, { redirect_uri: WEB });
    // A client that nobody signs in with would be gone after a day.
    const { end, verifier } = await signInAgain();
    expect((await client.redeem({ code: codeOf(departed(end)) ?? '', verifier, redirectUri: WEB })).status).toBe(200);
    clock.advance(30 * 86_400_000 - 60_000);
    departed((await signInAgain()).end);
    clock.advance(60_000);
    expect(shown((await signInAgain()).end).text).toContain('Allow Test client');
  });

  it('is forgotten when somebody is signed out everywhere', async () => {
    const store = new OidcStore(await state.bucket(BUCKETS.oidc, 'another'));
    const register = await RevocationRegister.open(state, 'another');
    const ended = new Ended('person', store, register, clock);
    const endedClients = new Ended('client', store, register, clock);
    const consents = new RememberedConsents({ store, ended, endedClients, clock });
    const consent = { accountId: 'usr_1', clientId: 'c', redirectUri: WEB, resource: 'r', scope: 'mcp' };
    await consents.remember(consent);
    expect([await consents.has(consent), await consents.has({ ...consent, accountId: 'usr_2' })]).toEqual([true, false]);
    await ended.end('usr_1');
    expect(await consents.has(consent)).toBe(false);
    clock.advance(1_000);
    await consents.remember(consent);
    expect(await consents.has(consent)).toBe(true);
  });

  it('sends nobody to the client without a sign-in, whatever was approved', async () => {
    const client = await clientWith(WEB);
    await approve(client, { redirect_uri: WEB });
    const stranger = new TestBrowser(servers.publicUrl, servers.urls);
    expect(shown(await stranger.open(client.authorizationUrl({ redirect_uri: WEB }).url)).text).toContain('E-mail address');
    const { location } = departed(await stranger.open(client.authorizationUrl({ redirect_uri: WEB, prompt: 'none' }).url));
    expect(location.searchParams.get('error')).toBe('login_required');
  });
});
