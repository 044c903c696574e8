import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/** Who called the gateway: the edge says so, and lets nobody else say it. */
const PEER = 'x-forwarded-for';

/**
 * Makes a request look as if it had come for the public URL: oidc-provider builds the URLs of its documents and redirects from
 * the request, so a hostile Host or X-Forwarded-Host would otherwise name another server's endpoints.
 */
export function pinOrigin(request: IncomingMessage, publicUrl: URL): void {
  // What was said before the edge said it, anybody can have said.
  const peer =
    String(request.headers[PEER] ?? '')
      .split(',')
      .at(-1)
      ?.trim() ?? '';
  for (const name of Object.keys(request.headers)) {
    if (name === 'forwarded' || name.startsWith('x-forwarded-')) delete request.headers[name];
  }
  if (isIP(peer) !== 0) request.headers[PEER] = peer;
  request.headers.host = publicUrl.host;
  request.headers['x-forwarded-proto'] = publicUrl.protocol.slice(0, -1);
}
