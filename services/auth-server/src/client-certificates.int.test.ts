import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import { AccessTokenVerifier, CERTIFICATE_FIELD, certificateThumbprint, ShownCertificates } from '@switchyard/oauth';
import { openSharedSecret } from '@switchyard/state';
import { CLIENT_CERTIFICATES, FakeClock } from '@switchyard/testing';
import { X509Certificate } from 'node:crypto';
import { startServers, type RunningServers } from './fixtures/running-server.js';
import { STATE_PROFILES, type OpenStates } from './fixtures/states.contract.js';
import { TestClient, type JsonAnswer, type RedeemableCode } from './fixtures/test-client.js';

const PUBLIC_URL = 'http://localhost:8080';
const WORK = `${PUBLIC_URL}/mcp/work`;
const SECRET = 's'.repeat(32);
const { finance, ops } = CLIENT_CERTIFICATES;
type Json = Readonly<Record<string, unknown>>;

const rawOf = (pem: string) => new X509Certificate(pem).raw;
const thumbprint = (pem: string) => certificateThumbprint(rawOf(pem));
const bound = (pem: string) => ({ 'x5t#S256': thumbprint(pem) });
const claimsOf = ({ json }: JsonAnswer) =>
  JSON.parse(Buffer.from(String(json['access_token']).split('.')[1] ?? '', 'base64url').toString()) as Json;

