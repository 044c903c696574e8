import { createHash } from 'node:crypto';
import type { TokenEndpointResponse } from 'oauth4webapi';
import { z } from 'zod';
import { HeldTokens, type HeldToken } from '../client-credentials/held-tokens.js';
import { serviceSettings, type TokenAskingOptions } from '../client-credentials/service-tokens.js';
import { requestToken } from '../client-credentials/token-request.js';
import { scopesOf } from '../upstream-oauth/challenge.js';
import { OAuthProblem } from '../upstream-oauth/oauth-problem.js';
import { tokensOf, type Tokens } from '../upstream-oauth/tokens.js';
import type { UserClaims } from '../user-claims/claims-of.js';

/** Settings of an upstream of kind `token-exchange`. */
export const exchangeSettings = serviceSettings.extend({ issuer: z.string(), audience: z.string().optional() });
type ExchangeSettings = z.output<typeof exchangeSettings>;

/** Whose token is wanted, and for what. */
export interface ExchangeRequest {
  readonly upstream: string;
  /** Of what the credential is made from. */
  readonly version: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Version of the token that the upstream has just refused; empty where it refused none. */
  readonly rejected: string;
  /** Who is proven to be calling, as they are now. */
  readonly claims: UserClaims;
  /** Signs what is stated of them. */
  readonly sign: (claims: UserClaims) => Promise<string>;
}

const TYPE = 'urn:ietf:params:oauth:token-type:';
const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';

/**
 * Tokens of upstreams' authorization servers for whoever calls, in exchange for a statement of the gateway's about them (RFC 8693): one
 * for each person, client and state of what is stated, in memory until four fifths of its life are over.
 */
export class ExchangedTokens {
  readonly #o: TokenAskingOptions;
  readonly #held: HeldTokens;

  constructor(options: TokenAskingOptions) {
    this.#o = options;
    this.#held = new HeldTokens(options.clock, (lifetimeMs) => lifetimeMs / 5);
  }

  /** The token, or why there is none. @throws what `sign` throws */
  get({ upstream, version, settings: given, rejected, claims, sign }: ExchangeRequest): Promise<HeldToken | OAuthProblem> {
    const settings = exchangeSettings.parse(given);
    const place = createHash('sha256')
      .update(JSON.stringify([upstream, claims]))
      .digest('base64url');
    const statement = () => sign({ ...claims, aud: settings.issuer, resource: settings.resource });
    return this.#held.get({ place, upstream, version, rejected, fetch: () => this.#exchange(settings, statement) });
  }

  #exchange(settings: ExchangeSettings, statement: () => Promise<string>): Promise<Tokens | OAuthProblem> {
    const { scopes = '', resource, audience } = settings;
    const parameters = async () =>
      new URLSearchParams({
        subject_token: await statement(),
        subject_token_type: `${TYPE}jwt`,
        requested_token_type: `${TYPE}access_token`,
        resource,
        ...(audience !== undefined && { audience }),
        ...(scopes !== '' && { scope: scopes }),
      });
    const read = (answer: TokenEndpointResponse, host: string) => usableTokens(answer, scopesOf(scopes), host);
    return requestToken(this.#o, { settings, grant: GRANT, shown: 'what this gateway states of you', parameters, read });
  }
}

/** Nothing but an access token is shown to an upstream (RFC 8693 §2.2.1). */
function usableTokens(answer: TokenEndpointResponse, scopes: readonly string[], host: string): Tokens | OAuthProblem {
  const issued = answer['issued_token_type'];
  if (issued !== undefined && issued !== `${TYPE}access_token` && issued !== `${TYPE}jwt`)
    return new OAuthProblem('token_unusable', `What ${host} gave in exchange is no access token.`);
  return tokensOf(answer, scopes, undefined);
}
