import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { signJwtAssertion } from '@switchyard/oauth';
import { SqliteState } from '@switchyard/state';
import { FakeClock, tempDir, type TempDir } from '@switchyard/testing';
import path from 'node:path';
import { json, startDocumentHost, type Answer, type DocumentHost } from './fixtures/document-host.fixture.js';
import { startServers, type RunningServers } from './fixtures/running-server.js';
import { departed, REDIRECT_URI, shown, TestBrowser } from './fixtures/test-browser.js';
import { TestClient } from './fixtures/test-client.js';

const WEB = 'https://app.example/cb';
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const identity = (rest: string) => `identity: { mode: dev, clientDocuments: ${rest} }`;

describe('clients that are described at the address that is their id', () => {
  const clock = new FakeClock(Date.now());
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const publicJwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'RS256' };
  let dir: TempDir;
  let state: SqliteState;
  let servers: RunningServers;
  let host: DocumentHost;
  let count = 0;

  beforeAll(async () => {
    host = await startDocumentHost();
    dir = await tempDir();
    state = SqliteState.open(path.join(dir.path, 'state.sqlite'), { now: () => clock.now() });
    const sections = identity('{ allow: [127.0.0.0/8, "::1/128"] }');
    servers = await startServers({ states: [state, state], clock, dir: dir.path, sections });
  });
  afterAll(async () => {
    await servers.close();
    await state.close();
    await host.close();
    await dir[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    clock.advance(MINUTE);
    servers.events.length = 0;
    host.requests.length = 0;
  });

  /** A client with a path of its own at the host. @param over what its document says, or how the host answers */
  const clientAt = (over: Record<string, unknown> | Answer = {}, fields: Record<string, string> = {}, at = servers) => {
    const documentPath = `/clients/${(count += 1)}`;
    const client = new TestClient(at.publicUrl, at.urls);
    client.clientId = host.origin + documentPath;
    const document = { client_id: client.clientId, client_name: 'Documented', redirect_uris: [REDIRECT_URI] };
    host.paths.set(documentPath, typeof over === 'function' ? over : json({ ...document, ...over }, fields));
    return { client, documentPath };
  };
  const open = async (client: TestClient, over: Record<string, string> = {}, at = servers) =>
    new TestBrowser(at.publicUrl, at.urls).open(client.authorizationUrl(over).url);
  const expectRefused = async (client: TestClient, why: string, at = servers) => {
    at.events.length = 0;
    const page = shown(await open(client, {}, at));
    expect([page.status, page.text.includes('This app cannot be recognised')]).toEqual([400, true]);
    const refusal = { type: 'auth.rejected', outcome: 'denied', reason: 'invalid_client' };
    expect(at.events).toEqual([
      expect.objectContaining({ ...refusal, http_status: 400, detail: { endpoint: 'authorization', document: why } }),
    ]);
    const token = await client.refresh('x');
    expect([token.status, token.json['error']]).toEqual([400, 'invalid_client']);
  };

  it('sign in without having registered, and stay signed in', async () => {
    const { client, documentPath } = clientAt();
    const tokens = await client.redeem(await client.obtainCode());
    expect(tokens).toMatchObject({ status: 200, json: { scope: 'mcp' } });
    expect((await client.refresh(String(tokens.json['refresh_token']))).status).toBe(200);
    expect(host.requests).toEqual([documentPath]);
    expect(servers.events.map(({ type, client_id: id }) => [type, id])).toEqual([
      ['auth.signed_in', client.clientId],
      ['auth.token_issued', client.clientId],
      ['auth.token_issued', client.clientId],
    ]);
  });

  it('use any port of a loopback address that their document names (RFC 8252 §7.3)', async () => {
    const { client } = clientAt({ redirect_uris: ['http://127.0.0.1/callback'] });
    expect((await client.redeem(await client.obtainCode())).status).toBe(200);
    const elsewhere = shown(await open(client, { redirect_uri: 'http://localhost:5123/callback' }));
    expect(elsewhere.text).toContain('The answer would go to the wrong place');
  });

  describe('A5: what is at the address', () => {
    it.each<[string, Record<string, unknown> | Answer, string]>([
      ['nothing', (response) => response.writeHead(404).end(), 'bad_status'],
      ['an error', (response) => response.writeHead(500).end(), 'unreachable'],
      ['a redirect', (response) => response.writeHead(302, { location: '/clients/1' }).end(), 'redirected'],
      ['another client_id', { client_id: 'https://localhost/other' }, 'other_client_id'],
      ['no client_id', { client_id: undefined }, 'other_client_id'],
      ['a list of client_ids', { client_id: ['https://localhost/other'] }, 'other_client_id'],
      ['more than 5 KiB', { padding: 'x'.repeat(5 * 1024) }, 'too_large'],
      ['a page', (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('{}'), 'not_json'],
      ['no JSON', (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{'), 'not_json'],
      ['a list', json([]), 'not_json'],
      ['a secret', { client_secret: 's3cret' }, 'holds_secret'],
      ['when a secret ends', { client_secret_expires_at: 0 }, 'holds_secret'],
      ['a private key', { jwks: { keys: [{ kty: 'RSA', d: 'x' }] } }, 'holds_secret'],
      ['a symmetric key', { jwks: { keys: [{ kty: 'oct', k: 'x' }] } }, 'holds_secret'],
      ['secret_basic', { token_endpoint_auth_method: 'client_secret_basic' }, 'shared_secret_auth'],
      ['secret_post', { token_endpoint_auth_method: 'client_secret_post' }, 'shared_secret_auth'],
      ['private_key_jwt without keys', { token_endpoint_auth_method: 'private_key_jwt' }, 'bad_keys'],
      ['keys over http', { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'http://localhost/k' }, 'bad_keys'],
      ['no name', { client_name: undefined }, 'incomplete'],
      ['no redirect URIs', { redirect_uris: undefined }, 'incomplete'],
      ['an empty list of redirect URIs', { redirect_uris: [] }, 'not_permitted'],
      ['http that is not loopback', { redirect_uris: ['http://evil.example/cb'] }, 'not_permitted'],
      ['javascript:', { redirect_uris: ['javascript:alert(1)'] }, 'not_permitted'],
      ['no way to sign in', { grant_types: ['client_credentials'] }, 'not_permitted'],
    ])('%s: 400 invalid_client, asked for once a minute by all replicas together', async (_id, over, why) => {
      const { client, documentPath } = clientAt(over);
      await expectRefused(client, why);
      await expectRefused(client, why);
      expect(host.requests).toEqual([documentPath]);
      clock.advance(MINUTE);
      await expectRefused(client, why);
      expect(host.requests).toEqual([documentPath, documentPath]);
    });

    it.each([
      ['no path', () => host.origin],
      ['only a slash', () => `${host.origin}/`],
      ['http', () => `${host.origin.replace('https', 'http')}/clients/1`],
      ['dot segments', () => `${host.origin}/clients/../clients/1`],
      ['a query', () => `${host.origin}/clients/1?x=1`],
      ['a fragment', () => `${host.origin}/clients/1#x`],
      ['a user', () => `${host.origin.replace('://', '://u:p@')}/clients/1`],
    ])('an address with %s: 400 invalid_client, and nothing is fetched', async (_id, id) => {
      const { client } = clientAt();
      client.clientId = id();
      const before = host.connections();
      await expectRefused(client, 'bad_address');
      expect(host.connections()).toBe(before);
    });

    it('what was wrong and is put right is accepted after a minute', async () => {
      const { client, documentPath } = clientAt({ client_id: 'https://localhost/other' });
      await expectRefused(client, 'other_client_id');
      host.paths.set(documentPath, json({ client_id: client.clientId, client_name: 'x', redirect_uris: [REDIRECT_URI] }));
      clock.advance(MINUTE);
      expect((await client.redeem(await client.obtainCode())).status).toBe(200);
    });
  });

  describe('A5: which hosts are asked', () => {
    const startWith = (rest: string) => startServers({ states: [state], clock, dir: dir.path, sections: identity(rest) });

    it.each([
      ['a name that resolves to a private address', (origin: string) => `${origin}/a`],
      ['a loopback address', (origin: string) => `${origin.replace('localhost', '127.0.0.1')}/a`],
      ['loopback in IPv6', (origin: string) => `${origin.replace('localhost', '[::1]')}/a`],
      ['metadata of clouds', () => 'https://169.254.169.254/a'],
      ['a private network', () => 'https://10.0.0.1/a'],
    ])('%s: never, although the gateway itself is on loopback', async (_id, idAt) => {
      const strict = await startWith('{}');
      try {
        const { client } = clientAt({}, {}, strict);
        client.clientId = idAt(host.origin);
        const before = host.connections();
        await expectRefused(client, 'address_not_allowed', strict);
        expect(host.connections()).toBe(before);
      } finally {
        await strict.close();
      }
    });

    it.each([
      ['the host by name', '[localhost]', true],
      ['hosts below one', '["*.localhost"]', false],
      ['another host', '[apps.example.com]', false],
      ['none', '[]', false],
    ])('only those that are trusted: %s', async (_id, hosts, isTrusted) => {
      const choosy = await startWith(`{ hosts: ${hosts}, allow: [127.0.0.0/8, "::1/128"] }`);
      try {
        const { client } = clientAt({}, {}, choosy);
        if (isTrusted) expect(shown(await open(client, {}, choosy)).text).toContain('E-mail address');
        else await expectRefused(client, 'host_not_trusted', choosy);
        const metadata = await client.fetch('/.well-known/oauth-authorization-server');
        expect(metadata.json['client_id_metadata_document_supported']).toBe(hosts !== '[]');
      } finally {
        await choosy.close();
      }
    });

    it('A5: of a thousand ids in a minute most are told to wait, known clients are not, and nobody is after it', async () => {
      const busy = await startWith('{ allow: [127.0.0.0/8, "::1/128"] }');
      try {
        const { client: known } = clientAt({}, {}, busy);
        expect(shown(await open(known, {}, busy)).status).toBe(200);
        const ask = async (n: number) => {
          const client = new TestClient(busy.publicUrl, busy.urls);
          client.clientId = `https://10.0.0.1/${n}`;
          return client.refresh('x');
        };
        const answers = await Promise.all(Array.from({ length: 1000 }, (_, n) => ask(n)));
        const refused = answers.filter(({ status }) => status === 429);
        expect(refused.length).toBeGreaterThan(900);
        expect(answers.filter(({ status }) => status === 400)).toHaveLength(1000 - refused.length);
        expect([refused[0]?.json['error'], refused[0]?.headers.get('retry-after')]).toEqual(['temporarily_unavailable', '10']);
        expect(busy.events.filter(({ http_status: status }) => status === 429)).toHaveLength(refused.length);
        expect(shown(await open(known, {}, busy)).status).toBe(200);
        clock.advance(MINUTE);
        expect(shown(await open(clientAt({}, {}, busy).client, {}, busy)).status).toBe(200);
      } finally {
        await busy.close();
      }
    }, 300_000);
  });

  describe('how long what was published holds', () => {
    it.each<[string, Record<string, string>, number, number]>([
      ['as long as it says', { 'cache-control': 'max-age=600' }, 9 * MINUTE, 2 * MINUTE],
      ['a minute at least', { 'cache-control': 'no-store' }, 59 * SECOND, 2 * SECOND],
      ['an hour where it says nothing', {}, 59 * MINUTE, 2 * MINUTE],
    ])('%s', async (_id, fields, stillMs, thenMs) => {
      const { client, documentPath } = clientAt({}, fields);
      const asked = async () => (await open(client), host.requests.filter((one) => one === documentPath).length);
      expect(await asked()).toBe(1);
      clock.advance(stillMs);
      expect(await asked()).toBe(1);
      clock.advance(thenMs);
      expect(await asked()).toBe(2);
    });

    it('a publisher that is away takes nobody’s client away for a day; one that takes it back does at once', async () => {
      const { client, documentPath } = clientAt();
      const tokens = await client.redeem(await client.obtainCode());
      let refreshToken = String(tokens.json['refresh_token']);
      const refresh = async () => {
        const { status, json: body } = await client.refresh(refreshToken);
        if (status === 200) refreshToken = String(body['refresh_token']);
        return status;
      };
      host.paths.set(documentPath, (response) => response.writeHead(503).end());
      clock.advance(2 * 60 * MINUTE);
      expect([await refresh(), await refresh()]).toEqual([200, 200]);
      host.paths.delete(documentPath);
      clock.advance(2 * MINUTE);
      expect(await refresh()).toBe(400);
      await expectRefused(client, 'bad_status');
    });
  });

  describe('private_key_jwt', () => {
    const assertion = (clientId: string, claims: Record<string, unknown> = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const all = { iss: clientId, sub: clientId, aud: servers.publicUrl, jti: randomUUID(), iat: now, exp: now + 60, ...claims };
      return signJwtAssertion({ privateKeyPem, keyId: 'k1', claims: all });
    };
    const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    const signed = async (clientId: string, claims = {}) => ({
      client_assertion: await assertion(clientId, claims),
      client_assertion_type: ASSERTION_TYPE,
    });

    it.each([
      ['in the document', () => ({ jwks: { keys: [publicJwk] } })],
      [
        'at an address',
        () => {
          host.paths.set('/keys', json({ keys: [publicJwk] }));
          return { jwks_uri: `${host.origin}/keys` };
        },
      ],
    ])('is asked of a client whose document says so: keys %s', async (_id, keys) => {
      const { client } = clientAt({ token_endpoint_auth_method: 'private_key_jwt', ...keys() });
      const code = await client.obtainCode();
      expect(await client.redeem(code)).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
      const stranger = await signed(client.clientId, { aud: 'https://evil.example' });
      expect(await client.redeem(code, stranger)).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
      expect((await client.redeem(code, await signed(client.clientId))).status).toBe(200);
    });

    it('keys at a private address are not fetched', async () => {
      const { client } = clientAt({ token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://10.0.0.1/keys' });
      const code = await client.obtainCode();
      const answer = await client.redeem(code, await signed(client.clientId));
      expect([answer.status, answer.json['error']]).toEqual([401, 'invalid_client']);
    });
  });

  describe('A6: consent', () => {
    const consentOf = async (client: TestClient, browser: TestBrowser, over: Record<string, string> = {}) => {
      const signIn = shown(await browser.open(client.authorizationUrl(over).url));
      return shown(await browser.submit(signIn, { email: 'ana@example.com', do: 'sign-in' }));
    };

    it('names the host of the client, warns where any program could answer for it, and is asked for every time', async () => {
      const { client } = clientAt({ client_name: 'Anybody' });
      const browser = new TestBrowser(servers.publicUrl, servers.urls);
      const page = await consentOf(client, browser);
      const { host: name } = new URL(host.origin);
      expect(page.text).toContain(`<dd><strong>${name}</strong></dd>`);
      expect(page.text).toContain(`Any other program on it could say that it is this app of ${name}.`);
      departed(await browser.submit(page, { do: 'approve' }));
      expect(shown(await browser.open(client.authorizationUrl().url)).text).toContain('Allow Anybody');
    });

    it('is remembered where the answer goes to a host', async () => {
      const { client } = clientAt({ redirect_uris: [WEB] });
      const browser = new TestBrowser(servers.publicUrl, servers.urls);
      const page = await consentOf(client, browser, { redirect_uri: WEB });
      expect(page.text).not.toContain('Any other program');
      departed(await browser.submit(page, { do: 'approve' }));
      departed(await browser.open(client.authorizationUrl({ redirect_uri: WEB }).url));
    });
  });
});
