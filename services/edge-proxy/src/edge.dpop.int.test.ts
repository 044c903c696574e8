import { type ScriptedUpstream, startScriptedUpstream, digest, newDpopKey } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { exchange, INITIALIZE } from './raw-client.fixture.js';
import { startTokenIssuer, type TokenIssuer } from './token-issuer.fixture.js';

const undo = new AsyncDisposableStack();
const key = newDpopKey();
const other = newDpopKey();
let issuer: TokenIssuer;
let upstream: ScriptedUpstream;
let edge: TestEdge;

const publish = (requireDpopNonce: boolean) => {
  const source = { upstream: 'up', tools: ['*'] };
  return edge.publish({
    requireDpopNonce,
    upstreams: [{ name: 'up', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 20_000 }],
    servers: [
      { slug: 'work', sources: [source], access: [{ everyone: true }] },
      { slug: 'strict', sources: [source], access: [{ everyone: true }], requireDpop: true },
    ],
  });
};

beforeAll(async () => {
  issuer = undo.use(await startTokenIssuer());
  upstream = undo.adopt(await startScriptedUpstream({ name: 'up', tools: ['act'] }), (it) => it[Symbol.asyncDispose]());
  edge = undo.use(await startTestEdge({ authServer: issuer.url }));
  await publish(false);
});
afterAll(() => undo.disposeAsync());

type Json = Readonly<Record<string, unknown>>;
const bound = (path = '/mcp/work', thumbprint = key.thumbprint) => issuer.token(edge.url, path, { cnf: { jkt: thumbprint } });

function call(authorization: string, proof: string | undefined, path = '/mcp/work') {
  const headers = { authorization, ...(proof === undefined ? {} : { dpop: proof }) };
  return exchange(edge.url, { path, body: INITIALIZE, headers });
}
const proofFor = (token: string, claims: Json = {}, header: Json = {}, path = '/mcp/work') =>
  key.proof({ method: 'POST', url: `${edge.url}${path}`, token }, claims, header);
const reasonOf = ({ messages }: Awaited<ReturnType<typeof exchange>>) => messages[0]?.error?.data['reason'];

