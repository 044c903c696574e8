/** How an upstream refused the credential that it was shown: the call was not looked at (RFC 9110 §15.5.2; RFC 6750 §3.1). */
export interface Challenge {
  /** Scopes that the upstream asks for, where it names any. */
  readonly scopes: readonly string[];
}

/** A parameter of a challenge: a token, or a quoted string with escapes (RFC 9110 §11.2, §5.6.4). */
const PARAMETER = /([A-Za-z0-9!#$%&'*+.^_`|~-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([A-Za-z0-9!#$%&'*+.^_`|~-]+))/g;
/** Characters of a scope (RFC 6749 §3.3). */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/;
const MOST_SCOPES = 64;
/** Longest field that is looked at. */
const LIMIT = 8_192;

/**
 * What another credential could do about: 401, and 403 where the upstream says that the scope is what is missing (RFC 6750 §3.1).
 * @param field value of WWW-Authenticate
 * @returns undefined for a 403 that says nothing of scopes, and for any other status
 */
export function challengeOf(status: number, field: string | readonly string[] | undefined): Challenge | undefined {
  if (status !== 401 && status !== 403) return undefined;
  const parameters = parametersOf(typeof field === 'string' ? field : (field ?? []).join(', '));
  if (status === 403 && parameters.get('error') !== 'insufficient_scope') return undefined;
  const scopes = (parameters.get('scope') ?? '').split(' ').filter((scope) => SCOPE.test(scope));
  return { scopes: [...new Set(scopes)].slice(0, MOST_SCOPES) };
}

/** Whether the server wants a nonce in the proof of possession (RFC 9449 §9): it has not looked at the request. */
export function wantsNonce(status: number, field: string | readonly string[] | undefined): boolean {
  if (status !== 401) return false;
  const text = typeof field === 'string' ? field : (field ?? []).join(', ');
  const at = text.search(/(^|,\s*)dpop\s/i);
  return at >= 0 && parametersOf(text.slice(at)).get('error') === 'use_dpop_nonce';
}

function parametersOf(field: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, token = ''] of field.slice(0, LIMIT).matchAll(PARAMETER)) {
    const key = name.toLowerCase();
    if (!parameters.has(key)) parameters.set(key, quoted?.replace(/\\(.)/g, '$1') ?? token);
  }
  return parameters;
}
