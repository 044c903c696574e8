import { SqliteState } from '@switchyard/state';
import { FakeClock, tempDir, type TempDir } from '@switchyard/testing';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { startServers, type RunningServers } from './fixtures/running-server.js';
import { TestClient, type JsonAnswer } from './fixtures/test-client.js';

describe('A22: how clients show that they are themselves', () => {
  const clock = new FakeClock(Date.now());
  let dir: TempDir;
  let state: SqliteState;
  let servers: RunningServers;
  let client: TestClient;
  let secret: string;

  beforeAll(async () => {
    dir = await tempDir();
    state = SqliteState.open(path.join(dir.path, 'state.sqlite'), { now: () => clock.now() });
    servers = await startServers({ states: [state, state], clock, dir: dir.path });
  });
  afterAll(async () => {
    await servers.close();
    await state.close();
    await dir[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    client = new TestClient(servers.publicUrl, servers.urls);
    secret = String((await client.register({ token_endpoint_auth_method: 'client_secret_post' })).json['client_secret']);
    servers.events.length = 0;
  });

  const post = (target: string, form: Record<string, string>, from = '203.0.113.7'): Promise<JsonAnswer> =>
    client.fetch(target, { method: 'POST', headers: { 'x-forwarded-for': from }, body: new URLSearchParams(form) });
  const guess = (wrong: string, from?: string, target = '/oauth/token') =>
    post(
      target,
      { client_id: client.clientId, client_secret: wrong, grant_type: 'refresh_token', refresh_token: 'x', token: 'x' },
      from,
    );
  const statuses = (answers: readonly JsonAnswer[]) => answers.map(({ status }) => status);

  it('guessing: 401 ten times, then 429, on all replicas together, also with what is right; and in again after a minute', async () => {
    const guesses: JsonAnswer[] = [];
    for (let i = 0; i < 12; i += 1) guesses.push(await guess(`wrong-${i}`));
    expect(statuses(guesses)).toEqual([...Array<number>(10).fill(401), 429, 429]);
    expect([guesses[11]?.json['error'], guesses[11]?.headers.get('retry-after')]).toEqual(['temporarily_unavailable', '60']);
    expect((await guess(secret)).status).toBe(429);
    expect(servers.events.map(({ type, reason, http_status: status }) => [type, reason, status])).toEqual([
      ...Array<unknown>(10).fill(['auth.rejected', 'invalid_client', 401]),
      ...Array<unknown>(3).fill(['auth.rejected', 'temporarily_unavailable', 429]),
    ]);
    clock.advance(60_001);
    expect(await guess(secret)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  it('guessing at one endpoint counts at the others', async () => {
    for (let i = 0; i < 10; i += 1) await guess('wrong', undefined, i % 2 === 0 ? '/oauth/revoke' : '/oauth/token');
    expect((await guess('wrong')).status).toBe(429);
    expect((await guess('wrong', undefined, '/oauth/revoke')).status).toBe(429);
  });

  it('who guesses keeps neither the client itself out, nor other clients', async () => {
    for (let i = 0; i < 11; i += 1) await guess('wrong');
    expect((await guess(secret, '198.51.100.9')).status).toBe(400);
    await client.register({ token_endpoint_auth_method: 'client_secret_post', client_name: 'Another' });
    expect((await guess('wrong')).status).toBe(401);
  });

  it('how long a comparison takes says nothing: it is of whole texts, in constant time, at one length whatever was guessed', async () => {
    const compared = jest.spyOn(crypto, 'timingSafeEqual');
    // For packages that import it by its name.
    syncBuiltinESMExports();
    try {
      const other = (character = '') => (character === 'x' ? 'y' : 'x');
      const wrong = {
        'first character': other(secret[0]) + secret.slice(1),
        'last character': secret.slice(0, -1) + other(secret.at(-1)),
        'half of it': secret.slice(0, secret.length / 2),
        'more behind it': `${secret}x`,
        nothing: 'x',
        'much longer': 'x'.repeat(900),
      };
      for (const [what, text] of Object.entries(wrong)) {
        compared.mockClear();
        expect([what, (await guess(text)).status]).toEqual([what, 401]);
        const bytes = compared.mock.calls.map((both) => both.map((one) => Buffer.from(one as Uint8Array)));
        const ofSecret = bytes.filter(([a, b]) => a?.includes(secret) === true || b?.includes(secret) === true);
        expect(ofSecret.map((both) => both.map(({ length }) => length))).toEqual([[1000, 1000]]);
      }
    } finally {
      compared.mockRestore();
      syncBuiltinESMExports();
    }
  });

  it('clients without a secret have nothing to guess', async () => {
    await client.register();
    const form = { client_id: client.clientId, client_secret: 'x', grant_type: 'refresh_token', refresh_token: 'x' };
    const answers = await Promise.all(Array.from({ length: 12 }, () => post('/oauth/token', form)));
    expect(new Set(statuses(answers))).toEqual(new Set([401]));
  });

  it.each([
    ['client_secret', '/oauth/token'],
    ['client_secret', '/token'],
    ['client_assertion', '/oauth/token'],
    ['refresh_token', '/oauth/token'],
    ['code', '/oauth/token'],
    ['token', '/oauth/revoke'],
    ['client_secret', '/oauth/par'],
  ])('%s in the address of %s: 400, whatever the body says', async (name, target) => {
    const form = {
      client_id: client.clientId,
      client_secret: secret,
      grant_type: 'refresh_token',
      refresh_token: 'x',
      token: 'x',
    };
    const answer = await post(`${target}?${name}=abc`, form);
    expect([answer.status, answer.json['error']]).toEqual([400, 'invalid_request']);
    expect(servers.events).toEqual([
      expect.objectContaining({ type: 'auth.rejected', outcome: 'denied', reason: 'invalid_request', http_status: 400 }),
    ]);
    expect(JSON.stringify(servers.events)).not.toContain('abc');
  });

  it.each([
    ['an unknown client', () => ({ client_id: 'nobody', client_secret: 'x' }), 401],
    ['two ways at once', () => ({ client_id: client.clientId, client_secret: secret, client_assertion: 'x' }), 400],
    ['no secret', () => ({ client_id: client.clientId }), 401],
  ])('%s', async (_id, form, status) => {
    const answer = await post('/oauth/token', { grant_type: 'refresh_token', refresh_token: 'x', ...form() });
    expect(answer.status).toBe(status);
  });
});
