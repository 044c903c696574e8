import { createHash } from 'node:crypto';
import { base64url, exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT, type JWK, type JWTPayload } from 'jose';
import { AccessTokenVerifier } from './access-token-verifier.js';
import { KeysUnavailable } from './issuer-keys.js';

const ISSUER = 'https://mcp.example.com';
const RESOURCE = 'https://mcp.example.com/mcp/work';
const NOW_SECONDS = 1_800_000_000;

const claims = (over: JWTPayload = {}): JWTPayload => ({
  iss: ISSUER,
  sub: 'user-1',
  aud: RESOURCE,
  client_id: 'client-1',
  scope: 'mcp offline_access',
  jti: 'token-1',
  iat: NOW_SECONDS,
  exp: NOW_SECONDS + 300,
  sy_tenant: 'default',
  sy_grant: 'grant-1',
  sy_claims: ['finance'],
  email: 'Ana@Example.com',
  ...over,
});

/** An issuer with one key, a verifier of its tokens, and a count of how often its keys were fetched. */
async function issuer() {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid: 'key-1', alg: 'ES256', use: 'sig' };
  const state = { nowMs: NOW_SECONDS * 1000, fetches: 0, available: true, keys: [jwk] };
  const fetch = async () => {
    state.fetches += 1;
    if (!state.available) throw new TypeError('connection refused');
    return Response.json({ keys: state.keys });
  };
  const verifier = new AccessTokenVerifier({
    issuer: ISSUER,
    jwksUrl: `${ISSUER}/oauth/jwks`,
    fetch,
    clock: { now: () => state.nowMs },
  });
  const sign = (payload: JWTPayload, header: Record<string, unknown> = {}) =>
    new SignJWT(payload).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'key-1', ...header }).sign(privateKey);
  return { state, verifier, sign, publicKey, privateKey, jwk };
}

const sign = async (payload: JWTPayload, header: Record<string, unknown> = {}) => {
  const it = await issuer();
  return { it, token: await it.sign(payload, header) };
};

