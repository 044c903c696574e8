import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { claimsKeyFrom, signClaims } from './claims-key.js';

const NOW_MS = 1_800_000_000_000;
const secret = (byte: number) => Buffer.alloc(32, byte);

describe('keys that statements about callers are signed with', () => {
  it('are the same for the same secret, and others for another', async () => {
    const [one, same, other] = await Promise.all([7, 7, 8].map((byte) => claimsKeyFrom(secret(byte))));
    expect(same?.publicJwk).toEqual(one?.publicJwk);
    expect(other?.publicJwk.kid).not.toBe(one?.publicJwk.kid);
    expect(Object.keys(one?.publicJwk ?? {}).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  });

  // Zero, and what is above the order of the group, are no private keys.
  it.each([0x00, 0xff])('are made from every secret: 32 times %i', async (byte) => {
    expect((await claimsKeyFrom(secret(byte))).publicJwk.kid).toMatch(/^[\w-]{43}$/);
  });

  it('sign what anybody can verify with the public keys', async () => {
    const key = await claimsKeyFrom(secret(7));
    const claims = { iss: 'https://mcp.example.com', aud: 'https://up.example.com/mcp', sub: 'ana' };
    const token = await signClaims(key, { typ: 'user+jwt', claims, nowMs: NOW_MS, lifetimeSeconds: 120 });
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES256', typ: 'user+jwt', kid: key.publicJwk.kid });
    const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: [key.publicJwk] }), { currentDate: new Date(NOW_MS) });
    expect(payload).toEqual({ ...claims, iat: NOW_MS / 1000, exp: NOW_MS / 1000 + 120, jti: expect.any(String) as unknown });
    const other = await claimsKeyFrom(secret(8));
    await expect(jwtVerify(token, createLocalJWKSet({ keys: [other.publicJwk] }))).rejects.toThrow();
  });
});
