import { systemClock } from '@switchyard/runtime';
import { SqliteState } from '@switchyard/state';
import { tempDir, type TempDir } from '@switchyard/testing';
import path from 'node:path';
import { rawGet } from './fixtures/raw-request.js';
import { startServers, type RunningServers } from './fixtures/running-server.js';
import { TestClient } from './fixtures/test-client.js';

// What clients and other servers rely on; a change here is a change for all of them.
const GOLDEN =
  '{"authorization_endpoint":"http://localhost:8080/oauth/authorize",' +
  '"device_authorization_endpoint":"http://localhost:8080/oauth/device_authorization","claims_parameter_supported":false,' +
  '"claims_supported":["sub","sid","auth_time","iss"],"code_challenge_methods_supported":["S256"],' +
  '"grant_types_supported":["authorization_code","refresh_token","client_credentials","urn:ietf:params:oauth:grant-type:device_code"],"issuer":"http://localhost:8080",' +
  '"jwks_uri":"http://localhost:8080/oauth/jwks","registration_endpoint":"http://localhost:8080/oauth/register",' +
  '"authorization_response_iss_parameter_supported":true,"response_modes_supported":["form_post","fragment","query"],' +
  '"response_types_supported":["code"],"scopes_supported":["mcp","mcp:tools","mcp:prompts","mcp:resources","account","openid","offline_access"],"subject_types_supported":["public"],' +
  '"token_endpoint_auth_methods_supported":["none","client_secret_basic","client_secret_post","private_key_jwt"],' +
  '"token_endpoint_auth_signing_alg_values_supported":["ES256","PS256","RS256","Ed25519","EdDSA"],' +
  '"token_endpoint":"http://localhost:8080/oauth/token","id_token_signing_alg_values_supported":["ES256"],' +
  '"pushed_authorization_request_endpoint":"http://localhost:8080/oauth/par","request_uri_parameter_supported":false,' +
  '"dpop_signing_alg_values_supported":["ES256","Ed25519","EdDSA","PS256"],"revocation_endpoint":"http://localhost:8080/oauth/revoke","claim_types_supported":["normal"],"client_id_metadata_document_supported":true}';

describe('metadata of the authorization server', () => {
  let dir: TempDir;
  let state: SqliteState;
  let servers: RunningServers;
  let origin: string;

  beforeAll(async () => {
    dir = await tempDir();
    state = SqliteState.open(path.join(dir.path, 'state.sqlite'));
    servers = await startServers({ states: [state], clock: systemClock, dir: dir.path });
    origin = servers.urls[0] ?? '';
  });
  afterAll(async () => {
    await servers.close();
    await state.close();
    await dir[Symbol.asyncDispose]();
  });

  const documents = [
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server/mcp',
    '/.well-known/oauth-authorization-server/mcp/work',
    '/.well-known/openid-configuration/mcp/work',
    '/.well-known/oauth-authorization-server/mcp/work/sse',
    '/mcp/work/.well-known/openid-configuration',
    '/mcp/.well-known/oauth-authorization-server',
  ];
  const hostile: [string, Record<string, string>][] = [
    ['plain', { host: 'localhost:8080' }],
    ['no sensible Host', { host: '127.0.0.1:1' }],
    ['foreign Host', { host: 'evil.example' }],
    ['X-Forwarded-Host', { host: 'localhost:8080', 'x-forwarded-host': 'evil.example' }],
    ['X-Forwarded-Proto', { host: 'localhost:8080', 'x-forwarded-proto': 'https' }],
    ['X-Forwarded-Port and Prefix', { host: 'localhost:8080', 'x-forwarded-port': '1', 'x-forwarded-prefix': '/evil' }],
    ['Forwarded', { host: 'localhost:8080', forwarded: 'host=evil.example;proto=https' }],
    ['a query', { host: 'localhost:8080', 'x-original-url': 'https://evil.example/' }],
  ];
  const cells = documents.flatMap((document) =>
    hostile.map(([id, headers]): [string, string, Record<string, string>] => [document, id, headers]),
  );

  it.each(cells)('A10: %s is the same for every request (%s)', async (document, _id, headers) => {
    const answer = await rawGet(origin, document, headers);
    expect([answer.status, answer.body]).toEqual([200, GOLDEN]);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
  });

  it.each([
    ['absolute request target', 'http://evil.example/.well-known/oauth-authorization-server'],
    ['another path', '/.well-known/oauth-authorization-server/other'],
    ['a deeper path', '/.well-known/oauth-authorization-server/mcp/work/x'],
    ['a doubled slash', '/.well-known/oauth-authorization-server//mcp/work'],
    ['an encoded path', '/.well-known/oauth-authorization-server/%6dcp/work'],
    ['a slash at its end', '/.well-known/oauth-authorization-server/'],
  ])('is nowhere else: %s', async (_id, target) => {
    expect((await rawGet(origin, target, { host: 'localhost:8080' })).status).toBe(404);
  });

  it('MCP 2025-03-26: a client that has read no metadata signs in at /register, /authorize and /token of the origin', async () => {
    const client = new TestClient(servers.publicUrl, servers.urls, {
      register: '/register',
      authorize: '/authorize',
      token: '/token',
    });
    expect((await client.register()).status).toBe(201);
    const tokens = await client.redeem(await client.obtainCode());
    expect(tokens).toMatchObject({ status: 200, json: { token_type: 'Bearer' } });
    expect((await client.refresh(String(tokens.json['refresh_token']))).status).toBe(200);
    const preflight = await client.fetch('/register', { method: 'OPTIONS', headers: { origin: 'http://localhost:6274' } });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
  });

  it('publishes the public half of one ES256 key', async () => {
    const { body } = await rawGet(origin, '/oauth/jwks', { host: 'localhost:8080' });
    expect(JSON.parse(body)).toEqual({
      keys: [
        {
          kty: 'EC',
          crv: 'P-256',
          alg: 'ES256',
          use: 'sig',
          kid: expect.any(String) as string,
          x: expect.any(String) as string,
          y: expect.any(String) as string,
        },
      ],
    });
  });

  it('keeps its keys over a restart', async () => {
    const before = await rawGet(origin, '/oauth/jwks', { host: 'localhost:8080' });
    const again = await startServers({ states: [state], clock: systemClock, dir: dir.path });
    try {
      expect((await rawGet(again.urls[0] ?? '', '/oauth/jwks', { host: 'localhost:8080' })).body).toBe(before.body);
    } finally {
      await again.close();
    }
  });

  it('leads to the public URL, whatever the request says', async () => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', accept: 'text/html' };
    const answer = await rawGet(origin, '/oauth/authorize?client_id=none&response_type=code', headers);
    expect(answer.status).toBe(400);
    expect(answer.body).not.toContain('evil.example');
  });
});
