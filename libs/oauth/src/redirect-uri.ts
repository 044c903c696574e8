const LOOPBACK_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);

// RFC 8252 §7.1 wants private-use schemes to hold a period (reverse domain name). These widely used MCP clients have none.
const KNOWN_SCHEMES = new Set([
  'claude:',
  'cursor:',
  'kiro:',
  'trae:',
  'vscode:',
  'vscode-insiders:',
  'warp:',
  'windsurf:',
  'zed:',
]);
const REVERSE_DOMAIN_SCHEME = /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+:$/;

const LIMIT_CHARACTERS = 2_048;

/** How an authorization response reaches a client. */
export type RedirectKind = 'web' | 'loopback' | 'private-scheme';

/**
 * Judges a redirect URI that a client wants to register.
 * @returns how it reaches the client, or what is wrong with it, to be read after "redirect_uris "
 */
export function judgeRedirectUri(text: string): { readonly kind: RedirectKind } | { readonly problem: string } {
  const url = text.length <= LIMIT_CHARACTERS ? URL.parse(text) : null;
  if (url === null) return { problem: 'must be absolute URIs of at most 2048 characters' };
  if (text.includes('#')) return { problem: 'must not have a fragment (RFC 6749 section 3.1.2)' };
  if (text.includes('*')) return { problem: 'must not have wildcards: they are compared character by character' };
  if (/[\\\s]/.test(text)) return { problem: 'must not have backslashes or white space' };
  if (url.username !== '' || url.password !== '') return { problem: 'must not have a user or password' };
  return judgeScheme(url);
}

function judgeScheme(url: URL): { readonly kind: RedirectKind } | { readonly problem: string } {
  if (url.protocol === 'https:') return { kind: 'web' };
  if (url.protocol === 'http:') {
    if (LOOPBACK_HOSTS.has(url.hostname)) return { kind: 'loopback' };
    return { problem: 'must use https, except for http on localhost, 127.0.0.1 or [::1] (RFC 8252 section 7.3)' };
  }
  if (KNOWN_SCHEMES.has(url.protocol) || REVERSE_DOMAIN_SCHEME.test(url.protocol)) return { kind: 'private-scheme' };
  return {
    problem: 'must use https, http on a loopback address, or a private-use scheme such as com.example.app (RFC 8252 section 7.1)',
  };
}

/** Where an authorization response goes, for people who decide about it. @param redirectUri one that was registered; empty: to a device */
export function describeRedirect(redirectUri: string): { readonly kind: RedirectKind | 'device'; readonly target: string } {
  if (redirectUri === '') return { kind: 'device', target: '' };
  const url = new URL(redirectUri);
  if (url.protocol === 'https:') return { kind: 'web', target: url.host };
  if (url.protocol === 'http:') return { kind: 'loopback', target: url.host };
  return { kind: 'private-scheme', target: url.protocol.slice(0, -1) };
}
