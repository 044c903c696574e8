import type { IncomingMessage, ServerResponse } from 'node:http';
import { ownTarget } from './provider/own-paths.js';
import { pinOrigin } from './provider/pin-origin.js';
import type { ProviderParts } from './provider/provider-configuration.js';
import type { RotatingProvider } from './provider/rotating-provider.js';

/** Hands the authorization server its requests, bodies unread, as if they had come for the public URL and its own paths. */
export function oidcHandler(
  provider: RotatingProvider,
  { publicUrl: issuer, certificates }: Pick<ProviderParts, 'publicUrl' | 'certificates'>,
) {
  const publicUrl = new URL(issuer);
  return (request: IncomingMessage & { originalUrl?: string }, response: ServerResponse, next: () => void): void => {
    const target = ownTarget(request.url ?? '');
    if (target === undefined) return next();
    certificates?.accept(request);
    // oidc-provider takes what these two differ by for a path that it is mounted at.
    request.url = request.originalUrl = target;
    pinOrigin(request, publicUrl);
    provider.serve(request, response);
  };
}
