import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import { pinOrigin } from './provider/pin-origin.js';

const OWN_PATHS = /^\/(oauth\/|\.well-known\/(oauth-authorization-server|openid-configuration)([?/]|$))/i;

/** Hands the authorization server its requests, bodies unread, as if they had come for the public URL. */
export function oidcHandler(provider: Provider) {
  const handle = provider.callback();
  const publicUrl = new URL(provider.issuer);
  return (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    if (!OWN_PATHS.test(request.url ?? '')) return next();
    pinOrigin(request, publicUrl);
    void handle(request, response);
  };
}
