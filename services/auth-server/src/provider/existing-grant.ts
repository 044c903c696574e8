import { CONNECT_CLIENT } from '@switchyard/contracts';
import type { Grant, KoaContextWithOIDC } from 'oidc-provider';
import type { Consent, RememberedConsents } from './remembered-consents.js';

/**
 * The grant that an authorization is answered under: the one that was consented to just now, or another one for what was consented to before.
 * Grants are not shared between authorizations, so each can be revoked alone.
 */
export function existingGrant(consents: RememberedConsents) {
  return async (ctx: KoaContextWithOIDC): Promise<Grant | undefined> => {
    const { provider, result } = ctx.oidc;
    const grantId = result?.consent?.grantId;
    if (grantId !== undefined) return provider.Grant.find(grantId);
    const consent = consentOf(ctx);
    // Who is still to sign in may turn out to be somebody else.
    if (ctx.oidc.prompts.has('login') && result?.login === undefined) return undefined;
    if (consent === undefined || ctx.oidc.prompts.has('consent')) return undefined;
    if (consent.clientId !== CONNECT_CLIENT.id && !(await consents.has(consent))) return undefined;
    const grant = grantFor(provider, consent);
    await grant.save();
    return grant;
  };
}

/** A grant for what was consented to: one client at one resource. */
export function grantFor(
  provider: KoaContextWithOIDC['oidc']['provider'],
  { accountId, clientId, resource, scope }: Consent,
): Grant {
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope(scope);
  grant.addResourceScope(resource, scope);
  return grant;
}

function consentOf(ctx: KoaContextWithOIDC): Consent | undefined {
  const { params, account, client } = ctx.oidc;
  const { redirect_uri: redirectUri, resource, scope } = params ?? {};
  if (account === undefined || client === undefined) return undefined;
  if (typeof redirectUri !== 'string' || typeof resource !== 'string' || typeof scope !== 'string') return undefined;
  return { accountId: account.accountId, clientId: client.clientId, redirectUri, resource, scope };
}
