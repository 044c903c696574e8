import { eventually, FakeClock } from '@switchyard/testing';
import { publishServers, startServers, type RunningServers } from './fixtures/running-server.js';
import { STATE_PROFILES, type OpenStates } from './fixtures/states.contract.js';
import { shown, TestBrowser } from './fixtures/test-browser.js';
import { TestClient } from './fixtures/test-client.js';

const PAY = 'mcp:work:pay';

describe.each(STATE_PROFILES)('scopes: %s', (_id, open) => {
  let states: OpenStates;
  let servers: RunningServers;
  let client: TestClient;

  beforeAll(async () => {
    states = await open();
    servers = await startServers({ states: states.states, clock: new FakeClock(Date.now()), dir: states.dir });
    const [publisher] = states.states;
    if (publisher === undefined) throw new Error('no store');
    await publishServers(publisher, ['work', 'open'], [], [{ name: 'pay', title: 'pay bills' }]);
    client = new TestClient(servers.publicUrl, servers.urls);
    await client.register();
    // Each replica hears of the snapshot by itself.
    for (const url of servers.urls) {
      const own = new TestClient(servers.publicUrl, [url]);
      own.clientId = client.clientId;
      await eventually(async () => (await grantedTo(own, PAY)) === PAY);
    }
  });
  afterAll(async () => {
    await servers.close();
    await states[Symbol.asyncDispose]();
  });

  const grantedTo = async (who: TestClient, scope: string | undefined, resource?: string) => {
    const code = await who.obtainCode({ scope, ...(resource === undefined ? {} : { resource }) });
    return (await who.redeem(code)).json['scope'];
  };

  it.each<[id: string, asked: string | undefined, granted: string]>([
    ['SG-1 nothing: the usual', undefined, 'mcp'],
    ['SG-2 scopes of another server', 'read:user repo', 'mcp'],
    ['SG-3 one kind', 'mcp:tools', 'mcp:tools'],
    ['SG-4 two kinds', 'mcp:resources mcp:prompts', 'mcp:resources mcp:prompts'],
    ['SG-5 everything that a client may ask for from the start', 'mcp mcp:tools mcp:prompts mcp:resources', 'mcp'],
    ['SG-6 more, as a client does that is told to', `mcp ${PAY}`, `mcp ${PAY}`],
    ['SG-7 a scope of another server of the gateway', 'mcp mcp:open:pay', 'mcp'],
    ['SG-8 a scope that is none', 'mcp:tools mcp:work:fly', 'mcp:tools'],
  ])('%s', async (_what, asked, granted) => {
    expect(await grantedTo(client, asked)).toBe(granted);
  });

  it('SG-9 of every server, for the gateway as a whole', async () => {
    const scope = `mcp:tools ${PAY} mcp:open:pay`;
    expect(await grantedTo(client, scope, `${servers.publicUrl}/mcp`)).toBe(scope);
  });

  it('SG-11 are said in words on the page for consent', async () => {
    const browser = new TestBrowser(servers.publicUrl, servers.urls);
    const signIn = shown(await browser.open(client.authorizationUrl({ scope: `mcp ${PAY}` }).url));
    const { text } = shown(await browser.submit(signIn, { email: 'ana@example.com', do: 'sign-in' }));
    for (const words of ['use what you may use there', 'pay bills']) expect(text).toContain(`<li>${words}`);
  });

  it('SG-12 are asked about again where a client wants more than somebody said yes to', async () => {
    const web = new TestClient(servers.publicUrl, servers.urls);
    const redirect_uri = 'https://app.example/callback';
    await web.register({ redirect_uris: [redirect_uri] });
    const browser = new TestBrowser(servers.publicUrl, servers.urls);
    const ask = (scope: string) => browser.open(web.authorizationUrl({ scope, redirect_uri }).url);
    const signIn = shown(await ask('mcp'));
    const consent = shown(await browser.submit(signIn, { email: 'ana@example.com', do: 'sign-in' }));
    expect(await browser.submit(consent, { do: 'approve' })).toHaveProperty('location');
    expect(await ask('mcp')).toHaveProperty('location');
    expect(shown(await ask(`mcp ${PAY}`)).text).toContain('pay bills');
  });

  const refreshTokenOf = async (scope: string) => {
    const { json } = await client.redeem(await client.obtainCode({ scope }));
    return String(json['refresh_token']);
  };

  it.each([
    ['from one kind to another', 'mcp:tools', 'mcp:tools mcp:prompts'],
    ['from one kind to all', 'mcp:tools', 'mcp'],
    ['to what stands guard', 'mcp', `mcp ${PAY}`],
    ['to what there is not', 'mcp', 'mcp everything'],
  ])('A12: wider at refresh is refused, and takes nothing away: %s', async (_what, granted, asked) => {
    const token = await refreshTokenOf(granted);
    servers.events.length = 0;
    expect(await client.refresh(token, { scope: asked })).toMatchObject({ status: 400, json: { error: 'invalid_scope' } });
    expect(servers.events).toEqual([expect.objectContaining({ type: 'auth.rejected', reason: 'invalid_scope' })]);
    expect(await client.refresh(token)).toMatchObject({ status: 200, json: { scope: granted } });
  });

  it('A12: narrower at refresh is given, for that access token alone', async () => {
    const narrow = await client.refresh(await refreshTokenOf(`mcp ${PAY}`), { scope: 'mcp' });
    expect(narrow).toMatchObject({ status: 200, json: { scope: 'mcp' } });
    const again = await client.refresh(String(narrow.json['refresh_token']));
    expect(again.json['scope']).toBe(`mcp ${PAY}`);
  });
});
