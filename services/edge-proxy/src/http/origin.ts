const LOOPBACK_HOST = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

const isLoopback = (host: string) => LOOPBACK_HOST.test(host);

function parsed(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}

/**
 * Whether a page of this origin may call MCP endpoints (MCP, "Security Warning": Origin is validated against DNS rebinding).
 * The gateway's own origin may; a gateway on loopback also lets in other pages from loopback, which a rebound name never is.
 */
export function originAllowed(origin: string, publicUrl: string): boolean {
  if (origin === new URL(publicUrl).origin) return true;
  const url = parsed(origin);
  return url !== undefined && isLoopback(url.hostname) && isLoopback(new URL(publicUrl).hostname);
}

/** Whether the gateway serves under this Host header: its public one, and on loopback every name of loopback with the same port. */
export function hostServed(host: string | undefined, publicUrl: string): boolean {
  const own = new URL(publicUrl);
  if (host === undefined) return false;
  if (host.toLowerCase() === own.host) return true;
  const url = parsed(`${own.protocol}//${host}`);
  return (
    url !== undefined &&
    isLoopback(own.hostname) &&
    isLoopback(url.hostname) &&
    url.port === own.port &&
    url.pathname === '/' &&
    url.username === ''
  );
}
