import type { AccessTokenVerifier } from '@switchyard/oauth';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { tokenRevoked } from '../events/auth-events.js';
import { exchangeOf } from '../events/exchange.js';
import type { RevocationRegister } from './revocation-register.js';

/**
 * Step around the revocation endpoint (RFC 7009): oidc-provider authenticates the client, and then refuses access tokens that are
 * JWTs, which it does not keep. Ours end all the same, each alone: what it was issued under goes on.
 */
export function accessTokenRevocation(o: {
  readonly register: RevocationRegister;
  readonly tokens: AccessTokenVerifier;
  readonly issuer: string;
}) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    await next();
    const { route, client, params } = ctx.oidc ?? {};
    const exchange = exchangeOf(ctx);
    if (route !== 'revocation' || exchange.refusal?.reason !== 'unsupported_token_type' || client === undefined) return;
    const token = await o.tokens.verifyForItsEnd(String(params?.['token']));
    if (token.ok && token.clientId !== client.clientId) {
      // RFC 7009 §2.1; the error is the one of RFC 6749 §5.2.
      exchange.refusal = { ...exchange.refusal, reason: 'invalid_grant' };
      ctx.status = 400;
      ctx.body = { error: 'invalid_grant', error_description: 'the token was issued to another client' };
      return;
    }
    if (token.ok) {
      await o.register.revoke({ kind: 'token', id: token.tokenId });
      exchange.events.push(tokenRevoked(ctx, o.issuer, token));
    }
    // RFC 7009 §2.2: a token that is none, or is over, is as good as revoked.
    delete exchange.refusal;
    ctx.status = 200;
    ctx.remove('content-type');
    ctx.body = '';
  };
}
