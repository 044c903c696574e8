import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { exchangeOf } from '../events/exchange.js';

/** Codes that a grant of ours refuses with (RFC 6749 §5.2, RFC 8707 §2, RFC 8693 §2.2.2). */
export type GrantError =
  | 'invalid_grant'
  | 'invalid_request'
  | 'invalid_scope'
  | 'invalid_target'
  | 'unauthorized_client'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'
  | 'temporarily_unavailable';

/** The refusal of a token request, for throwing towards the library. @param because safe to show; the event says it too */
export function grantRefusal(ctx: KoaContextWithOIDC, error: GrantError, because: string): errors.OIDCProviderError {
  exchangeOf(ctx).because = because;
  return new errors.CustomOIDCProviderError(error, because);
}
