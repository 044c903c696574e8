import type { KoaContextWithOIDC } from 'oidc-provider';
import type { RegisteredClients } from '../clients/registered-clients.js';

/** Step around the token endpoint: a registration that somebody has signed in with is kept; others go after a day. */
export function keepUsedClients(clients: RegisteredClients) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    await next();
    const { route, params, client } = ctx.oidc ?? {};
    if (route !== 'token' || params?.['grant_type'] !== 'authorization_code' || ctx.status !== 200 || !client) return;
    await clients.keep(client.clientId);
  };
}
