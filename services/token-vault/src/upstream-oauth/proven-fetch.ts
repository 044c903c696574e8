import { DpopKey } from '@switchyard/oauth';
import type { OAuthHttp } from './oauth-http.js';

/**
 * `fetch` for a token endpoint that shows with each request that we have the key that its tokens are to be bound to (RFC 9449 §5), and
 * asks once more where the server wants another nonce in it (§8).
 * @param dpopKey the private key
 */
export function provenFetch(http: OAuthHttp, dpopKey: string): OAuthHttp['fetch'] {
  const key = DpopKey.from(dpopKey);
  // What goes wrong with it is told to whoever fetches.
  key.catch(() => undefined);
  return async (input, init = {}) => {
    const url = new URL(input);
    const ask = async (nonce: string | undefined) => {
      const headers = new Headers(init.headers);
      headers.set('dpop', await (await key).prove({ method: init.method ?? 'GET', url, nonce }, http.now()));
      const response = await http.fetch(url, { ...init, headers });
      http.origins.heard(url, response.headers.get('dpop-nonce'));
      return response;
    };
    const nonce = http.origins.nonceFor(url);
    const response = await ask(nonce);
    const next = http.origins.nonceFor(url);
    return next !== nonce && (await wantsNonce(response)) ? ask(next) : response;
  };
}

async function wantsNonce(response: Response): Promise<boolean> {
  if (response.status !== 400 && response.status !== 401) return false;
  const answer: unknown = await response
    .clone()
    .json()
    .catch(() => undefined);
  return (answer as { error?: unknown } | undefined)?.error === 'use_dpop_nonce';
}
