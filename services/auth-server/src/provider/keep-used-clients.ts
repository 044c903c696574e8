import type { KoaContextWithOIDC } from 'oidc-provider';
import type { RegisteredClients } from '../clients/registered-clients.js';

const SIGN_IN_GRANTS: ReadonlySet<unknown> = new Set(['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code']);

/** Step around the token endpoint: a registration that somebody has signed in with is kept; others go after a day. */
export function keepUsedClients(clients: RegisteredClients) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    await next();
    const { route, params, client } = ctx.oidc ?? {};
    if (route !== 'token' || !SIGN_IN_GRANTS.has(params?.['grant_type']) || ctx.status !== 200 || !client) return;
    await clients.keep(client.clientId);
  };
}
