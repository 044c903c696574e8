import { z } from 'zod';
import { clientCredentials, clientCredentialsSettings, clientProblems } from './client-credentials.js';
import { isPrivateUrl } from './loopback.js';
import type { PlacedProblem } from './placed-problem.js';

const { clientId, clientSecret, privateKey, privateKeyId, scopes, resource } = clientCredentials.shape;

/** A token for whoever calls, in exchange for what the gateway states of them. */
export const tokenExchange = z.strictObject({
  type: z
    .literal('token-exchange')
    .describe(
      'A token for whoever calls, from an authorization server that trusts this gateway: it is shown a JWT about them that the gateway signs, and gives a token for the upstream (RFC 8693). Nobody is asked to connect. Keys that verify it: `/.well-known/switchyard-user-jwks.json`.',
    ),
  issuer: z
    .string()
    .describe('Issuer of the authorization server: the audience of that JWT. Its metadata say where tokens are had.'),
  tokenUrl: z.string().optional().describe('The token endpoint, where the authorization server has no metadata.'),
  audience: z
    .string()
    .min(1)
    .optional()
    .describe(
      'What the token is for as the authorization server calls it, where that is not known by `resource` (RFC 8693 §2.1).',
    ),
  ...{ clientId, clientSecret, privateKey, privateKeyId, scopes, resource },
});

type TokenExchange = z.output<typeof tokenExchange>;

/** What the vault needs to know to get tokens. */
export function tokenExchangeSettings({ type: _type, audience, ...given }: TokenExchange, url: string): Record<string, string> {
  const same = clientCredentialsSettings({ ...given, type: 'client-credentials' }, url);
  return { ...same, ...(audience !== undefined && { audience }) };
}

/** What the shape of it does not say. @param url of the upstream */
export function tokenExchangeProblems(given: TokenExchange, url: string): PlacedProblem[] {
  const { issuer, tokenUrl } = given;
  return [
    ...clientProblems(given, url),
    ...Object.entries({ issuer, tokenUrl }).flatMap(([key, value]) =>
      value === undefined || isPrivateUrl(value)
        ? []
        : [{ path: [key], message: 'must be an https URL. Write it as the authorization server does.' }],
    ),
  ];
}