describe('AccessTokenVerifier', () => {
  it('tells who calls, with which client, scopes and grant', async () => {
    const { it: subject, token } = await sign(claims());
    expect(await subject.verifier.verify(token, RESOURCE)).toEqual({
      ok: true,
      principal: {
        tenant: 'default',
        issuer: ISSUER,
        subject: 'user-1',
        name: 'Ana@Example.com',
        kind: 'user',
        email: 'ana@example.com',
        claims: ['finance'],
      },
      clientId: 'client-1',
      scopes: ['mcp', 'offline_access'],
      grantId: 'grant-1',
      tokenId: 'token-1',
      grantedAtMs: NOW_SECONDS * 1000,
      expiresAtMs: (NOW_SECONDS + 300) * 1000,
    });
  });

  it('tells when what it was issued under was granted', async () => {
    const { it: subject, token } = await sign(claims({ sy_granted_at: NOW_SECONDS - 3_600 }));
    expect(await subject.verifier.verify(token, RESOURCE)).toMatchObject({ grantedAtMs: (NOW_SECONDS - 3_600) * 1000 });
    const { it: other, token: odd } = await sign(claims({ sy_granted_at: 'yesterday' }));
    expect(await other.verifier.verify(odd, RESOURCE)).toMatchObject({ ok: false, reason: 'token_invalid' });
  });

  it('verifies for its end whatever it was issued for, its audience aside', async () => {
    const { it: subject, token } = await sign(claims({ aud: 'https://elsewhere.example/mcp' }));
    expect(await subject.verifier.verifyForItsEnd(token)).toMatchObject({ ok: true, tokenId: 'token-1' });
    const over = await sign(claims({ exp: NOW_SECONDS - 61 }));
    expect(await over.it.verifier.verifyForItsEnd(over.token)).toMatchObject({ ok: false, reason: 'token_expired' });
  });

  it('tells services from people', async () => {
    const { it: subject, token } = await sign(claims({ sy_kind: 'service', sub: 'bot', email: undefined }));
    expect(await subject.verifier.verify(token, RESOURCE)).toMatchObject({
      ok: true,
      principal: { kind: 'service', name: 'bot' },
    });
  });

  const { iss: _iss, exp: _exp, sub: _sub, ...withoutIssuerEndAndSubject } = claims();
  it.each([
    // id, claims, header, expected reason
    ['E1-expired', claims({ exp: NOW_SECONDS - 61 }), {}, 'token_expired'],
    ['E1-not-yet-valid', claims({ nbf: NOW_SECONDS + 61 }), {}, 'token_invalid'],
    ['E1-issued-in-the-future', claims({ iat: NOW_SECONDS + 61 }), {}, 'token_invalid'],
    ['E1-no-expiry', { ...withoutIssuerEndAndSubject, iss: ISSUER, sub: 'user-1' }, {}, 'token_invalid'],
    ['E1-no-subject', { ...withoutIssuerEndAndSubject, iss: ISSUER, exp: NOW_SECONDS + 300 }, {}, 'token_invalid'],
    ['E1-empty-subject', claims({ sub: '' }), {}, 'token_invalid'],
    ['E1-no-grant', claims({ sy_grant: undefined }), {}, 'token_invalid'],
    ['E2-other-server', claims({ aud: 'https://mcp.example.com/mcp/other' }), {}, 'token_wrong_audience'],
    ['E2-whole-gateway', claims({ aud: 'https://mcp.example.com/mcp' }), {}, 'token_wrong_audience'],
    ['E2-two-audiences', claims({ aud: [RESOURCE, 'https://mcp.example.com/mcp/other'] }), {}, 'token_wrong_audience'],
    ['E2-list-of-one', claims({ aud: [RESOURCE] }), {}, 'token_wrong_audience'],
    ['E2-other-issuer', claims({ iss: 'https://evil.example' }), {}, 'token_invalid'],
    ['E3-id-token', claims(), { typ: 'JWT' }, 'token_invalid'],
    ['E3-no-typ', claims(), { typ: undefined }, 'token_invalid'],
    ['E3-id-jag', claims(), { typ: 'oauth-id-jag+jwt' }, 'token_invalid'],
    ['E3-logout-token', claims(), { typ: 'logout+jwt' }, 'token_invalid'],
    ['E4-unknown-kid', claims(), { kid: 'key-9' }, 'token_invalid'],
    ['E4-no-kid', claims(), { kid: undefined }, 'token_invalid'],
    ['E4-jku', claims(), { jku: 'https://evil.example/jwks' }, 'token_invalid'],
    ['E4-x5u', claims(), { x5u: 'https://evil.example/cert' }, 'token_invalid'],
    ['E4-jwk', claims(), { jwk: { kty: 'EC' } }, 'token_invalid'],
    ['E4-crit', claims(), { crit: ['b64'], b64: true }, 'token_invalid'],
  ])('refuses %s', async (_id, payload, header, reason) => {
    const { it: subject, token } = await sign(payload, header);
    expect(await subject.verifier.verify(token, RESOURCE)).toMatchObject({ ok: false, reason });
  });

  it.each([
    ['E1-skew-expiry', claims({ exp: NOW_SECONDS - 59 })],
    ['E1-skew-not-before', claims({ nbf: NOW_SECONDS + 59 })],
    ['E1-skew-issued-at', claims({ iat: NOW_SECONDS + 59 })],
  ])('accepts a minute of clock skew: %s', async (_id, payload) => {
    const { it: subject, token } = await sign(payload);
    expect(await subject.verifier.verify(token, RESOURCE)).toMatchObject({ ok: true });
  });

  const b64 = (value: unknown) => base64url.encode(JSON.stringify(value));
  it.each([
    ['E1-empty', ''],
    ['E1-opaque', 'sy_abc_def'],
    ['E1-two-parts', 'a.b'],
    ['E1-not-base64', '!!.!!.!!'],
    ['E1-header-not-json', `${base64url.encode('{')}.e30.AA`],
    ['E1-header-is-list', `${b64([])}.e30.AA`],
    ['E1-oversized', `${b64({ alg: 'ES256', typ: 'at+jwt', kid: 'key-1' })}.${'A'.repeat(9000)}.AA`],
    ['E1-payload-not-json', `${b64({ alg: 'ES256', typ: 'at+jwt', kid: 'key-1' })}.e30.AA`],
    ['E4-alg-none', new UnsecuredJWT(claims()).encode()],
    ['E4-alg-none-dressed', `${b64({ alg: 'none', typ: 'at+jwt', kid: 'key-1' })}.${b64(claims())}.`],
  ])('refuses what is no token of ours, without throwing: %s', async (_id, token) => {
    const { verifier } = await issuer();
    expect(await verifier.verify(token, RESOURCE)).toMatchObject({ ok: false });
  });

  it('E4: refuses HS256 keyed with the public key', async () => {
    const { verifier, publicKey } = await issuer();
    const secret = new TextEncoder().encode(await exportSPKI(publicKey));
    const token = await new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'key-1' }).sign(secret);
    expect(await verifier.verify(token, RESOURCE)).toMatchObject({ ok: false, reason: 'token_invalid' });
  });

  it('E4: refuses a token of another key under a known key id, and an altered one', async () => {
    const [subject, stranger] = [await issuer(), await issuer()];
    const foreign = await stranger.sign(claims());
    expect(await subject.verifier.verify(foreign, RESOURCE)).toMatchObject({ ok: false, reason: 'token_invalid' });
    const [header, , signature] = (await subject.sign(claims())).split('.');
    const altered = [header, b64(claims({ sub: 'admin' })), signature].join('.');
    expect(await subject.verifier.verify(altered, RESOURCE)).toMatchObject({ ok: false, reason: 'token_invalid' });
  });

  it('says the same about a token for another server as it says in every other such case, and names nothing of it', async () => {
    const { it: subject, token } = await sign(claims({ aud: 'https://mcp.example.com/mcp/secret-project' }));
    expect(JSON.stringify(await subject.verifier.verify(token, RESOURCE))).not.toContain('secret-project');
  });
});

