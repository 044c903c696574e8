import { FakeClock } from '@switchyard/testing';
import { startServers, type RunningServers } from './fixtures/running-server.js';
import { STATE_PROFILES, type OpenStates } from './fixtures/states.contract.js';
import { TestClient, type JsonAnswer } from './fixtures/test-client.js';

const PARALLEL = 8;
const ROUNDS = 5;

const statuses = (answers: readonly JsonAnswer[]) => answers.map(({ status }) => status).sort();
const times = <T>(count: number, make: (i: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, i) => make(i)));

// Release-blocking. oidc-provider reads whether a code or token was used and then awaits the store, so that two requests at once
// can both find it unused; only the store's compare-and-set stands between that and two families of tokens.
describe.each(STATE_PROFILES)('codes and refresh tokens are used once: %s', (_id, open) => {
  let states: OpenStates;
  let servers: RunningServers;
  let client: TestClient;
  const clock = new FakeClock(Date.now());

  beforeAll(async () => {
    states = await open();
    servers = await startServers({ states: states.states, clock, dir: states.dir });
    client = new TestClient(servers.publicUrl, servers.urls);
    await client.register();
  });
  afterAll(async () => {
    await servers.close();
    await states[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    servers.events.length = 0;
  });

  const refreshTokenOf = ({ json }: JsonAnswer) => String(json['refresh_token']);
  const signIn = async (over: Record<string, string> = {}) => refreshTokenOf(await client.redeem(await client.obtainCode(over)));
  const expectDead = async (token: string) => {
    expect(await client.refresh(token)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  };
  const count = (type: string) => servers.events.filter((event) => event.type === type).length;

  it('runs as many replicas as there are stores', () => {
    expect(new Set(servers.urls).size).toBe(states.states.length);
  });

  it(`A1: of ${PARALLEL} parallel redemptions of one code exactly one succeeds, ${ROUNDS} times`, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const code = await client.obtainCode();
      servers.events.length = 0;
      const answers = await times(PARALLEL, () => client.redeem(code));
      expect(statuses(answers)).toEqual([200, ...Array<number>(PARALLEL - 1).fill(400)]);
      const refusals = answers.filter(({ status }) => status === 400).map(({ json }) => json['error']);
      expect(new Set(refusals)).toEqual(new Set(['invalid_grant']));
      expect([count('auth.token_issued'), count('auth.rejected')]).toEqual([1, PARALLEL - 1]);
    }
  });

  it('A1: a code that is redeemed again later ends what was issued for it, with one event', async () => {
    const code = await client.obtainCode();
    const refreshToken = refreshTokenOf(await client.redeem(code));
    expect(await client.redeem(code)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    await expectDead(refreshToken);
    expect(await client.redeem(code)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    expect(count('auth.grant_revoked')).toBe(1);
  });

  it(`A2: ${PARALLEL} parallel refreshes with one token all get the same answer, with one child token, ${ROUNDS} times`, async () => {
    let refreshToken = await signIn();
    for (let round = 0; round < ROUNDS; round += 1) {
      const presented = refreshToken;
      const answers = await times(PARALLEL, () => client.refresh(presented));
      expect(statuses(answers)).toEqual(Array<number>(PARALLEL).fill(200));
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      expect(new Set(answers.map(({ headers }) => headers.get('content-type')))).toEqual(
        new Set(['application/json; charset=utf-8']),
      );
      refreshToken = refreshTokenOf(answers[0] as JsonAnswer);
      expect(refreshToken).not.toBe(presented);
    }
    expect([count('auth.token_issued'), count('auth.rejected'), count('auth.grant_revoked')]).toEqual([
      1 + PARALLEL * ROUNDS,
      0,
      0,
    ]);
    const replayed = servers.events.filter(({ detail }) => detail?.['replayed'] === 'true');
    expect(replayed.length).toBe((PARALLEL - 1) * ROUNDS);
  });

  it('A2: gives the answer again for ten seconds, and its child token stays good', async () => {
    const first = await signIn();
    const answer = await client.refresh(first);
    clock.advance(9_999);
    expect((await client.refresh(first)).text).toBe(answer.text);
    expect((await client.refresh(refreshTokenOf(answer))).status).toBe(200);
  });

  it('A2: a refresh token that is used again after that ends the whole family', async () => {
    const first = await signIn();
    const second = refreshTokenOf(await client.refresh(first));
    clock.advance(10_000);
    await expectDead(first);
    await expectDead(second);
    await expectDead(first);
    expect(servers.events.filter(({ type }) => type === 'auth.grant_revoked')).toEqual([
      expect.objectContaining({ reason: 'reuse_detected', severity: 'high', principal_name: 'ana@example.com' }),
    ]);
  });

  it(`A2: so does a token that ${PARALLEL} use again at once after that`, async () => {
    const first = await signIn();
    const second = refreshTokenOf(await client.refresh(first));
    clock.advance(10_000);
    expect(statuses(await times(PARALLEL, () => client.refresh(first)))).toEqual(Array<number>(PARALLEL).fill(400));
    await expectDead(second);
    expect(count('auth.grant_revoked')).toBe(1);
  });

  it('A2: another client with the token within the ten seconds gets nothing and ends the family', async () => {
    const first = await signIn();
    const second = refreshTokenOf(await client.refresh(first));
    const thief = new TestClient(servers.publicUrl, servers.urls);
    await thief.register({ client_name: 'Thief' });
    expect(await thief.refresh(first)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    await expectDead(second);
    expect(count('auth.grant_revoked')).toBe(1);
  });

  it.each([
    ['resource', { resource: 'http://localhost:8080/mcp/open' }],
    ['scope', { scope: 'mcp' }],
  ])('A2: another %s with the token within the ten seconds ends the family', async (_what, over) => {
    const first = await signIn({ scope: 'mcp offline_access', prompt: 'consent' });
    const second = refreshTokenOf(await client.refresh(first));
    expect((await client.refresh(first, over)).status).toBe(400);
    await expectDead(second);
  });

  it('A2: saying what was granted is the same as leaving it out', async () => {
    const first = await signIn({ scope: 'mcp offline_access', prompt: 'consent' });
    const answer = await client.refresh(first);
    const again = await client.refresh(first, { resource: 'http://localhost:8080/mcp/work', scope: 'mcp offline_access' });
    expect(again.text).toBe(answer.text);
  });

  it('revocation of a refresh token (RFC 7009) ends its family, with one event', async () => {
    const first = await signIn();
    const second = refreshTokenOf(await client.refresh(first));
    const revoked = await client.fetch('/oauth/revoke', {
      method: 'POST',
      body: new URLSearchParams({ client_id: client.clientId, token: second }),
    });
    expect(revoked.status).toBe(200);
    await expectDead(second);
    expect(servers.events.filter(({ type }) => type === 'auth.grant_revoked')).toEqual([
      expect.objectContaining({
        client_id: client.clientId,
        reason: 'revoked_by_client',
        detail: { grant: expect.any(String) as string },
      }),
    ]);
  });
});
