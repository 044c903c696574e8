import { BUCKETS, DEFAULT_TENANT, signingKeyList } from '@switchyard/contracts';
import { AccessTokenVerifier } from '@switchyard/oauth';
import { systemClock } from '@switchyard/runtime';
import { eventually, FakeClock } from '@switchyard/testing';
import { generateKeyPairSync } from 'node:crypto';
import { startServers, type RunningServers } from '../fixtures/running-server.js';
import { STATE_PROFILES, type OpenStates } from '../fixtures/states.contract.js';
import { TestClient } from '../fixtures/test-client.js';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Ten thousand in the five steps of a rotation. */
const VERIFIED_A_STEP = 2_000;

// The clock that moves is that of the keys; tokens and verifiers go by the real one, as they live through no rotation in this test.
describe.each(STATE_PROFILES)('A21: signing keys: %s', (_id, open) => {
  const clock = new FakeClock(Date.now());
  let states: OpenStates;
  let servers: RunningServers;
  let client: TestClient;
  let admin: string;

  beforeAll(async () => {
    states = await open();
    // What a version without rotation has left behind.
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const old = { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' }] };
    const bucket = await states.states[0]?.bucket(BUCKETS.signingKeys, DEFAULT_TENANT);
    await bucket?.create('signing', Buffer.from(JSON.stringify(old)));
    servers = await startServers({ states: states.states, clock, dir: states.dir });
    client = new TestClient(servers.publicUrl, servers.urls);
    await client.register();
    admin = servers.adminKeys[0] ?? '';
    for (const url of servers.urls) await eventually(async () => expect((await ask('GET', url)).status).toBe(200));
  });
  afterAll(async () => {
    await servers.close();
    await states[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    servers.events.length = 0;
  });

  const ask = (method: 'GET' | 'POST', url = servers.urls[0] ?? '', key = admin) =>
    new TestClient(servers.publicUrl, [url]).fetch('/api/v1/keys/signing', {
      method,
      headers: { authorization: `Bearer ${key}` },
    });
  const listed = async () => signingKeyList.parse((await ask('GET')).json).keys;
  const published = async (url: string) => {
    const { keys } = (await (await fetch(`${url}/oauth/jwks`)).json()) as { keys: { kid: string }[] };
    return keys.map(({ kid }) => kid);
  };
  const kidOf = (token: string) =>
    (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid;
  const everywhere = (check: (url: string) => Promise<void>) =>
    Promise.all(servers.urls.map((url) => eventually(() => check(url))));

  it('rotates on schedule: published an hour, then signing, and verify-only as long as tokens are out; nobody is refused', async () => {
    let refreshToken = String((await client.redeem(await client.obtainCode())).json['refresh_token']);
    const verifiers = servers.urls.map(
      (url) =>
        new AccessTokenVerifier({
          issuer: servers.publicUrl,
          jwksUrl: `${url}/oauth/jwks`,
          fetch,
          clock: systemClock,
          cooldownMs: 0,
        }),
    );
    const tokens: string[] = [];
    const kids: string[] = [];
    // Every replica signs, and every edge knows what every replica signed lately.
    const useEverywhere = async () => {
      for (const _url of servers.urls) {
        const { json } = await client.refresh(refreshToken);
        refreshToken = String(json['refresh_token']);
        tokens.push(String(json['access_token']));
      }
      kids.push(...new Set(tokens.slice(-servers.urls.length).map(kidOf)));
      const valid = tokens.slice(-3 * servers.urls.length);
      const verified = await Promise.all(
        Array.from({ length: VERIFIED_A_STEP }, async (_item, index) =>
          verifiers[index % verifiers.length]?.verify(valid[index % valid.length] ?? '', `${servers.publicUrl}/mcp/work`),
        ),
      );
      expect(verified.filter((token) => token?.ok !== true)).toEqual([]);
    };

    // The key of the older version has signed for longer than any may, so the first request has made the next one.
    await everywhere(async (url) => expect(await published(url)).toHaveLength(2));
    const [old, next] = await listed();
    expect([old?.state, next?.state]).toEqual(['signing', 'published']);
    await useEverywhere();
    clock.advance(60 * MINUTE - 1_000);
    await useEverywhere();
    clock.advance(1_000);
    await useEverywhere();
    clock.advance(5 * MINUTE);
    await useEverywhere();
    expect((await listed()).map(({ id, state }) => [id, state])).toEqual([
      [old?.id, 'verify_only'],
      [next?.id, 'signing'],
    ]);
    clock.advance(5 * MINUTE);
    await useEverywhere();
    expect((await listed()).map(({ id, state }) => [id, state])).toEqual([[next?.id, 'signing']]);
    await everywhere(async (url) => expect(await published(url)).toEqual([next?.id]));
    expect(kids).toEqual([old?.id, old?.id, next?.id, next?.id, next?.id]);
  });

  it('rotates on schedule once, however many replicas and requests there are', async () => {
    clock.advance(30 * DAY);
    await Promise.all(servers.urls.flatMap((url) => Array.from({ length: 8 }, () => published(url))));
    await everywhere(async (url) => expect(await published(url)).toHaveLength(2));
    const rotations = () => servers.events.filter(({ type }) => type === 'auth.signing_key_rotated');
    await eventually(() => expect(rotations()).toHaveLength(1));
    expect(rotations()).toEqual([expect.objectContaining({ outcome: 'ok', reason: 'schedule' })]);
    clock.advance(DAY);
    await everywhere(async (url) => expect(await published(url)).toHaveLength(1));
  });

  it('rotates on command within two minutes, once for commands that come together', async () => {
    const [before] = await listed();
    const answers = await Promise.all(servers.urls.flatMap((url) => [ask('POST', url), ask('POST', url), ask('POST', url)]));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect((await listed()).map(({ state }) => state)).toEqual(['signing', 'published']);
    await everywhere(async (url) => expect(await published(url)).toHaveLength(2));
    expect(servers.events).toEqual([
      expect.objectContaining({ type: 'auth.signing_key_rotated', reason: 'command', http_status: 202 }),
    ]);
    clock.advance(2 * MINUTE);
    const { json } = await client.redeem(await client.obtainCode());
    expect(kidOf(String(json['access_token']))).not.toBe(before?.id);
    expect((await listed()).map(({ state }) => state)).toEqual(['verify_only', 'signing']);
  });

  it('shows no private key, and nothing to who is no admin', async () => {
    expect(JSON.stringify(await listed())).not.toContain('"d"');
    expect((await ask('GET', undefined, 'sy_nobody')).status).toBe(401);
    expect((await ask('POST', undefined, 'sy_nobody')).status).toBe(401);
  });
});