describe('tokens that are bound to a key (DPoP)', () => {
  it('A14: opens with a proof for every call, made with the key of the token', async () => {
    const token = bound();
    for (let i = 0; i < 3; i += 1) {
      const answer = await call(`DPoP ${token}`, proofFor(token));
      expect([answer.status, answer.messages[0]?.error]).toEqual([200, undefined]);
      expect(answer.headers['dpop-nonce']).toBeUndefined();
    }
  });

  it('A14: a proof that comes twice opens once', async () => {
    const token = bound();
    const proof = proofFor(token);
    const answers = await Promise.all(Array.from({ length: 8 }, () => call(`DPoP ${token}`, proof)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(7).fill(401)]);
    expect(new Set(answers.filter(({ status }) => status === 401).map(reasonOf))).toEqual(new Set(['proof_invalid']));
  });

  const now = () => Math.floor(Date.now() / 1000);
  it.each<[id: string, proof: (token: string) => string | undefined, error?: string]>([
    ['none', () => undefined],
    ['no JWT', () => 'proof'],
    ['two of them', (token) => `${proofFor(token)}, ${proofFor(token)}`],
    ['wrong htm', (token) => proofFor(token, { htm: 'GET' })],
    ['wrong htu: another server', (token) => proofFor(token, { htu: `${edge.url}/mcp/strict` })],
    ['wrong htu: another host', (token) => proofFor(token, { htu: 'https://evil.example/mcp/work' })],
    ['no htu', (token) => proofFor(token, { htu: undefined })],
    ['wrong ath', (token) => proofFor(token, { ath: digest('another token') })],
    ['no ath', (token) => proofFor(token, { ath: undefined })],
    ['no jti', (token) => proofFor(token, { jti: undefined })],
    ['no iat', (token) => proofFor(token, { iat: undefined })],
    ['too old', (token) => proofFor(token, { iat: now() - 310 }), 'use_dpop_nonce'],
    ['from the future', (token) => proofFor(token, { iat: now() + 310 }), 'use_dpop_nonce'],
    ['a nonce of somebody else', (token) => proofFor(token, { nonce: 'x'.repeat(43) }), 'use_dpop_nonce'],
    ['another key', (token) => other.proof({ method: 'POST', url: `${edge.url}/mcp/work`, token })],
    ['another typ', (token) => proofFor(token, {}, { typ: 'JWT' })],
    ['alg none', (token) => proofFor(token, {}, { alg: 'none' })],
    ['a symmetric algorithm', (token) => proofFor(token, {}, { alg: 'HS256' })],
    ['no jwk', (token) => proofFor(token, {}, { jwk: undefined })],
    ['an altered signature', (token) => `${proofFor(token).slice(0, -8)}AAAAAAAA`],
  ])('A14: proof: %s: 401', async (_id, proof, error = 'invalid_dpop_proof') => {
    const token = bound();
    const answer = await call(`DPoP ${token}`, proof(token));
    expect(answer.status).toBe(401);
    const challenge = String(answer.headers['www-authenticate']);
    expect(challenge).toMatch(new RegExp(`^DPoP error="${error}".*resource_metadata=".*/mcp/work", algs="ES256 `));
    expect(typeof answer.headers['dpop-nonce']).toBe(error === 'use_dpop_nonce' ? 'string' : 'undefined');
  });

  it('A14: a bound token as Bearer is refused, and so is one that is bound in a way that is not known', async () => {
    const token = bound();
    const answer = await call(`Bearer ${token}`, proofFor(token));
    expect([answer.status, reasonOf(answer)]).toEqual([401, 'token_bound']);
    expect(answer.headers['www-authenticate']).toMatch(/^DPoP error="invalid_token"/);
    const strange = issuer.token(edge.url, '/mcp/work', { cnf: { kid: 'a key' } });
    expect(reasonOf(await call(`Bearer ${strange}`, undefined))).toBe('token_invalid');
  });

  it('A14: an unbound token with the scheme DPoP is refused', async () => {
    const token = issuer.token(edge.url, '/mcp/work');
    expect(reasonOf(await call(`DPoP ${token}`, proofFor(token)))).toBe('token_invalid');
  });

  it('A14: a proof with our nonce is taken whatever the clock of the client says', async () => {
    const token = bound();
    const late = { iat: now() - 86_400 };
    const nonce = String((await call(`DPoP ${token}`, proofFor(token, late))).headers['dpop-nonce']);
    const answer = await call(`DPoP ${token}`, proofFor(token, { ...late, nonce }));
    expect(answer.status).toBe(200);
  });

  it('A14: where nonces are required, a proof without one is told one, and opens with it', async () => {
    await publish(true);
    const token = bound();
    const first = await call(`DPoP ${token}`, proofFor(token));
    expect([first.status, reasonOf(first)]).toEqual([401, 'proof_nonce_missing']);
    expect(first.headers['www-authenticate']).toMatch(/^DPoP error="use_dpop_nonce"/);
    const nonce = String(first.headers['dpop-nonce']);
    expect((await call(`DPoP ${token}`, proofFor(token, { nonce }))).status).toBe(200);
    expect((await call(`Bearer ${issuer.token(edge.url, '/mcp/work')}`, undefined)).status).toBe(200);
    await publish(false);
  });

  it('A14: a server that demands bound tokens takes no others, and no API keys, also not ones that it took before', async () => {
    const unbound = issuer.token(edge.url, '/mcp/strict');
    const answer = await call(`Bearer ${unbound}`, undefined, '/mcp/strict');
    expect([answer.status, reasonOf(answer)]).toEqual([401, 'proof_required']);
    expect(reasonOf(await call(`Bearer ${edge.key}`, undefined, '/mcp/strict'))).toBe('proof_required');
    expect(reasonOf(await call(`Bearer ${issuer.token(edge.url, '/mcp')}`, undefined, '/mcp'))).toBe('proof_required');
    const token = bound('/mcp/strict');
    expect((await call(`DPoP ${token}`, proofFor(token, {}, {}, '/mcp/strict'), '/mcp/strict')).status).toBe(200);
    const metadata = await (await fetch(`${edge.url}/.well-known/oauth-protected-resource/mcp/strict`)).json();
    expect(metadata).toMatchObject({ dpop_bound_access_tokens_required: true });
  });

  it('lets browsers’ clients send proofs and read nonces', async () => {
    const { headers } = await exchange(edge.url, { path: '/mcp/work', method: 'OPTIONS' });
    expect(headers['access-control-allow-headers']).toContain('DPoP');
    expect(headers['access-control-expose-headers']).toContain('DPoP-Nonce');
  });
});
