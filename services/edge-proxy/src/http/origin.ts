const LOOPBACK_HOST = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
/** Characters of a Host header field (RFC 9110 §7.2): nothing that begins another part of a URL. */
const HOST = /^[A-Za-z0-9.:[\]_-]+$/;

const isLoopback = ({ hostname }: URL) => LOOPBACK_HOST.test(hostname);

function parsed(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}

/**
 * Whether a page of this origin may call MCP endpoints (MCP, "Security Warning": Origin is validated against DNS rebinding).
 * The gateway's own origin may; a gateway on loopback also lets in other pages from loopback, which a rebound name never is.
 */
export function originAllowed(origin: string, publicUrl: string): boolean {
  const own = new URL(publicUrl);
  if (origin === own.origin) return true;
  const url = isLoopback(own) ? parsed(origin) : undefined;
  return url !== undefined && url.origin === origin && isLoopback(url);
}

/**
 * Whether the gateway serves under this Host header: its public one, with or without the default port, and on loopback every name of
 * loopback with the same port.
 * @param certificateUrl where clients are asked for certificates, if elsewhere
 */
export function hostServed(host: string | undefined, publicUrl: string, certificateUrl?: string): boolean {
  if (host === undefined || !HOST.test(host)) return false;
  if (host !== lastServed.host || publicUrl !== lastServed.publicUrl) {
    if (!isServed(host, publicUrl) && (certificateUrl === undefined || !isServed(host, certificateUrl))) return false;
    lastServed = { host, publicUrl };
  }
  return true;
}

/** All requests but a few name the same host, and parsing URLs is slow. */
let lastServed = { host: '', publicUrl: '' };

function isServed(host: string, publicUrl: string): boolean {
  const own = new URL(publicUrl);
  if (host === own.host) return true;
  const url = parsed(`${own.protocol}//${host}`);
  return url !== undefined && (url.host === own.host || (isLoopback(own) && isLoopback(url) && url.port === own.port));
}
