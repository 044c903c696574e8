/** Why a connection to an upstream's authorization server cannot be made or kept, or a token not be had. */
export type OAuthProblemReason =
  | 'upstream_unreachable'
  | 'url_refused'
  | 'metadata_missing'
  | 'resource_mismatch'
  | 'issuer_mismatch'
  | 'issuer_changed'
  | 'pkce_unsupported'
  | 'dpop_unsupported'
  | 'registration_impossible'
  | 'registration_refused'
  | 'answer_mismatch'
  | 'authorization_refused'
  | 'grant_ended'
  | 'client_refused'
  | 'token_refused'
  | 'token_unusable'
  | 'sign_in_ended'
  | 'assertion_refused'
  | 'assertion_unavailable';

/** An expected refusal of an upstream, or of ours towards it. The sentence is safe to show: nothing in it was written by the upstream. */
export class OAuthProblem {
  readonly reason: OAuthProblemReason;
  readonly message: string;
  /** OAuth error code that the upstream gave, where it is a registered one. */
  readonly code: string;

  constructor(reason: OAuthProblemReason, message: string, code = '') {
    this.reason = reason;
    this.message = message;
    this.code = code;
  }
}

// RFC 6749 §4.1.2.1 and §5.2, RFC 7591 §3.2.2, RFC 8707 §2, OpenID Connect Core §3.1.2.6, RFC 9449 §12.2. Others are text of strangers.
const KNOWN_CODES = new Set([
  'invalid_request', 'unauthorized_client', 'access_denied', 'unsupported_response_type', 'invalid_scope', 'server_error',
  'temporarily_unavailable', 'invalid_client', 'invalid_grant', 'unsupported_grant_type', 'invalid_redirect_uri',
  'invalid_client_metadata', 'invalid_target', 'interaction_required', 'login_required', 'consent_required',
  'invalid_dpop_proof', 'use_dpop_nonce',
]); // prettier-ignore

/** An upstream's error code, where it is one that OAuth registers; else nothing. */
export const knownCode = (code: unknown): string => (typeof code === 'string' && KNOWN_CODES.has(code) ? code : '');

/** The one sentence for whoever does not answer. */
export const unreachableProblem = (host: string) =>
  new OAuthProblem(
    'upstream_unreachable',
    `${host} does not answer, or may not be reached from this gateway. Try again shortly; if it stays, tell whoever runs the gateway.`,
  );
