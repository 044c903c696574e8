/**
 * CSP sources that let a form of ours end at a client's redirect URI: browsers check `form-action` again at every redirect.
 * @param redirectUri one that the client registered; empty: nobody is sent anywhere
 */
export function formTargets(redirectUri: string): readonly string[] {
  if (redirectUri === '') return [];
  const url = new URL(redirectUri);
  const isHttp = url.protocol === 'http:' || url.protocol === 'https:';
  // A host source cannot be written for a private-use scheme, nor for an IPv6 literal (CSP 3 §2.3.1).
  return [isHttp && !url.hostname.startsWith('[') ? url.origin : url.protocol];
}
