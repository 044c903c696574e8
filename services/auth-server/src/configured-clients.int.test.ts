import { createPrivateKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { signJwtAssertion } from '@switchyard/oauth';
import { systemClock } from '@switchyard/runtime';
import { SqliteState } from '@switchyard/state';
import { eventually, tempDir, type TempDir } from '@switchyard/testing';
import path from 'node:path';
import { deadTokens } from './fixtures/dead-tokens.js';
import { publishServers, startServers, type RunningServers } from './fixtures/running-server.js';
import { REDIRECT_URI, shown, TestBrowser } from './fixtures/test-browser.js';
import { TestClient } from './fixtures/test-client.js';

const SECRET = 's'.repeat(40);
const APP = { clientId: 'desk', title: 'Desk of Example', redirectUris: [REDIRECT_URI] };

describe('apps of the configuration', () => {
  let dir: TempDir;
  let state: SqliteState;
  let servers: RunningServers;

  const start = () =>
    startServers({ states: [state, state], clock: systemClock, dir: dir.path, env: { DESK_SECRET: SECRET, SHORT: 'short' } });
  const publish = (...clients: NonNullable<Parameters<typeof publishServers>[4]>) =>
    publishServers(state, ['work', 'open'], [], [], clients);
  const clientOf = (clientId: string) => {
    const client = new TestClient(servers.publicUrl, servers.urls);
    client.clientId = clientId;
    return client;
  };
  const open = async (client: TestClient) => {
    const browser = new TestBrowser(servers.publicUrl, servers.urls);
    return shown(await browser.open(client.authorizationUrl().url));
  };
  /** Waits until every replica knows an app, or none does. */
  const untilKnown = async (clientId: string, isKnown: boolean) =>
    eventually(async () => {
      for (const url of servers.urls) {
        const one = new TestClient(servers.publicUrl, [url]);
        one.clientId = clientId;
        const page = shown(await new TestBrowser(servers.publicUrl, [url]).open(one.authorizationUrl().url));
        expect(page.text.includes('E-mail address')).toBe(isKnown);
      }
    });

  beforeAll(async () => {
    dir = await tempDir();
    state = SqliteState.open(path.join(dir.path, 'state.sqlite'));
    servers = await start();
  });
  afterAll(async () => {
    await servers.close();
    await state.close();
    await dir[Symbol.asyncDispose]();
  });

  it('sign people in without having registered, under the name that they have there', async () => {
    await publish(APP);
    await untilKnown('desk', true);
    const client = clientOf('desk');
    expect((await open(client)).text).toContain('Desk of Example');
    const tokens = await client.redeem(await client.obtainCode({ redirect_uri: 'http://127.0.0.1:61000/callback' }));
    expect(tokens.status).toBe(200);
    expect((await client.refresh(String(tokens.json['refresh_token']))).status).toBe(200);
  });

  it('show their secret, in either way', async () => {
    await publish({ ...APP, clientId: 'secretive', secretReference: '${env:DESK_SECRET}' });
    await untilKnown('secretive', true);
    const client = clientOf('secretive');
    const code = await client.obtainCode();
    expect(await client.redeem(code)).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
    expect(await client.redeem(code, { client_secret: 'wrong' })).toMatchObject({
      status: 401,
      json: { error: 'invalid_client' },
    });
    const tokens = await client.redeem(code, { client_secret: SECRET });
    expect(tokens.status).toBe(200);
    const basic = await client.fetch('/oauth/token', {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`secretive:${SECRET}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: String(tokens.json['refresh_token']) }),
    });
    expect(basic.status).toBe(200);
  });

  it('show that they have the key whose public half is there', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwks = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig' }] });
    await publish({ ...APP, clientId: 'keyed', jwks });
    await untilKnown('keyed', true);
    const client = clientOf('keyed');
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: 'keyed', sub: 'keyed', aud: servers.publicUrl, jti: randomUUID(), iat: now, exp: now + 60 };
    const privateKeyPem = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })).export({
      type: 'pkcs8',
      format: 'pem',
    });
    const assertion = await signJwtAssertion({ privateKeyPem: privateKeyPem.toString(), keyId: 'k1', claims });
    const proof = {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    };
    const code = await client.obtainCode();
    expect((await client.redeem(code)).status).toBe(401);
    expect((await client.redeem(code, proof)).status).toBe(200);
  });

  it.each([
    ['leads nowhere', '${env:NOT_SET}'],
    ['is too short', '${env:SHORT}'],
  ])('are unknown while their secret %s; the others are known', async (_id, secretReference) => {
    await publish({ ...APP, clientId: 'broken', secretReference }, { ...APP, clientId: 'whole' });
    await untilKnown('whole', true);
    await untilKnown('broken', false);
  });

  it('that are taken away are unknown at once, and what they were given ends at the edges too', async () => {
    await publish({ ...APP, clientId: 'taken' }, { ...APP, clientId: 'other' });
    await untilKnown('taken', true);
    await untilKnown('other', true);
    const [client, other] = [clientOf('taken'), clientOf('other')];
    const tokens = await client.redeem(await client.obtainCode());
    const others = await other.redeem(await other.obtainCode());
    const dead = await deadTokens(state);
    try {
      expect(await dead.has(tokens.json['access_token'])).toBe(false);
      await publish({ ...APP, clientId: 'other' });
      await eventually(async () => expect(await dead.has(tokens.json['access_token'])).toBe(true));
      await untilKnown('taken', false);
      expect((await open(client)).text).toContain('This app is not registered here');
      const refused = await client.refresh(String(tokens.json['refresh_token']));
      expect(refused).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
      expect(await dead.has(others.json['access_token'])).toBe(false);
      expect((await other.refresh(String(others.json['refresh_token']))).status).toBe(200);
    } finally {
      await dead.close();
    }
  });

  it('that are taken away while no authorization server runs end too', async () => {
    await publish({ ...APP, clientId: 'gone' });
    await untilKnown('gone', true);
    const client = clientOf('gone');
    const tokens = await client.redeem(await client.obtainCode());
    await servers.close();
    const dead = await deadTokens(state);
    try {
      // The fixture publishes servers without apps.
      servers = await start();
      await eventually(async () => expect(await dead.has(tokens.json['access_token'])).toBe(true));
    } finally {
      await dead.close();
    }
  });

  it('have to push their requests where confidential clients have to', async () => {
    const sections = 'identity: { mode: dev, requirePushedRequests: true }';
    const env = { DESK_SECRET: SECRET };
    const strict = await startServers({ states: [state], clock: systemClock, dir: dir.path, sections, env });
    try {
      await publish({ ...APP, clientId: 'pushing', secretReference: '${env:DESK_SECRET}' }, APP);
      const errorOf = async (clientId: string) => {
        const client = new TestClient(strict.publicUrl, strict.urls);
        client.clientId = clientId;
        const result = await new TestBrowser(strict.publicUrl, strict.urls).open(client.authorizationUrl().url);
        return 'location' in result ? result.location.searchParams.get('error_description') : result.text;
      };
      await eventually(async () => expect(await errorOf('desk')).toContain('E-mail address'));
      expect(await errorOf('pushing')).toMatch(/Pushed Authorization Request/i);
    } finally {
      await strict.close();
    }
  });

  it('cannot be taken over by a registration or by the address of a document', async () => {
    await publish(APP);
    await untilKnown('desk', true);
    const thief = new TestClient(servers.publicUrl, servers.urls);
    const { json } = await thief.register({ client_id: 'desk', client_name: 'Thief' });
    expect(json['client_id']).not.toBe('desk');
    expect((await open(clientOf('desk'))).text).toContain('Desk of Example');
  });
});