describe('keys of the issuer', () => {
  it('E4: a flood of unknown key ids costs one fetch in 30 s', async () => {
    const { it: subject } = await sign(claims());
    const flood = await Promise.all(Array.from({ length: 200 }, (_, i) => subject.sign(claims(), { kid: `flood-${i}` })));
    await Promise.all(flood.slice(0, 100).map((token) => subject.verifier.verify(token, RESOURCE)));
    expect(subject.state.fetches).toBe(1);
    subject.state.nowMs += 29_999;
    await Promise.all(flood.slice(100).map((token) => subject.verifier.verify(token, RESOURCE)));
    expect(subject.state.fetches).toBe(1);
    subject.state.nowMs += 1;
    await Promise.all(flood.map((token) => subject.verifier.verify(token, RESOURCE)));
    expect(subject.state.fetches).toBe(2);
  });

  it('takes up a new key when a token names it', async () => {
    const subject = await issuer();
    const next = await issuer();
    await subject.verifier.verify(await subject.sign(claims()), RESOURCE);
    subject.state.keys = [subject.jwk, { ...next.jwk, kid: 'key-2' }];
    subject.state.nowMs += 30_000;
    expect(await subject.verifier.verify(await next.sign(claims(), { kid: 'key-2' }), RESOURCE)).toMatchObject({ ok: true });
  });

  it('drops a key that the issuer has withdrawn, at the next refresh', async () => {
    const { it: subject, token } = await sign(claims({ exp: NOW_SECONDS + 3600 }));
    expect(await subject.verifier.verify(token, RESOURCE)).toMatchObject({ ok: true });
    subject.state.keys = [];
    subject.state.nowMs += 600_000;
    await subject.verifier.verify(token, RESOURCE); // starts the refresh in the background
    await new Promise(setImmediate);
    expect(await subject.verifier.verify(token, RESOURCE)).toMatchObject({ ok: false, reason: 'token_invalid' });
  });

  it('throws, and only then, when the keys cannot be had', async () => {
    const { it: subject, token } = await sign(claims());
    subject.state.available = false;
    await expect(subject.verifier.verify(token, RESOURCE)).rejects.toThrow(KeysUnavailable);
    await expect(subject.verifier.verify(token, RESOURCE)).rejects.toThrow(KeysUnavailable);
    expect(subject.state.fetches).toBe(1);
    expect(await subject.verifier.verify('not a token', RESOURCE)).toMatchObject({ ok: false, reason: 'token_malformed' });
    subject.state.available = true;
    subject.state.nowMs += 30_000;
    expect(await subject.verifier.verify(token, RESOURCE)).toMatchObject({ ok: true });
  });

  it('goes on with known keys for a day while they cannot be fetched again', async () => {
    const { it: subject, token } = await sign(claims({ exp: NOW_SECONDS + 200_000 }));
    expect(await subject.verifier.verify(token, RESOURCE)).toMatchObject({ ok: true });
    subject.state.available = false;
    subject.state.nowMs += 86_399_000;
    expect(await subject.verifier.verify(token, RESOURCE)).toMatchObject({ ok: true });
    subject.state.nowMs += 31_000;
    await expect(subject.verifier.verify(token, RESOURCE)).rejects.toThrow(KeysUnavailable);
  });

  it('ignores keys of other kinds', async () => {
    const { it: subject, token } = await sign(claims());
    const thumb = createHash('sha256').update('x').digest('base64url');
    subject.state.keys = [
      { kty: 'RSA', n: thumb, e: 'AQAB', kid: 'key-0' },
      { kty: 'oct', k: thumb, kid: 'key-1' },
      ...subject.state.keys,
    ];
    expect(await subject.verifier.verify(token, RESOURCE)).toMatchObject({ ok: true });
  });
});
