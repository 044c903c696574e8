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
  assertionFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Instead of both: file of the token vault in which the platform keeps a signed token that says what the vault is, such as a projected service account token of Kubernetes (workload identity, RFC 7523 §2.1). It is read whenever a token is asked for.',
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
  const { issuer, tokenUrl, clientId, clientSecret, privateKey, privateKeyId, assertionFile, scopes, resource = url } = given;
  return {
    client_id: clientId,
    resource,
    ...(issuer !== undefined && { issuer }),
    ...(tokenUrl !== undefined && { token_url: tokenUrl }),
    ...(clientSecret !== undefined && { client_secret: clientSecret }),
    ...(privateKey !== undefined && { private_key: privateKey }),
    ...(privateKeyId !== undefined && { private_key_id: privateKeyId }),
    ...(assertionFile !== undefined && { assertion_file: assertionFile }),
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
  { clientSecret, privateKey, privateKeyId, assertionFile, resource }: Omit<ClientCredentials, 'type'>,
  url: string,
): PlacedProblem[] {
  return [
    ...oneOf({ clientSecret, privateKey, ...(assertionFile !== undefined && { assertionFile }) }),
    ...(privateKeyId !== undefined && privateKey === undefined
      ? [{ path: ['privateKeyId'], message: 'is the id of no key. Add privateKey, or remove it.' }]
      : []),
    ...(isPrivateUrl(url) ? [] : [{ path: ['type'], message: 'sends tokens, so url has to begin with https. Correct url.' }]),
    ...(resource === undefined || (URL.canParse(resource) && !resource.includes('#'))
      ? []
      : [{ path: ['resource'], message: 'must be an absolute URI without a fragment (RFC 8707). Correct it.' }]),
  ];
}

function oneOf(keys: Readonly<Record<string, string | undefined>>): PlacedProblem[] {
  const [one = '', ...others] = Object.keys(keys).filter((key) => keys[key] !== undefined);
  if (one === '') return [{ path: [], message: `needs ${Object.keys(keys).join(' or ')}. Add one of them.` }];
  return others.map((other) => ({ path: [other], message: `cannot stand beside ${one}. Keep one of them.` }));
}
