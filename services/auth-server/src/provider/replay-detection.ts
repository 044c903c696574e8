import type { Provider } from 'oidc-provider';
import type { OidcStore } from '../store/oidc-store.js';

const KIND = 'ReplayDetection';

/**
 * Lets an assertion or proof be used once, on all replicas: by creating its record, which only one can. The library looks for the record
 * and then writes it, so that two at once would both find none.
 */
export function detectReplays(provider: Provider, store: OidcStore): void {
  provider.ReplayDetection.unique = (issuer: string, jti: string, exp = 0) => {
    const ttlMs = Math.max(1_000, exp * 1_000 - Date.now());
    return store.create(KIND, JSON.stringify([issuer, jti]), {}, ttlMs);
  };
}
