import { z } from 'zod';
import { isPrivateUrl } from './loopback.js';
import type { PlacedProblem } from './placed-problem.js';

/** A token that the gateway gets for itself. */
export const clientCredentials = z.strictObject({
  type: z
    .literal('client-credentials')
    .describe(
      'A token that the gateway gets for itself from an authorization server (RFC 6749 §4.4), the same for every caller.',
    ),
  issuer: z.string().optional().describe('Issuer of the authorization server, whose metadata say where tokens are had.'),
  tokenUrl: z.string().optional().describe('Instead of `issuer`: the token endpoint itself.'),
  clientId: z.string().min(1).describe('Client id that the gateway has there.'),
  clientSecret: z.string().optional().describe('Its secret as a reference (client_secret_basic).'),
  privateKey: z
    .string()
    .optional()
    .describe(
      'Instead of a secret: private key, PEM (P-256 or RSA), that signs client assertions (private_key_jwt), as a reference.',
    ),
  privateKeyId: z.string().min(1).optional().describe('Key id that the authorization server knows the private key by.'),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be one scope, without spaces.'))
    .optional()
    .describe('Scopes to ask for. Unless given, the authorization server decides.'),
  resource: z.string().optional().describe('What the token is for (RFC 8707). Unless given: `url`.'),
});

type ClientCredentials = z.output<typeof clientCredentials>;

/** What the vault needs to know to get tokens. */
export function clientCredentialsSettings(given: ClientCredentials, url: string): Record<string, string> {
  const { issuer, tokenUrl, clientId, clientSecret, privateKey, privateKeyId, scopes, resource = url } = given;
  return {
    client_id: clientId,
    resource,
    ...(issuer !== undefined && { issuer }),
    ...(tokenUrl !== undefined && { token_url: tokenUrl }),
    ...(clientSecret !== undefined && { client_secret: clientSecret }),
    ...(privateKey !== undefined && { private_key: privateKey }),
    ...(privateKeyId !== undefined && { private_key_id: privateKeyId }),
    ...(scopes !== undefined && { scopes: scopes.join(' ') }),
  };
}

/** What the shape of it does not say. @param url of the upstream */
export function clientCredentialsProblems(given: ClientCredentials, url: string): PlacedProblem[] {
  const { issuer, tokenUrl } = given;
  return [
    ...oneOf({ issuer, tokenUrl }),
    ...clientProblems(given, url),
    ...Object.entries({ issuer, tokenUrl }).flatMap(([key, value]) =>
      value === undefined || isPrivateUrl(value)
        ? []
        : [{ path: [key], message: 'must be an https URL. Write it as the authorization server does.' }],
    ),
  ];
}

/** What is wrong with the client that the gateway is, and with what it asks for. @param url of the upstream */
export function clientProblems(
  { clientSecret, privateKey, privateKeyId, resource }: Omit<ClientCredentials, 'type'>,
  url: string,
): PlacedProblem[] {
  return [
    ...oneOf({ clientSecret, privateKey }),
    ...(privateKeyId !== undefined && privateKey === undefined
      ? [{ path: ['privateKeyId'], message: 'is the id of no key. Add privateKey, or remove it.' }]
      : []),
    ...(isPrivateUrl(url) ? [] : [{ path: ['type'], message: 'sends tokens, so url has to begin with https. Correct url.' }]),
    ...(resource === undefined || (URL.canParse(resource) && !resource.includes('#'))
      ? []
      : [{ path: ['resource'], message: 'must be an absolute URI without a fragment (RFC 8707). Correct it.' }]),
  ];
}

function oneOf(pair: Readonly<Record<string, string | undefined>>): PlacedProblem[] {
  const [one = '', other = ''] = Object.keys(pair);
  const count = Object.values(pair).filter((value) => value !== undefined).length;
  if (count === 2) return [{ path: [other], message: `cannot stand beside ${one}. Keep one of them.` }];
  return count === 1 ? [] : [{ path: [], message: `needs ${one} or ${other}. Add one of them.` }];
}
