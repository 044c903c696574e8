import type { KoaContextWithOIDC } from 'oidc-provider';
import { LIFETIMES } from '../lifetimes.js';
import type { Sessions } from './sessions.js';

/** Step around the token endpoint: keeps what people have signed in to, for them to see and to end. */
export function rememberSessions(sessions: Sessions) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    await next();
    const { route, params, entities, client } = ctx.oidc ?? {};
    const token = entities?.AccessToken;
    if (route !== 'token' || ctx.status !== 200 || client === undefined) return;
    if (token?.grantId === undefined || token.accountId === undefined) return;
    if (params?.['grant_type'] === 'refresh_token') return sessions.used(token.accountId, token.grantId);
    const createdAtMs = (entities?.Grant?.iat ?? token.iat ?? 0) * 1000;
    await sessions.used(token.accountId, token.grantId, {
      id: token.grantId,
      clientId: client.clientId,
      clientName: client.clientName ?? '',
      resource: String(token.aud),
      createdAtMs,
      expiresAtMs: createdAtMs + LIFETIMES.grantMs,
    });
  };
}
