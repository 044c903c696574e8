import { errors, type KoaContextWithOIDC, type RefreshToken } from 'oidc-provider';
import { LIFETIMES } from '../lifetimes.js';

/**
 * Whether a refresh token is replaced when it is used: always (OAuth 2.1 §4.3.1).
 * @throws InvalidTarget for a resource that was not granted: the library would look at it only after the token is spent
 */
export function rotateRefreshToken(ctx: KoaContextWithOIDC): boolean {
  const asked = ctx.oidc.params?.['resource'];
  if (asked !== undefined && !ctx.oidc.entities.RefreshToken?.resourceIndicators.has(String(asked))) {
    throw new errors.InvalidTarget('the refresh token is for another resource');
  }
  return true;
}

/** Lifetime in seconds. A rotated token ends when the first one of its family would have ended. */
export function refreshTokenSeconds(ctx: KoaContextWithOIDC, _token: RefreshToken): number {
  const rotated = ctx.oidc.entities.RotatedRefreshToken;
  return rotated === undefined ? LIFETIMES.refreshTokenMs / 1000 : Math.max(1, rotated.remainingTTL);
}
