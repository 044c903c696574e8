import type { ClientSources } from './client-adapter.js';
import { fetchSmall } from './fetch-small.js';

const LIMIT_BYTES = 64 * 1024;
const TIMEOUT_MS = 5_000;

/**
 * `fetch` for oidc-provider, which gets the keys of clients with it. Its own guard looks at an address after it has connected to it.
 * @param configuredFetch for addresses that stand in the configuration
 */
export function providerFetch(
  { configured, documents }: ClientSources,
  configuredFetch: typeof globalThis.fetch,
): typeof globalThis.fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (configured.publishKeysAt(url.href)) return configuredFetch(url, init);
    if (url.protocol !== 'https:') throw new Error('only https is fetched');
    const { allowed } = documents.trust;
    const answer = await fetchSmall(url, { allowed, limitBytes: LIMIT_BYTES, timeoutMs: TIMEOUT_MS });
    if ('failed' in answer) throw new Error(`what a client refers to was not fetched: ${answer.failed}`);
    const { status, fields, body } = answer;
    const headers = Object.entries(fields).map(([name, value]): [string, string] => [name, [value ?? []].flat().join(', ')]);
    return new Response(new Uint8Array(body), { status, headers });
  };
}
