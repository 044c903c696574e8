import { revocableToken, type Revocations } from '@switchyard/api-keys';
import { ACCOUNT_SCOPE, apiMetadataUrl, apiResourceUrl, type AccessTokenVerifier } from '@switchyard/oauth';
import type { People } from './admin.guard.js';

/** Where tokens for this API come from. */
export interface ApiTokens {
  /** Origin of the gateway. */
  readonly publicUrl: string;
  readonly tokens: AccessTokenVerifier;
}

/**
 * People who call this API with access tokens for it, which nobody has revoked. Telling who throws KeysUnavailable where no token can be
 * judged, and StateUnavailable where it is not known what was revoked.
 * @param find where they come from now; undefined while that is not known: nobody is let in
 */
export function signedInPeople(
  find: () => ApiTokens | undefined | Promise<ApiTokens | undefined>,
  revocations: Revocations,
): People {
  return {
    identify: async (text) => {
      const api = await find();
      if (api === undefined) return undefined;
      const token = await api.tokens.verify(text, apiResourceUrl(api.publicUrl));
      if (!token.ok || token.principal.kind !== 'user' || !token.scopes.includes(ACCOUNT_SCOPE)) return undefined;
      // It comes as Bearer, so nothing shows that whoever sent it has the key (RFC 9449 §7.2),
      // or its certificate (RFC 8705 §3).
      if (token.boundTo !== undefined || token.certificate !== undefined) return undefined;
      const { principal, clientId, grantId } = token;
      // What was revoked at another replica has to be known here before anything else is changed by it.
      await revocations.confirm();
      if (revocations.covers(revocableToken({ ...token, subject: principal.subject }))) return undefined;
      const { issuer, subject, name, email, claims } = principal;
      return { issuer, subject, name, clientId, grantId, claims, ...(email === undefined ? {} : { email }) };
    },
    resourceMetadataUrl: async () => {
      const api = await find();
      return api && apiMetadataUrl(api.publicUrl);
    },
  };
}
