import * as oidc from 'openid-client';
import { SecretUnavailable } from './identity-secrets.js';

/** What a failed request to an identity provider says. */
export interface Failure {
  readonly kind: 'unavailable' | 'misconfigured' | 'refused' | 'invalid';
  /** OAuth error code of the provider, or what did not hold; safe to show, never what the provider wrote. */
  readonly code: string;
}

const CODE = /^[a-z0-9_]{1,64}$/;

/** Whether a provider said no to a person or to this gateway, could not be asked, or answered what cannot be trusted. */
export function judgeFailure(error: unknown): Failure {
  if (error instanceof SecretUnavailable) return error;
  if (error instanceof oidc.AuthorizationResponseError || error instanceof oidc.ResponseBodyError) return judgeAnswer(error);
  if (error instanceof oidc.ClientError && error.code !== undefined && !UNREACHABLE.has(error.code))
    return { kind: 'invalid', code: error.code };
  if (error instanceof oidc.WWWAuthenticateChallengeError) return { kind: 'refused', code: 'invalid_token' };
  return { kind: 'unavailable', code: 'unreachable' };
}

// The request never got an answer that says anything of the person.
const UNREACHABLE = new Set([
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
]);

// What a provider says of a person; other codes are about this gateway.
const ABOUT_PEOPLE = new Set([
  'access_denied',
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
  'invalid_grant',
  // RFC 9470 §3, as ID-JAGs are refused with.
  'insufficient_user_authentication',
]);

const OUTAGES = new Set(['server_error', 'temporarily_unavailable', 'slow_down']);

function judgeAnswer(error: oidc.AuthorizationResponseError | oidc.ResponseBodyError): Failure {
  const code = CODE.test(error.error) ? error.error : 'unknown_error';
  const failed = error instanceof oidc.ResponseBodyError && (error.status >= 500 || error.status === 429);
  if (failed || OUTAGES.has(code)) return { kind: 'unavailable', code };
  return { kind: ABOUT_PEOPLE.has(code) ? 'refused' : 'misconfigured', code };
}
