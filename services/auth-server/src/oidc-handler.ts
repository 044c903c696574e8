import type { IncomingMessage, ServerResponse } from 'node:http';
import { pinOrigin } from './provider/pin-origin.js';
import type { RotatingProvider } from './provider/rotating-provider.js';

const OWN_PATHS = /^\/(oauth\/|\.well-known\/(oauth-authorization-server|openid-configuration)([?/]|$))/i;

/** Hands the authorization server its requests, bodies unread, as if they had come for the public URL. */
export function oidcHandler(provider: RotatingProvider, issuer: string) {
  const publicUrl = new URL(issuer);
  return (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    if (!OWN_PATHS.test(request.url ?? '')) return next();
    pinOrigin(request, publicUrl);
    provider.serve(request, response);
  };
}
