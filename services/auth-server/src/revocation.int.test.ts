import { FakeClock } from '@switchyard/testing';
import { claimsOf, deadTokens } from './fixtures/dead-tokens.js';
import { startServers, type RunningServers } from './fixtures/running-server.js';
import { STATE_PROFILES, type OpenStates } from './fixtures/states.contract.js';
import { TestClient, type JsonAnswer } from './fixtures/test-client.js';

// Access tokens are JWTs that edges verify alone: what edges hear of is what ends them.
describe.each(STATE_PROFILES)('what edges are told of what is revoked: %s', (_id, open) => {
  let states: OpenStates;
  let servers: RunningServers;
  let client: TestClient;
  let dead: Awaited<ReturnType<typeof deadTokens>>;
  const clock = new FakeClock(Date.now());

  beforeAll(async () => {
    states = await open();
    servers = await startServers({ states: states.states, clock, dir: states.dir });
    client = new TestClient(servers.publicUrl, servers.urls);
    await client.register();
    dead = await deadTokens(states.states[0]!);
  });
  afterAll(async () => {
    await dead.close();
    await servers.close();
    await states[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    servers.events.length = 0;
  });

  const signIn = async (by = client) => (await by.redeem(await by.obtainCode())).json;
  const revoke = (token: unknown, over: Record<string, string> = {}): Promise<JsonAnswer> =>
    client.fetch('/oauth/revoke', {
      method: 'POST',
      body: new URLSearchParams({ client_id: client.clientId, token: String(token), ...over }),
    });
  const event = (type: string) => servers.events.filter((one) => one.type === type);

  it.each([undefined, 'access_token', 'refresh_token'])(
    'A20: an access token that is revoked is dead, alone (RFC 7009), with token_type_hint %s',
    async (hint) => {
      const [one, other] = [await signIn(), await signIn()];
      const again = (await client.refresh(String(one['refresh_token']))).json;
      const answer = await revoke(one['access_token'], hint === undefined ? {} : { token_type_hint: hint });
      expect([answer.status, answer.text]).toEqual([200, '']);
      expect(await Promise.all([one, again, other].map((json) => dead.has(json['access_token'])))).toEqual([true, false, false]);
      const { jti, sub, sy_grant: grant } = claimsOf(one['access_token']);
      expect(event('auth.token_revoked')).toEqual([
        expect.objectContaining({
          ...{ outcome: 'ok', reason: 'revoked_by_client', client_id: client.clientId, principal_subject: sub },
          detail: { token: jti, grant },
        }),
      ]);
      expect(event('auth.rejected')).toEqual([]);
      expect((await client.refresh(String(again['refresh_token']))).status).toBe(200);
    },
  );

  it('A20: of a refresh token, the access tokens of its grant die with it', async () => {
    const [one, other] = [await signIn(), await signIn()];
    const again = (await client.refresh(String(one['refresh_token']))).json;
    expect((await revoke(again['refresh_token'])).status).toBe(200);
    expect(await Promise.all([one, again, other].map((json) => dead.has(json['access_token'])))).toEqual([true, true, false]);
  });

  it.each<[what: string, token: () => Promise<string>]>([
    ['nonsense', async () => 'nonsense'],
    ['a JWT of nobody', async () => 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IngifQ.e30.AAAA'],
    ['an altered token', async () => `${String((await signIn())['access_token']).slice(0, -4)}AAAA`],
    ['a token that is over', async () => overdue(await signIn())],
  ])('A20: %s is as good as revoked, and nothing is told (RFC 7009 §2.2)', async (_what, token) => {
    const text = await token();
    servers.events.length = 0;
    expect((await revoke(text)).status).toBe(200);
    clock.setWallClock(Date.now());
    expect(servers.events).toEqual([]);
    if (text.split('.').length === 3 && text.length > 200) expect(await dead.has(text)).toBe(false);
  });

  const overdue = (json: Record<string, unknown>) => {
    clock.advance(400_000);
    return String(json['access_token']);
  };

  it.each(['access_token', 'refresh_token'])('A20: a client is told that it cannot revoke another one’s %s', async (kind) => {
    const other = new TestClient(servers.publicUrl, servers.urls);
    await other.register();
    const json = await signIn(other);
    const answer = await revoke(json[kind]);
    expect([answer.status, answer.json['error']]).toEqual([400, 'invalid_grant']);
    expect(await dead.has(json['access_token'])).toBe(false);
    expect(event('auth.rejected')).toEqual([
      expect.objectContaining({ reason: 'invalid_grant', client_id: client.clientId, http_status: 400 }),
    ]);
    expect((await other.refresh(String(json['refresh_token']))).status).toBe(200);
  });

  it('A20: revocation needs a client', async () => {
    const json = await signIn();
    const answer = await client.fetch('/oauth/revoke', {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'unknown', token: String(json['access_token']) }),
    });
    expect([answer.status, answer.json['error']]).toEqual([401, 'invalid_client']);
    expect(await dead.has(json['access_token'])).toBe(false);
  });

  it('A1: a code that comes again ends the access tokens that were issued for it', async () => {
    const code = await client.obtainCode();
    const { json } = await client.redeem(code);
    expect((await client.redeem(code)).status).toBe(400);
    expect(await dead.has(json['access_token'])).toBe(true);
  });

  it('A2: a refresh token that comes again too late ends all access tokens of its family', async () => {
    const first = await signIn();
    const second = (await client.refresh(String(first['refresh_token']))).json;
    clock.advance(10_000);
    expect((await client.refresh(String(first['refresh_token']))).status).toBe(400);
    expect(await Promise.all([first, second].map((json) => dead.has(json['access_token'])))).toEqual([true, true]);
  });

  it('A2: another client with a refresh token within the ten seconds ends the access tokens as well', async () => {
    const first = await signIn();
    const second = (await client.refresh(String(first['refresh_token']))).json;
    const thief = new TestClient(servers.publicUrl, servers.urls);
    await thief.register();
    expect((await thief.refresh(String(first['refresh_token']))).status).toBe(400);
    expect(await dead.has(second['access_token'])).toBe(true);
  });

  it('an access token says when its grant was given, also after a refresh', async () => {
    const first = await signIn();
    const second = (await client.refresh(String(first['refresh_token']))).json;
    const [one, two] = [claimsOf(first['access_token']), claimsOf(second['access_token'])];
    expect(one['sy_granted_at']).toEqual(expect.any(Number));
    expect(two['sy_granted_at']).toBe(one['sy_granted_at']);
  });
});
