import { z } from 'zod';
import { tokenExchange, tokenExchangeProblems, tokenExchangeSettings } from './token-exchange.js';
import type { PlacedProblem } from './placed-problem.js';

const { tokenUrl, clientId, clientSecret, privateKey, privateKeyId, scopes, resource } = tokenExchange.shape;

/** A token for whoever calls, for what the company's identity provider says of them. */
export const idJag = z.strictObject({
  type: z
    .literal('id-jag')
    .describe(
      'A token for whoever calls, from an authorization server that trusts the identity provider at which they signed in to this gateway: the provider is asked for an assertion about them (ID-JAG; MCP “Enterprise-Managed Authorization”), which is exchanged for a token there (RFC 7523). Nobody is asked to connect; the provider decides who may.',
    ),
  issuer: z
    .string()
    .describe('Issuer of the authorization server: the audience of the assertion. Its metadata say where tokens are had.'),
  ...{ tokenUrl, clientId, clientSecret, privateKey, privateKeyId, scopes, resource },
});

type IdJag = z.output<typeof idJag>;

/** What the vault needs to know to get tokens. */
export const idJagSettings = (given: IdJag, url: string): Record<string, string> =>
  tokenExchangeSettings({ ...given, type: 'token-exchange' }, url);

/** What the shape of it does not say. @param url of the upstream */
export const idJagProblems = (given: IdJag, url: string): PlacedProblem[] =>
  tokenExchangeProblems({ ...given, type: 'token-exchange' }, url);
