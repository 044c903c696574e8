import { FakeClock, newDpopKey } from '@switchyard/testing';
import { startServers, type RunningServers } from './fixtures/running-server.js';
import { STATE_PROFILES, type OpenStates } from './fixtures/states.contract.js';
import { TestClient, type JsonAnswer, type RedeemableCode } from './fixtures/test-client.js';

const ROUNDS = 5;
type Json = Readonly<Record<string, unknown>>;

const claimsOf = ({ json }: JsonAnswer) =>
  JSON.parse(Buffer.from(String(json['access_token']).split('.')[1] ?? '', 'base64url').toString()) as Json;

describe.each(STATE_PROFILES)('tokens that are bound to a key (DPoP): %s', (_id, open) => {
  let states: OpenStates;
  let servers: RunningServers;
  let client: TestClient;
  const key = newDpopKey();
  const other = newDpopKey();

  beforeAll(async () => {
    states = await open();
    servers = await startServers({ states: states.states, clock: new FakeClock(Date.now()), dir: states.dir });
    client = new TestClient(servers.publicUrl, servers.urls);
    await client.register();
  });
  afterAll(async () => {
    await servers.close();
    await states[Symbol.asyncDispose]();
  });

  const request = () => ({ method: 'POST', url: `${servers.publicUrl}/oauth/token` });
  const post = (parameters: Record<string, string>, proof: string) =>
    client.fetch('/oauth/token', {
      method: 'POST',
      headers: { dpop: proof },
      body: new URLSearchParams({ client_id: client.clientId, ...parameters }),
    });
  const redeem = ({ code, verifier, redirectUri }: RedeemableCode, proof: string) =>
    post({ grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: redirectUri }, proof);
  const refresh = (token: unknown, proof: string) => post({ grant_type: 'refresh_token', refresh_token: String(token) }, proof);

  it('A14: gives tokens that are bound to the key of the proof, and refreshes them with that key alone', async () => {
    const tokens = await redeem(await client.obtainCode(), key.proof(request()));
    expect([tokens.status, tokens.json['token_type']]).toEqual([200, 'DPoP']);
    expect(claimsOf(tokens)['cnf']).toEqual({ jkt: key.thumbprint });
    const again = await refresh(tokens.json['refresh_token'], key.proof(request()));
    expect([again.status, claimsOf(again)['cnf']]).toEqual([200, { jkt: key.thumbprint }]);
    const stolen = await refresh(again.json['refresh_token'], other.proof(request()));
    expect(stolen).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  it('A14: the API, which asks for no proofs, takes unbound tokens alone', async () => {
    const resource = `${servers.publicUrl}/api`;
    const statusWith = async (tokens: JsonAnswer) => {
      const authorization = `Bearer ${String(tokens.json['access_token'])}`;
      return (await client.fetch('/api/v1/me/sessions', { headers: { authorization } })).status;
    };
    expect(await statusWith(await redeem(await client.obtainCode({ resource }), key.proof(request())))).toBe(401);
    expect(await statusWith(await client.redeem(await client.obtainCode({ resource })))).toBe(200);
  });

  it('A2: another key with a token that was rotated a moment ago ends the family', async () => {
    const tokens = await redeem(await client.obtainCode(), key.proof(request()));
    const child = await refresh(tokens.json['refresh_token'], key.proof(request()));
    expect((await refresh(tokens.json['refresh_token'], key.proof(request()))).text).toBe(child.text);
    expect((await refresh(tokens.json['refresh_token'], other.proof(request()))).status).toBe(400);
    const dead = await refresh(child.json['refresh_token'], key.proof(request()));
    expect(dead).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  it(`A14: of equal proofs at all replicas at once one gives tokens, ${ROUNDS} times`, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const codes = [await client.obtainCode(), await client.obtainCode()];
      const proof = key.proof(request());
      const answers = await Promise.all(codes.map((code) => redeem(code, proof)));
      expect(answers.map(({ status, json }) => `${status} ${String(json['error'])}`).sort()).toEqual([
        '200 undefined',
        '400 invalid_dpop_proof',
      ]);
    }
  });

  const now = () => Math.floor(Date.now() / 1000);
  it.each<[id: string, error: string, claims: Json, header: Json]>([
    ['wrong htm', 'invalid_dpop_proof', { htm: 'GET' }, {}],
    ['wrong htu', 'invalid_dpop_proof', { htu: 'https://evil.example/oauth/token' }, {}],
    ['too old', 'use_dpop_nonce', { iat: now() - 400 }, {}],
    ['a nonce of somebody else', 'use_dpop_nonce', { nonce: 'x'.repeat(43) }, {}],
    ['another typ', 'invalid_dpop_proof', {}, { typ: 'JWT' }],
    ['a symmetric algorithm', 'invalid_dpop_proof', {}, { alg: 'HS256' }],
  ])('A14: proof: %s: %s', async (_case, error, claims, header) => {
    const code = await client.obtainCode();
    const answer = await redeem(code, key.proof(request(), claims, header));
    expect([answer.status, answer.json['error']]).toEqual([400, error]);
    expect(servers.events.at(-1)).toMatchObject({ type: 'auth.rejected', reason: error });
    if (error !== 'use_dpop_nonce') return;
    const nonce = answer.headers.get('dpop-nonce') ?? '';
    expect((await redeem(code, key.proof(request(), { ...claims, nonce }, header))).status).toBe(200);
  });
});
