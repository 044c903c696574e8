import { z } from 'zod';
import { isPrivateUrl } from './loopback.js';
import type { PlacedProblem } from './placed-problem.js';

/** Each caller's own token of the upstream's authorization server. */
export const oauthCredential = z.strictObject({
  type: z
    .literal('oauth')
    .describe('Each caller’s own account there, by OAuth: people connect it once, at /connect/<upstream> of this gateway.'),
  clientId: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Client id, where the gateway was registered at the authorization server by hand (redirect URI <publicUrl>/connect/callback). Not needed where it takes client metadata documents or registers clients by itself.',
    ),
  clientSecret: z.string().optional().describe('Its secret as a reference, where it has one.'),
  issuer: z
    .string()
    .optional()
    .describe('Issuer that `clientId` is registered with; where the upstream names another one, nobody is sent there.'),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be one scope, without spaces.'))
    .optional()
    .describe('Scopes to ask for, instead of what the upstream says that it needs.'),
  authorizeParameters: z
    .record(z.string(), z.string())
    .optional()
    .describe(
      'Parameters that this provider wants in authorization requests besides, for example `access_type: offline` for Google.',
    ),
  tokenAuthMethod: z
    .enum(['none', 'client_secret_basic', 'client_secret_post'])
    .optional()
    .describe('How the token endpoint is shown that it is the gateway that asks, where the authorization server does not say.'),
  dpop: z
    .enum(['required', 'never'])
    .optional()
    .describe(
      'Whether people’s tokens are bound to a key of the gateway’s (DPoP, RFC 9449), so that they are worth nothing to whoever steals them. Unless given: where the upstream takes such tokens and its authorization server gives them. Holds for what is connected from then on.',
    ),
});

type OAuthCredential = z.output<typeof oauthCredential>;

// What the gateway itself decides about an authorization request.
const OWNED = new Set([
  'response_type', 'response_mode', 'client_id', 'redirect_uri', 'state', 'nonce', 'scope', 'resource', 'code_challenge',
  'code_challenge_method', 'request', 'request_uri', 'dpop_jkt',
]); // prettier-ignore

/** What the vault needs to know to connect people to an upstream. */
export function oauthSettings(given: OAuthCredential, url: string): Record<string, string> {
  const { clientId, clientSecret, issuer, scopes, authorizeParameters, tokenAuthMethod, dpop } = given;
  return {
    url,
    ...(clientId !== undefined && { client_id: clientId }),
    ...(clientSecret !== undefined && { client_secret: clientSecret }),
    ...(issuer !== undefined && { issuer }),
    ...(scopes !== undefined && { scopes: scopes.join(' ') }),
    ...(authorizeParameters !== undefined && { authorize_parameters: new URLSearchParams(authorizeParameters).toString() }),
    ...(tokenAuthMethod !== undefined && { token_auth_method: tokenAuthMethod }),
    ...(dpop !== undefined && { dpop }),
  };
}

/** What the shape of it does not say. @param url of the upstream */
export function oauthProblems(given: OAuthCredential, url: string): PlacedProblem[] {
  const { clientId, clientSecret, issuer, authorizeParameters, tokenAuthMethod } = given;
  const owned = Object.keys(authorizeParameters ?? {}).filter((name) => OWNED.has(name));
  return [
    ...(isPrivateUrl(url)
      ? []
      : [{ path: ['type'], message: 'sends people’s tokens, so url has to begin with https. Correct url.' }]),
    ...(issuer === undefined || isPrivateUrl(issuer)
      ? []
      : [{ path: ['issuer'], message: 'must be an https URL. Write it as the authorization server’s metadata spell it.' }]),
    ...(clientId === undefined && clientSecret !== undefined
      ? [{ path: ['clientSecret'], message: 'is the secret of no client. Add clientId, or remove it.' }]
      : []),
    ...(clientId !== undefined && clientSecret === undefined && tokenAuthMethod !== undefined && tokenAuthMethod !== 'none'
      ? [{ path: ['tokenAuthMethod'], message: 'needs clientSecret. Add it, or write "none".' }]
      : []),
    ...(clientId !== undefined && issuer === undefined
      ? [{ path: ['clientId'], message: 'is a client of one issuer only. Add issuer, so that it is never shown to another.' }]
      : []),
    ...owned.map((name) => ({
      path: ['authorizeParameters', name],
      message: 'is decided by the gateway itself. Remove it.',
    })),
  ];
}