describe.each(STATE_PROFILES)('TLS certificates of clients (RFC 8705): %s', (_id, open) => {
  let states: OpenStates;
  let servers: RunningServers;
  let client: TestClient;
  let told: ShownCertificates;
  const clock = new FakeClock(Date.now());

  beforeAll(async () => {
    states = await open();
    const sections = `
identity:
  clientCertificates: { enabled: true, endpointsUrl: "https://mtls.example.com" }
  services:
    own: { certificate: "\${env:OPS_CERTIFICATE}", servers: [work] }
    issued: { certificateSubject: { dn: "CN=gateway-finance" }, servers: [work] }
    other: { certificateSubject: { dns: "other.example.com" }, servers: [work] }
    unbound: { certificate: "\${env:OPS_CERTIFICATE}", certificateBoundTokens: false, servers: [work] }
    secretive: { clientSecret: "\${env:SECRET}", certificateBoundTokens: true, servers: [work] }
teams: {}
upstreams: { up: { url: "http://127.0.0.1:9/mcp" } }
servers: { work: { sources: [{ upstream: up }], access: [{ everyone: true }] } }
`;
    const env = { OPS_CERTIFICATE: ops.certificate, SECRET };
    servers = await startServers({ states: states.states, clock, dir: states.dir, publicUrl: PUBLIC_URL, sections, env });
    client = new TestClient(servers.publicUrl, servers.urls);
    await client.register();
    const bucket = await states.states[0]!.bucket(BUCKETS.dpop, DEFAULT_TENANT);
    told = new ShownCertificates(await openSharedSecret(bucket, 'certificate-secret'), clock);
  });
  afterAll(async () => {
    await servers.close();
    await states[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    servers.events.length = 0;
  });

  const TOKEN = { method: 'POST', target: '/oauth/token' };
  /** What an edge says of a certificate. */
  const shows = (pem: string | undefined, verified = true, request = TOKEN): Record<string, string> =>
    pem === undefined ? {} : { [CERTIFICATE_FIELD]: told.write({ raw: rawOf(pem), verified }, request) };
  const post = (parameters: Record<string, string>, headers: Record<string, string>) =>
    client.fetch('/oauth/token', { method: 'POST', headers, body: new URLSearchParams(parameters) });
  const ask = (clientId: string, headers: Record<string, string>) =>
    post({ grant_type: 'client_credentials', client_id: clientId, resource: WORK }, headers);

  it('A15: a service is known by its own certificate, or by what an authority says in it, and its tokens are bound to it', async () => {
    const own = await ask('own', shows(ops.certificate, false));
    expect([own.status, claimsOf(own)['cnf'], own.json['token_type']]).toEqual([200, bound(ops.certificate), 'Bearer']);
    const issued = await ask('issued', shows(finance.certificate));
    expect([issued.status, claimsOf(issued)['cnf']]).toEqual([200, bound(finance.certificate)]);
    const jwksUrl = `${servers.urls[0]}/oauth/jwks`;
    const verifier = new AccessTokenVerifier({ issuer: PUBLIC_URL, jwksUrl, fetch, clock });
    expect(await verifier.verify(String(issued.json['access_token']), WORK)).toMatchObject({
      ok: true,
      certificate: thumbprint(finance.certificate),
      principal: { subject: 'issued', kind: 'service' },
    });
    const unbound = await ask('unbound', shows(ops.certificate, false));
    expect([unbound.status, claimsOf(unbound)['cnf']]).toEqual([200, undefined]);
  });

  const late = () => {
    const earlier = new ShownCertificates(Buffer.from('x'), clock);
    return earlier.write({ raw: rawOf(finance.certificate), verified: true }, TOKEN);
  };
  it.each<[id: string, clientId: string, headers: () => Record<string, string>]>([
    ['no certificate', 'own', () => ({})],
    ['no certificate, of an authority', 'issued', () => ({})],
    ['another certificate', 'own', () => shows(finance.certificate)],
    ['another subject', 'issued', () => shows(ops.certificate)],
    ['another alternative name', 'other', () => shows(finance.certificate)],
    ['a certificate that no authority has issued', 'issued', () => shows(finance.certificate, false)],
    ['what was said of another request', 'issued', () => shows(finance.certificate, true, { ...TOKEN, target: '/oauth/par' })],
    ['what was said with another secret', 'issued', () => ({ [CERTIFICATE_FIELD]: late() })],
    ['what is no statement', 'issued', () => ({ [CERTIFICATE_FIELD]: 'x' })],
    ['the field of a proxy', 'issued', () => ({ 'client-cert': `:${rawOf(finance.certificate).toString('base64')}:` })],
  ])('A15: %s: 401, invalid_client, on record', async (_what, clientId, headers) => {
    const answer = await ask(clientId, headers());
    expect([answer.status, answer.json['error']]).toEqual([401, 'invalid_client']);
    expect(servers.events).toEqual([expect.objectContaining({ type: 'auth.rejected', reason: 'invalid_client' })]);
  });

  it('A15: what an edge says counts for a minute', async () => {
    const headers = shows(ops.certificate, false);
    clock.advance(61_000);
    expect((await ask('own', headers)).status).toBe(401);
  });

  it('A15: a client with a secret whose tokens are to be bound gets none without a certificate', async () => {
    const basic = { authorization: `Basic ${Buffer.from(`secretive:${SECRET}`).toString('base64')}` };
    expect((await ask('secretive', basic)).json['error']).toBe('invalid_grant');
    const answer = await ask('secretive', { ...basic, ...shows(ops.certificate, false) });
    expect([answer.status, claimsOf(answer)['cnf']]).toEqual([200, bound(ops.certificate)]);
  });

  const redeem = ({ code, verifier, redirectUri }: RedeemableCode, clientId: string, pem: string | undefined) =>
    post(
      { grant_type: 'authorization_code', client_id: clientId, code, code_verifier: verifier, redirect_uri: redirectUri },
      shows(pem, false),
    );
  const refresh = (clientId: string, token: unknown, pem: string | undefined) =>
    post({ grant_type: 'refresh_token', client_id: clientId, refresh_token: String(token) }, shows(pem, false));

  it('A15: a public client that asks for it gets tokens, and refresh tokens, that are bound to its certificate', async () => {
    const person = new TestClient(servers.publicUrl, servers.urls);
    await person.register({ tls_client_certificate_bound_access_tokens: true });
    const id = person.clientId;
    expect((await redeem(await person.obtainCode(), id, undefined)).json['error']).toBe('invalid_grant');
    const tokens = await redeem(await person.obtainCode(), id, ops.certificate);
    expect([tokens.status, claimsOf(tokens)['cnf']]).toEqual([200, bound(ops.certificate)]);
    const first = tokens.json['refresh_token'];
    for (const pem of [undefined, finance.certificate])
      expect(await refresh(id, first, pem)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    const again = await refresh(id, first, ops.certificate);
    expect([again.status, claimsOf(again)['cnf']]).toEqual([200, bound(ops.certificate)]);
    // Within the grace window, the same client gets the same answer, and nobody else gets one.
    expect((await refresh(id, first, ops.certificate)).text).toBe(again.text);
    expect((await refresh(id, first, finance.certificate)).json['error']).toBe('invalid_grant');
    expect((await refresh(id, again.json['refresh_token'], ops.certificate)).json['error']).toBe('invalid_grant');
  });

  it('A15: the API takes no token that is bound to a certificate', async () => {
    const person = new TestClient(servers.publicUrl, servers.urls);
    await person.register({ tls_client_certificate_bound_access_tokens: true });
    const code = await person.obtainCode({ resource: `${PUBLIC_URL}/api` });
    const tokens = await redeem(code, person.clientId, ops.certificate);
    expect(claimsOf(tokens)['cnf']).toEqual(bound(ops.certificate));
    const headers = { authorization: `Bearer ${String(tokens.json['access_token'])}` };
    expect((await client.fetch('/api/v1/me/sessions', { headers })).status).toBe(401);
  });

  it.each(['tls_client_auth', 'self_signed_tls_client_auth'])('A15: nobody registers themselves for %s', async (method) => {
    const jwk = { ...new X509Certificate(ops.certificate).publicKey.export({ format: 'jwk' }) };
    const jwks = { keys: [{ ...jwk, x5c: [rawOf(ops.certificate).toString('base64')] }] };
    const answer = await new TestClient(servers.publicUrl, servers.urls).register({
      ...{ token_endpoint_auth_method: method, tls_client_auth_subject_dn: 'CN=gateway-finance', jwks },
    });
    expect([answer.status, answer.json['error']]).toEqual([400, 'invalid_client_metadata']);
  });

  it('A15: the metadata says so, and where certificates are asked for', async () => {
    const { json } = await client.fetch('/.well-known/oauth-authorization-server');
    expect(json).toMatchObject({
      token_endpoint: `${PUBLIC_URL}/oauth/token`,
      tls_client_certificate_bound_access_tokens: true,
      mtls_endpoint_aliases: { token_endpoint: 'https://mtls.example.com/oauth/token' },
    });
    expect(json['token_endpoint_auth_methods_supported']).toEqual(
      expect.arrayContaining(['tls_client_auth', 'self_signed_tls_client_auth']),
    );
  });
});
