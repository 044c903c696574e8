import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { LogoutTokenVerifier } from './index.js';

const ISSUER = 'https://idp.example';
const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
const NOW_MS = Date.UTC(2026, 10, 21);

describe('LogoutTokenVerifier', () => {
  it('reads whom a token is about, and throws where the keys cannot be had', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }] };
    let isDown = false;
    const fetch = async () => (isDown ? new Response('', { status: 503 }) : Response.json(keys));
    const verifier = () =>
      new LogoutTokenVerifier({ issuer: ISSUER, audience: 'us', jwksUrl: `${ISSUER}/jwks`, fetch, clock: { now: () => NOW_MS } });
    const token = await new SignJWT({ events, sid: 's', jti: 'j', sub: 'u' })
      .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'logout+jwt' })
      .setIssuer(ISSUER)
      .setAudience('us')
      .setIssuedAt(NOW_MS / 1000)
      .sign(privateKey);
    expect(await verifier().verify(token)).toEqual({ ok: true, id: 'j', subject: 'u', sessionId: 's' });
    isDown = true;
    await expect(verifier().verify(token)).rejects.toThrow();
  });
});
