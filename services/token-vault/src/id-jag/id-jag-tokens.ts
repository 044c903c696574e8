import { createHash } from 'node:crypto';
import type { Principal } from '@switchyard/contracts';
import { z } from 'zod';
import { HeldTokens, type HeldToken } from '../client-credentials/held-tokens.js';
import { serviceSettings, type TokenAskingOptions } from '../client-credentials/service-tokens.js';
import { requestToken } from '../client-credentials/token-request.js';
import { scopesOf } from '../upstream-oauth/challenge.js';
import { OAuthProblem } from '../upstream-oauth/oauth-problem.js';
import { tokensOf, type Tokens } from '../upstream-oauth/tokens.js';
import type { Assertions } from './assertions.js';

/** Settings of an upstream of kind `id-jag`. */
export const idJagSettings = serviceSettings.extend({ issuer: z.string() });

/** Whose token is wanted, and for what. */
export interface IdJagRequest {
  readonly upstream: string;
  /** Of what the credential is made from. */
  readonly version: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Version of the token that the upstream has just refused; empty where it refused none. */
  readonly rejected: string;
  /** Who is proven to be calling. */
  readonly principal: Principal;
  readonly requestId: string;
  readonly traceId: string;
  readonly clientId: string;
}

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/**
 * Tokens of upstreams' authorization servers for whoever calls, for what the company's identity provider asserts of them (ID-JAG, RFC 7523):
 * one for each person, in memory until four fifths of its life are over. Each is asked for with an assertion of its own.
 */
export class IdJagTokens {
  readonly #o: TokenAskingOptions & { readonly assertions: Pick<Assertions, 'obtain'> };
  readonly #held: HeldTokens;

  constructor(options: TokenAskingOptions & { readonly assertions: Pick<Assertions, 'obtain'> }) {
    this.#o = options;
    this.#held = new HeldTokens(options.clock, (lifetimeMs) => lifetimeMs / 5);
  }

  /** The token, or why there is none. */
  get(request: IdJagRequest): Promise<HeldToken | OAuthProblem> {
    const { upstream, version, rejected, principal } = request;
    const place = createHash('sha256')
      .update(JSON.stringify([upstream, principal.tenant, principal.issuer, principal.subject]))
      .digest('base64url');
    return this.#held.get({ place, upstream, version, rejected, fetch: () => this.#redeem(request) });
  }

  #redeem({ settings: given, principal, upstream, requestId, traceId, clientId }: IdJagRequest): Promise<Tokens | OAuthProblem> {
    const settings = idJagSettings.parse(given);
    const { issuer: audience, resource, scopes: scope = '' } = settings;
    const wanted = { principal, audience, resource, scope, upstream, requestId, traceId, clientId };
    return requestToken(this.#o, {
      settings,
      grant: JWT_BEARER,
      shown: 'what your company says of you',
      // What it is for is said in the assertion, and nothing beside it.
      parameters: async () => {
        const assertion = await this.#o.assertions.obtain(wanted);
        return assertion instanceof OAuthProblem ? assertion : new URLSearchParams({ assertion });
      },
      read: (answer) => tokensOf(answer, scopesOf(scope), undefined),
    });
  }
}
