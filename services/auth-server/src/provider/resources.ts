import { apiResourceUrl, resourceUrl } from '@switchyard/oauth';

/** A protected resource that a client asks a token for: the gateway, one server of it, or its own API. */
export interface Resource {
  /** Virtual server; absent for the gateway as a whole. */
  readonly slug?: string;
  /** Whether it is the gateway's own API rather than MCP. */
  readonly isApi?: true;
  /** Its one spelling: the `aud` of every token for it. */
  readonly url: string;
}

const RESOURCE_PATH = /^\/mcp(?:\/([a-z0-9-]{1,63}))?\/?$/;

/**
 * Reads a resource indicator (RFC 8707 §2). Scheme, host and default port are compared as URLs are (RFC 3986 §6.2), and one
 * trailing slash is as good as none; anything else that differs names something else.
 * @param text what the client sent
 * @returns undefined where it cannot be a resource of this gateway
 */
export function readResource(text: string, publicUrl: string): Resource | undefined {
  const url = URL.parse(text);
  if (url === null || url.origin !== publicUrl || /[?#]/.test(text) || url.username !== '' || url.password !== '')
    return undefined;
  if (/^\/api\/?$/.test(url.pathname)) return { isApi: true, url: apiResourceUrl(publicUrl) };
  const match = RESOURCE_PATH.exec(url.pathname);
  if (match === null) return undefined;
  const slug = match[1];
  return slug === undefined ? { url: resourceUrl({ publicUrl }) } : { slug, url: resourceUrl({ publicUrl, slug }) };
}
