import { LocalRpc } from '@switchyard/messaging';
import { SqliteState } from '@switchyard/state';
import { FakeClock, tempDir } from '@switchyard/testing';
import path from 'node:path';
import { startCompanyIdp, type CompanyIdp } from './fixtures/company-idp.js';
import { publishServers, startServers, type RunningServers } from './fixtures/running-server.js';
import { startSecretKeeper, type SecretKeeper } from './fixtures/secret-keeper.fixture.js';
import { departed, REDIRECT_URI, shown, TestBrowser } from './fixtures/test-browser.js';
import { TestClient } from './fixtures/test-client.js';

const PUBLIC_URL = 'http://localhost:8080';
const LEASE_MS = 300_000;
const [OF_SERVICE, OF_APP] = ['s'.repeat(40), 'a'.repeat(40)];

describe('secrets of the section identity that the token vault keeps', () => {
  const undo = new AsyncDisposableStack();
  const clock = new FakeClock(Date.now());
  let idp: CompanyIdp;
  let keeper: SecretKeeper;
  let servers: RunningServers;
  let client: TestClient;
  let values: Record<string, string>;

  /** A server that has leased nothing yet. */
  beforeEach(async () => {
    await using open = new AsyncDisposableStack();
    const { path: dir } = open.use(await tempDir());
    const state = open.adopt(SqliteState.open(path.join(dir, 'state.sqlite')), (it) => it.close());
    idp = open.use(await startCompanyIdp([`${PUBLIC_URL}/oauth/callback/company`]));
    idp.who = { sub: '00u1', claims: { email: 'ana@example.com', email_verified: true } };
    idp.employees.set('00u1', idp.who);
    const rpc = new LocalRpc();
    keeper = open.use(await startSecretKeeper(rpc, clock, LEASE_MS));
    values = { '${secret:idp}': idp.clientSecret, '${secret:robot}': OF_SERVICE, '${secret:desk}': OF_APP };
    keeper.values = values;
    const sections = `
identity:
  mode: oidc
  oidc: { title: Example Corp, issuer: "${idp.issuer}", clientId: switchyard, clientSecret: "\${secret:idp}" }
  services: { robot: { clientSecret: "\${secret:robot}", servers: ["*"] } }
`;
    servers = await startServers({ states: [state], rpcs: [rpc], clock, dir, sections });
    open.defer(() => servers.close());
    const app = { clientId: 'desk', title: 'Desk', redirectUris: [REDIRECT_URI], secretReference: '${secret:desk}' };
    await publishServers(state, ['work', 'open'], [], [], [app]);
    client = new TestClient(servers.publicUrl, servers.urls);
    undo.use(open.move());
  });
  afterAll(() => undo.disposeAsync(), 60_000);

  async function signIn(as = client, over: Record<string, string> = {}) {
    const browser = new TestBrowser(servers.publicUrl, servers.urls, [idp.issuer]);
    const { url, verifier } = as.authorizationUrl();
    const end = await browser.submit(shown(await browser.open(url)), { provider: 'company' });
    const page = shown(end);
    if (page.status !== 200) return page.status;
    const code = departed(await browser.submit(page, { do: 'approve' })).location.searchParams.get('code') ?? '';
    return (await as.redeem({ code, verifier, redirectUri: REDIRECT_URI }, over)).status;
  }
  const robot = (secret = OF_SERVICE) =>
    client.fetch('/oauth/token', {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`robot:${secret}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource: `${PUBLIC_URL}/mcp/work` }),
    });
  const reasons = () => servers.events.filter(({ outcome }) => outcome === 'denied').map(({ reason }) => reason);

  it('VS-1 are shown to the provider, and let services and apps in, with one lease for all', async () => {
    await client.register();
    expect(await signIn()).toBe(200);
    expect((await robot()).status).toBe(200);
    expect((await robot('x'.repeat(40))).status).toBe(401);
    const desk = new TestClient(servers.publicUrl, servers.urls);
    desk.clientId = 'desk';
    expect(await signIn(desk, { client_secret: OF_APP })).toBe(200);
    expect(keeper.leases).toBe(1);
  });

  it('VS-2 another one is used when the lease has ended', async () => {
    const other = 'o'.repeat(40);
    expect((await robot()).status).toBe(200);
    keeper.values = { ...values, '${secret:robot}': other };
    expect((await robot(other)).status).toBe(401);
    clock.advance(LEASE_MS + 1);
    expect((await robot(other)).status).toBe(200);
    expect((await robot()).status).toBe(401);
  });

  it('VS-3 what the vault does not have yet is asked for again', async () => {
    await client.register();
    keeper.values = undefined;
    expect(await signIn()).toBe(500);
    expect((await robot()).json).toMatchObject({ error: 'temporarily_unavailable' });
    keeper.values = { '${secret:robot}': OF_SERVICE };
    expect((await robot()).status).toBe(200);
    expect(await signIn()).toBe(500);
    expect(reasons()).toContain('idp_misconfigured');
    keeper.values = values;
    clock.advance(1_001);
    expect(await signIn()).toBe(200);
  });

  it('VS-4 one that is too short, or no key, opens nothing', async () => {
    keeper.values = { ...values, '${secret:robot}': 'short' };
    expect((await robot('short')).json).toMatchObject({ error: 'invalid_client' });
  });

  it('VS-5 a vault that is away keeps nobody out who could be let in before', async () => {
    await client.register();
    keeper.isBroken = true;
    expect(await signIn()).toBe(503);
    expect((await robot()).json).toMatchObject({ error: 'temporarily_unavailable' });
    keeper.isBroken = false;
    expect(await signIn()).toBe(200);
    keeper.isBroken = true;
    clock.advance(LEASE_MS + 1);
    expect((await robot()).status).toBe(200);
    expect(await signIn()).toBe(200);
  });
});
