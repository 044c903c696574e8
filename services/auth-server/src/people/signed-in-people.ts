import type { People } from '@switchyard/admin-api';
import { revocableToken, type Revocations } from '@switchyard/api-keys';
import { ACCOUNT_SCOPE, apiMetadataUrl, apiResourceUrl, type AccessTokenVerifier } from '@switchyard/oauth';

/** People who call this API with access tokens for it, which nobody has revoked. */
export function signedInPeople(publicUrl: string, tokens: AccessTokenVerifier, revocations: Revocations): People {
  return {
    resourceMetadataUrl: apiMetadataUrl(publicUrl),
    identify: async (text) => {
      const token = await tokens.verify(text, apiResourceUrl(publicUrl));
      if (!token.ok || token.principal.kind !== 'user' || !token.scopes.includes(ACCOUNT_SCOPE)) return undefined;
      // It comes as Bearer, so nothing shows that whoever sent it has the key (RFC 9449 §7.2),
      // or its certificate (RFC 8705 §3).
      if (token.boundTo !== undefined || token.certificate !== undefined) return undefined;
      const { principal, clientId, grantId } = token;
      // What was revoked at another replica has to be known here before anything else is changed by it.
      await revocations.confirm();
      if (revocations.covers(revocableToken({ ...token, subject: principal.subject }))) return undefined;
      return { issuer: principal.issuer, subject: principal.subject, name: principal.name, clientId, grantId };
    },
  };
}
