import { claimedJti, DPOP_WINDOW_SECONDS } from '@switchyard/oauth';
import { errors, Provider } from 'oidc-provider';
import type { OidcStore } from '../store/oidc-store.js';

const KIND = 'ReplayDetection';

/**
 * Lets an assertion or proof be used once, on all replicas: by creating its record, which only one can. The library looks for the record
 * and then writes it, so that two at once would both find none.
 */
export function detectReplays(provider: Provider, store: OidcStore): void {
  provider.ReplayDetection.unique = async (issuer: string, jti: string, exp = 0) => {
    const isProof = claimedJti(Provider.ctx?.get('DPoP') ?? '') === jti;
    // A proof may be from the future, as far as it may be from the past.
    const ttlMs = Math.max(1_000, exp * 1_000 - Date.now()) + (isProof ? DPOP_WINDOW_SECONDS * 1_000 : 0);
    const isFirst = await store.create(KIND, JSON.stringify(isProof ? [issuer, jti, 'proof'] : [issuer, jti]), {}, ttlMs);
    // RFC 9449 §5; the library would say invalid_grant.
    if (!isFirst && isProof) throw new errors.InvalidDpopProof('the DPoP proof was used before');
    return isFirst;
  };
}
