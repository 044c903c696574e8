import { errors, type KoaContextWithOIDC } from 'oidc-provider';

/** Clocks of clients may differ from ours by this much. */
export const CLOCK_SKEW_SECONDS = 30;

/** Signatures that clients may identify themselves with. None is symmetric: a key that both sides have proves less. */
export const ASSERTION_ALGORITHMS = ['ES256', 'PS256', 'RS256', 'Ed25519', 'EdDSA'] as const;

const LIFETIME_SECONDS = 300;
const JTI_LIMIT_CHARACTERS = 256;
const TYPES: ReadonlySet<unknown> = new Set([undefined, 'JWT', 'jwt', 'client-authentication+jwt']);

/**
 * What has to hold of an assertion that a client identifies itself with, beside its signature, `iss`, `sub` and `jti`, which the library
 * checks (RFC 7523 §3). One audience, the issuer: an assertion that names somebody else too could be shown to them, and be theirs to use
 * (draft-ietf-oauth-rfc7523bis).
 * @throws InvalidClientAuth
 */
export async function checkAssertion(
  ctx: KoaContextWithOIDC,
  claims: Readonly<Record<string, unknown>>,
  header: Readonly<Record<string, unknown>>,
): Promise<void> {
  const problem = problemOf(claims, header, ctx.oidc.issuer, Date.now() / 1000);
  if (problem !== undefined) throw new errors.InvalidClientAuth(problem);
}

function problemOf(
  { aud, exp, iat, jti }: Readonly<Record<string, unknown>>,
  { typ }: Readonly<Record<string, unknown>>,
  issuer: string,
  nowSeconds: number,
): string | undefined {
  if (!TYPES.has(typ)) return 'typ of the client assertion must be client-authentication+jwt or JWT';
  if (aud !== issuer) return 'audience (aud) of the client assertion must be the issuer, and nothing else';
  if (typeof exp !== 'number' || exp - nowSeconds > LIFETIME_SECONDS + CLOCK_SKEW_SECONDS)
    return 'the client assertion must expire within five minutes';
  if (iat !== undefined && (typeof iat !== 'number' || iat - nowSeconds > CLOCK_SKEW_SECONDS))
    return 'the client assertion is from the future';
  if (typeof jti !== 'string' || jti.length > JTI_LIMIT_CHARACTERS) return 'jti of the client assertion must be a short text';
  return undefined;
}
