import { type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { callOf, exchange, INITIALIZE } from './raw-client.fixture.js';

const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

let issuer: Server;
let fetches = 0;
let upstream: ScriptedUpstream;
let edge: TestEdge;

beforeAll(async () => {
  issuer = createServer((_request, response) => {
    fetches += 1;
    const jwk = { ...own.publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'ES256' };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  upstream = await startScriptedUpstream({ name: 'up', tools: ['act', 'pay'] });
  edge = await startTestEdge({ authServer: `http://127.0.0.1:${(issuer.address() as AddressInfo).port}` });
  const source = { upstream: 'up', tools: ['*'] };
  await edge.publish({
    upstreams: [{ name: 'up', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 20_000 }],
    servers: [
      {
        slug: 'work',
        sources: [source],
        access: [
          { everyone: true, tools: ['act'] },
          { teams: ['finance'], tools: ['pay'] },
        ],
      },
      { slug: 'play', sources: [source], access: [{ everyone: true }] },
      { slug: 'open', sources: [source], access: [{ anonymous: true, tools: ['act'] }, { everyone: true }] },
    ],
    teams: [{ name: 'finance', emails: ['ana@example.com'] }],
  });
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  await new Promise((resolve) => issuer.close(resolve));
});

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

interface Forged {
  readonly header?: object;
  readonly claims?: object;
  readonly key?: KeyObject;
  readonly signature?: (input: string) => string;
}

/** An access token as the authorization server issues them, except for what is said. */
function token({ header = {}, claims = {}, key = own.privateKey, signature }: Forged = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const payload = {
    iss: edge.url,
    aud: `${edge.url}/mcp/work`,
    sub: 'u1',
    client_id: 'client-1',
    jti: 'j1',
    iat: now,
    exp: now + 300,
    scope: 'mcp',
    sy_tenant: 'default',
    sy_grant: 'g1',
    email: 'ana@example.com',
    ...claims,
  };
  const input = `${part({ alg: 'ES256', typ: 'at+jwt', kid: 'k1', ...header })}.${part(payload)}`;
  const ecdsa = (text: string) => sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
  return `${input}.${(signature ?? ecdsa)(input)}`;
}

const seconds = (offset: number) => Math.floor(Date.now() / 1000) + offset;
const publicPem = own.publicKey.export({ format: 'pem', type: 'spki' });

const ROWS: [id: string, forged: () => string, reason: string][] = [
  ['E1-g expired', () => token({ claims: { iat: seconds(-400), exp: seconds(-100) } }), 'token_expired'],
  ['E1-h not yet valid', () => token({ claims: { nbf: seconds(300) } }), 'token_invalid'],
  ['E1-i issued in the future', () => token({ claims: { iat: seconds(300), exp: seconds(600) } }), 'token_invalid'],
  ['E1-j without an end', () => token({ claims: { exp: undefined } }), 'token_invalid'],
  ['E2-b of another server of the gateway', () => token({ claims: { aud: `${edge.url}/mcp/play` } }), 'token_wrong_audience'],
  ['E2-c of the server that joins all', () => token({ claims: { aud: `${edge.url}/mcp` } }), 'token_wrong_audience'],
  [
    'E2-d of several servers at once',
    () => token({ claims: { aud: [`${edge.url}/mcp/work`, `${edge.url}/mcp/play`] } }),
    'token_wrong_audience',
  ],
  ['E2-e of another issuer', () => token({ claims: { iss: 'https://elsewhere.example' } }), 'token_invalid'],
  ['E3-a an ID token', () => token({ header: { typ: 'JWT' } }), 'token_invalid'],
  ['E3-b an ID-JAG', () => token({ header: { typ: 'oauth-id-jag+jwt' } }), 'token_invalid'],
  ['E3-c a logout token', () => token({ header: { typ: 'logout+jwt' } }), 'token_invalid'],
  ['E4-a alg none', () => token({ header: { alg: 'none' }, signature: () => '' }), 'token_invalid'],
  [
    'E4-b HS256 keyed with the public key',
    () =>
      token({
        header: { alg: 'HS256' },
        signature: (input) => createHmac('sha256', publicPem).update(input).digest('base64url'),
      }),
    'token_invalid',
  ],
  [
    'E4-c RS256',
    () =>
      token({
        header: { alg: 'RS256' },
        signature: (input) => sign('sha256', Buffer.from(input), rsa.privateKey).toString('base64url'),
      }),
    'token_invalid',
  ],
  ['E4-d signed by another key', () => token({ key: foreign.privateKey }), 'token_invalid'],
  [
    'E4-e with a key of its own',
    () => token({ key: foreign.privateKey, header: { jwk: foreign.publicKey.export({ format: 'jwk' }) } }),
    'token_invalid',
  ],
  [
    'E4-f with a URL for keys',
    () => token({ key: foreign.privateKey, header: { jku: 'https://evil.example/jwks' } }),
    'token_invalid',
  ],
  ['E4-g with critical extensions', () => token({ header: { crit: ['x'], x: 1 } }), 'token_invalid'],
  ['E4-h with an unknown key id', () => token({ header: { kid: 'k2' } }), 'token_invalid'],
  ['E4-i altered', () => token().replace(/\.[^.]+\./, `.${part({ iss: edge.url, sub: 'admin' })}.`), 'token_invalid'],
];

const post = (path: string, bearer: string | undefined, more: { body: object; session?: string }) =>
  exchange(edge.url, { path, ...(bearer !== undefined && { headers: { authorization: `Bearer ${bearer}` } }), ...more });

async function enter(path: string, bearer: string | undefined) {
  const { headers, status } = await post(path, bearer, { body: INITIALIZE });
  expect(status).toBe(200);
  const session = String(headers['mcp-session-id']);
  return async (name: string) => {
    const { messages } = await post(path, bearer, { session, body: callOf(name) });
    return messages[0]?.error?.data.reason ?? 'ok';
  };
}

/** Tokens of unknown keys that were counted. */
async function unknownKeys(): Promise<number> {
  const [, count] = /^switchyard_tokens_of_unknown_keys_total(?:\{.*?\})? (\d+)/m.exec(await edge.metrics()) ?? [];
  return Number(count);
}

describe('access tokens', () => {
  it.each(ROWS)('%s: 401, and nobody upstream is asked', async (_id, forged, reason) => {
    const before = upstream.received.length;
    const answer = await post('/mcp/work', forged(), { body: INITIALIZE });
    expect([answer.status, answer.messages[0]?.error]).toEqual([
      401,
      expect.objectContaining({ code: 10401, data: expect.objectContaining({ reason }) as object }),
    ]);
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(upstream.received.length).toBe(before);
    const requestId = answer.headers['x-request-id'];
    expect(await edge.event(({ request_id }) => request_id === requestId)).toMatchObject({
      type: 'auth.rejected',
      outcome: 'denied',
      reason,
    });
  });

  it.each([
    [
      'one that is good',
      () => token({ header: { kid: 'k3' } }),
      { severity: 'high', detail: { because: 'unknown_key', key_id: 'k3' } },
    ],
    ['one that has ended', () => token({ header: { kid: 'k3' }, claims: { exp: seconds(-1) } }), {}],
    ['one of another issuer', () => token({ header: { kid: 'k3' }, claims: { iss: 'https://elsewhere.example' } }), {}],
  ])(
    'A21 a token of ours whose key is not published is told of, without a word to who shows it: %s',
    async (_id, forged, told) => {
      const before = await unknownKeys();
      const answer = await post('/mcp/work', forged(), { body: INITIALIZE });
      expect(answer.status).toBe(401);
      expect(answer.text).not.toContain('unknown_key');
      const requestId = answer.headers['x-request-id'];
      const event = await edge.event(({ request_id }) => request_id === requestId);
      const { severity, detail } = event;
      expect([event.reason, severity === undefined ? {} : { severity, detail }]).toEqual(['token_invalid', told]);
      expect((await unknownKeys()) - before).toBe('severity' in told ? 1 : 0);
    },
  );

  it('E4-j a flood of unknown keys is one fetch', async () => {
    const before = fetches;
    await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        post('/mcp/work', token({ header: { kid: `flood-${index}` } }), { body: INITIALIZE }),
      ),
    );
    expect(fetches - before).toBeLessThanOrEqual(1);
  });

  it('TK-1 open the server that they are for, for as long as they last and a minute', async () => {
    expect(await (await enter('/mcp/work', token()))('act')).toBe('ok');
    expect(await (await enter('/mcp/work', token({ claims: { iat: seconds(-330), exp: seconds(-30) } })))('act')).toBe('ok');
    expect(await edge.event(({ type, principal_subject }) => type === 'tool.called' && principal_subject === 'u1')).toMatchObject(
      {
        principal_issuer: edge.url,
        principal_name: 'ana@example.com',
        principal_kind: 'user',
        client_id: 'client-1',
        outcome: 'ok',
      },
    );
  });

  it('TK-2 carry the e-mail that teams are made of', async () => {
    expect(await (await enter('/mcp/work', token()))('pay')).toBe('ok');
    expect(await (await enter('/mcp/work', token({ claims: { sub: 'u2', email: 'bob@example.com' } })))('pay')).toBe(
      'policy_denied',
    );
  });

  it('TK-3 may be refreshed within a session; another client of the same user gets no part of it', async () => {
    const { headers } = await post('/mcp/work', token(), { body: INITIALIZE });
    const session = String(headers['mcp-session-id']);
    const ping = { session, body: { jsonrpc: '2.0', id: 1, method: 'ping' } };
    expect((await post('/mcp/work', token({ claims: { jti: 'j2' } }), ping)).status).toBe(200);
    expect((await post('/mcp/work', token({ claims: { client_id: 'client-2' } }), ping)).status).toBe(404);
    expect((await post('/mcp/work', token({ claims: { sub: 'u2' } }), ping)).status).toBe(404);
  });

  it('TK-4 are not needed where the server lets everyone in, and there is no more than that without one', async () => {
    const anonymous = await enter('/mcp/open', undefined);
    expect(await anonymous('act')).toBe('ok');
    expect(await anonymous('pay')).toBe('policy_denied');
    expect(await (await enter('/mcp/open', token({ claims: { aud: `${edge.url}/mcp/open` } })))('pay')).toBe('ok');
    expect((await post('/mcp/open', 'nonsense', { body: INITIALIZE })).status).toBe(401);
  });

  it('TK-5 go no further: neither upstream nor into logs and events', async () => {
    const bearer = token();
    await (
      await enter('/mcp/work', bearer)
    )('act');
    const signature = bearer.split('.')[2] ?? '';
    expect(JSON.stringify(upstream.received)).not.toContain(signature);
    expect(upstream.received.every(({ headers }) => headers.authorization === undefined)).toBe(true);
    expect(edge.logged() + JSON.stringify(edge.events)).not.toContain(signature);
  });
});
