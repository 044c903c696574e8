import { FakeClock, tempDir } from '@switchyard/testing';
import { generateKeyPairSync, verify } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { KnownServers } from '../connections/known-servers.js';
import { ReferenceFiles } from '../reference-files.js';
import { findMetadata } from '../upstream-oauth/discover.js';
import { OAuthHttp } from '../upstream-oauth/oauth-http.js';
import { ServiceTokens, type ServiceTokenRequest } from './service-tokens.js';

const RESOURCE = 'https://billing.example.com/mcp';

describe('tokens that the gateway gets for itself', () => {
  let server: Server;
  let issuer: string;
  let statedIssuer: string;
  let asked: { authorization: string | undefined; form: URLSearchParams }[];
  let answer: { status: number; body: object };
  let clock: FakeClock;
  let tokens: ServiceTokens;
  let platformFile: string;
  let files: ReferenceFiles;
  const undo = new AsyncDisposableStack();

  beforeAll(async () => {
    const { path: dir } = undo.use(await tempDir());
    platformFile = path.join(dir, 'token');
    files = new ReferenceFiles({ directory: dir, ownFiles: [] });
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        response.setHeader('content-type', 'application/json');
        if (request.url === '/token') {
          const form = new URLSearchParams(Buffer.concat(chunks).toString());
          asked.push({ authorization: request.headers.authorization, form });
          const body = { token_type: 'Bearer', access_token: `token-${asked.length}`, ...answer.body };
          response.writeHead(answer.status).end(JSON.stringify(answer.status === 200 ? body : answer.body));
        } else if (request.url === '/.well-known/oauth-authorization-server')
          response.end(JSON.stringify({ issuer: statedIssuer, token_endpoint: `${issuer}/token`, response_types_supported: [] }));
        else response.writeHead(404).end('{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await undo.disposeAsync();
  });

  beforeEach(() => {
    asked = [];
    statedIssuer = issuer;
    answer = { status: 200, body: { expires_in: 3600 } };
    clock = new FakeClock();
    tokens = open(true);
  });

  function open(loopback: boolean): ServiceTokens {
    const http = new OAuthHttp({ fetch: globalThis.fetch, loopback: () => loopback });
    return new ServiceTokens({ http, servers: new KnownServers(http, clock, findMetadata), clock, files });
  }

  const request = (o: Partial<ServiceTokenRequest> = {}): ServiceTokenRequest => ({
    ...{ upstream: 'billing', version: 'v1', rejected: '' },
    settings: { client_id: 'gate:way', client_secret: 'canary/secret', issuer, scopes: 'read write', resource: RESOURCE },
    ...o,
  });

  it('CC-1 are asked for with id and secret, scopes and resource, where the issuer says', async () => {
    expect(await tokens.get(request())).toMatchObject({ accessToken: 'token-1', untilMs: clock.now() + 3_540_000 });
    // RFC 6749 section 2.3.1: both are form-encoded first.
    expect(asked[0]?.authorization).toBe(`Basic ${Buffer.from('gate%3Away:canary%2Fsecret').toString('base64')}`);
    expect(Object.fromEntries(asked[0]?.form ?? [])).toEqual({
      grant_type: 'client_credentials',
      scope: 'read write',
      resource: RESOURCE,
    });
  });

  it('CC-20 are asked for with what the platform says of the vault at that time (workload identity)', async () => {
    const settings = { client_id: 'gateway', assertion_file: 'token', issuer, scopes: 'read', resource: RESOURCE };
    expect(await tokens.get(request({ settings }))).toMatchObject({ reason: 'client_refused' });
    expect(asked).toEqual([]);
    clock.advance(60_000);
    for (const [place, assertion] of ['said.by.platform', 'said.by.platform-later'].entries()) {
      await writeFile(platformFile, `${assertion}\n`);
      expect(await tokens.get(request({ settings }))).toMatchObject({ accessToken: `token-${place + 1}` });
      expect(asked[place]?.authorization).toBeUndefined();
      expect(Object.fromEntries(asked[place]?.form ?? [])).toEqual({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        ...{ assertion, client_id: 'gateway', scope: 'read', resource: RESOURCE },
      });
      clock.advance(3_600_000);
    }
  });

  it.each([
    ['CC-2 P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' }), 'ES256'],
    ['CC-3 RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }), 'RS256'],
  ])('%s: are asked for with an assertion, and without a secret', async (_id, pair, alg) => {
    const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const settings = {
      client_id: 'gateway',
      private_key: pem,
      private_key_id: 'k1',
      token_url: `${issuer}/token`,
      resource: RESOURCE,
    };
    expect(await tokens.get(request({ settings }))).toMatchObject({ accessToken: 'token-1' });
    const form = asked[0]?.form ?? new URLSearchParams();
    expect([asked[0]?.authorization, form.get('client_secret')]).toEqual([undefined, null]);
    expect(form.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    const [header = '', payload = '', signature = ''] = (form.get('client_assertion') ?? '').split('.');
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({ alg, kid: 'k1' });
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
      ...{ iss: 'gateway', sub: 'gateway', aud: `${issuer}/token` },
    });
    const key = { key: pair.publicKey, dsaEncoding: 'ieee-p1363' as const };
    expect(verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'))).toBe(true);
  });

  it('CC-4 are asked for once by all who need one at the same time, and kept', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => tokens.get(request())));
    expect(new Set(all.map((token) => ('accessToken' in token ? token.accessToken : token.message)))).toEqual(
      new Set(['token-1']),
    );
    clock.advance(3_500_000);
    expect(await tokens.get(request())).toMatchObject({ accessToken: 'token-1' });
    expect(asked).toHaveLength(1);
  });

  it('CC-5 are replaced before they end, and nobody waits for that', async () => {
    await tokens.get(request());
    clock.advance(3_545_000);
    expect(await tokens.get(request())).toMatchObject({ accessToken: 'token-1' });
    while (asked.length < 2) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(60_000);
    expect(await tokens.get(request())).toMatchObject({ accessToken: 'token-2' });
    expect(asked).toHaveLength(2);
  });

  it('CC-6 one that the upstream refuses is replaced once; one that is refused at once is not asked for again', async () => {
    const first = await tokens.get(request());
    const rejected = 'version' in first ? first.version : '';
    expect(await tokens.get(request({ rejected }))).toMatchObject({ reason: 'token_refused' });
    clock.advance(31_000);
    const again = await Promise.all([1, 2, 3].map(() => tokens.get(request({ rejected }))));
    expect(again).toEqual([1, 2, 3].map(() => expect.objectContaining({ accessToken: 'token-2' }) as unknown));
    expect(asked).toHaveLength(2);
  });

  it('CC-7 that are refused: the sentence says nothing of the answer, and there is a rest before the next try', async () => {
    answer = { status: 401, body: { error: 'invalid_client', error_description: 'canary of a stranger' } };
    const refusals = [await tokens.get(request()), await tokens.get(request())];
    expect(refusals).toEqual(
      [1, 2].map(() => expect.objectContaining({ reason: 'client_refused', code: 'invalid_client' }) as unknown),
    );
    expect(JSON.stringify(refusals)).not.toMatch(/canary/);
    expect(asked).toHaveLength(1);
    answer = { status: 200, body: { expires_in: 60 } };
    clock.advance(5_001);
    expect(await tokens.get(request())).toMatchObject({ accessToken: 'token-2' });
  });

  it('CC-8 of another configuration are other tokens', async () => {
    await tokens.get(request());
    expect(await tokens.get(request({ version: 'v2' }))).toMatchObject({ accessToken: 'token-2' });
    expect(await tokens.get(request({ upstream: 'other' }))).toMatchObject({ accessToken: 'token-3' });
  });

  it.each([
    ['CC-9 without a lifetime are kept for minutes', {}, 240_000],
    ['CC-10 of a short lifetime are replaced in its last fifth', { expires_in: 10 }, 8_000],
  ])('%s', async (_id, body, lastsMs) => {
    answer = { status: 200, body };
    expect(await tokens.get(request())).toMatchObject({ untilMs: clock.now() + lastsMs });
  });

  it.each([
    ['CC-11 that have ended when they come', { expires_in: 0 }],
    ['CC-12 of another type', { token_type: 'mac' }],
    ['CC-13 that cannot stand in a header field', { access_token: 'a\r\nb' }],
  ])('%s are not used', async (_id, body) => {
    answer = { status: 200, body };
    expect(await tokens.get(request())).toMatchObject({ reason: 'token_unusable' });
  });

  it('CC-14 are not asked for where the metadata speak of another issuer', async () => {
    statedIssuer = 'https://else.example.com';
    expect(await tokens.get(request())).toMatchObject({ reason: expect.any(String) as unknown });
    expect(asked).toEqual([]);
  });

  it('CC-15 are not asked for without TLS, except on this machine', async () => {
    const settings = { client_id: 'a', client_secret: 'b', token_url: `${issuer}/token`, resource: RESOURCE };
    expect(await open(false).get(request({ settings }))).toMatchObject({ reason: 'metadata_missing' });
    expect(asked).toEqual([]);
  });
});
