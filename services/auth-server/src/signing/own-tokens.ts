import { AccessTokenVerifier } from '@switchyard/oauth';
import type { SigningKeys } from './signing-keys.js';

/** Verifies access tokens of this authorization server in the process that issues them. */
export function ownTokens(issuer: string, signing: SigningKeys, clock: { now(): number }): AccessTokenVerifier {
  const published = () => signing.current().map(({ kty, crv, x, y, kid, alg, use }) => ({ kty, crv, x, y, kid, alg, use }));
  return new AccessTokenVerifier({
    issuer,
    jwksUrl: `${issuer}/oauth/jwks`,
    fetch: () => Promise.resolve(Response.json({ keys: published() })),
    clock,
    cooldownMs: 0,
  });
}
