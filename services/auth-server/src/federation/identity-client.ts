import { createPrivateKey } from 'node:crypto';
import type { IdentityProviderConfig } from '@switchyard/gateway-config';
import * as oidc from 'openid-client';
import { valuesOf, type Claims } from './identity.js';
import { SecretUnavailable, type IdentitySecrets } from './identity-secrets.js';
import { refusePrivateKey } from './resolve-identity-secrets.js';

const TIMEOUT_SECONDS = 10;
const CLOCK_TOLERANCE_SECONDS = 60;
const REDISCOVER_AFTER_MS = 3_600_000;

/** What a sign-in is bound to. */
export interface SignInChecks {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** Longest time since the person last proved who they are, in seconds. */
  readonly maxAgeSeconds?: number;
}

/** What a provider says of somebody, signed. */
export interface IdToken {
  readonly text: string;
  readonly endsAtMs: number;
}

/** What a provider gave for a sign-in or a refresh. */
export interface ProviderTokens {
  readonly claims: Claims;
  readonly idToken?: IdToken;
  readonly refreshToken?: string;
  readonly accessToken: string;
}

/** What shows a provider whom something is asked for (RFC 8693 §2.1). */
export interface SubjectToken {
  readonly text: string;
  readonly type: 'id_token' | 'refresh_token';
}

/** What an ID-JAG is to be for. */
export interface IdJagWanted {
  /** Issuer of the authorization server that is to take it. */
  readonly audience: string;
  /** What it gives tokens for. */
  readonly resource: string;
  /** Scopes there; empty: the provider decides. */
  readonly scope: string;
}

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';
const ID_JAG = `${TOKEN_TYPE}id-jag`;

/** What the metadata of a provider says that is needed besides signing in. */
export interface ProviderKeys {
  readonly issuer: string;
  readonly jwksUrl: string;
}

/** One OpenID provider. Found by discovery when it is first needed, so that the gateway starts while a provider is away. */
export class IdentityClient {
  readonly config: IdentityProviderConfig;
  readonly #redirectUri: string;
  readonly #fetch: typeof globalThis.fetch;
  readonly #clock: { now(): number };
  readonly #secrets: Pick<IdentitySecrets, 'valueOf'>;
  #found: { readonly configuration: oidc.Configuration; readonly untilMs: number } | undefined;
  #finding: Promise<oidc.Configuration> | undefined;

  constructor(o: {
    readonly config: IdentityProviderConfig;
    readonly redirectUri: string;
    readonly fetch: typeof globalThis.fetch;
    readonly clock: { now(): number };
    readonly secrets: Pick<IdentitySecrets, 'valueOf'>;
  }) {
    this.config = o.config;
    this.#redirectUri = o.redirectUri;
    this.#fetch = o.fetch;
    this.#clock = o.clock;
    this.#secrets = o.secrets;
  }

  /** Where the browser is sent to sign in. @throws where the provider cannot be reached */
  async authorizationUrl(checks: SignInChecks, anew: boolean): Promise<URL> {
    const { scopes, habits } = this.config;
    return oidc.buildAuthorizationUrl(await this.#discovered(), {
      ...habits.authorizeParameters,
      redirect_uri: this.#redirectUri,
      scope: scopes.join(' '),
      state: checks.state,
      nonce: checks.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(checks.verifier),
      code_challenge_method: 'S256',
      ...(anew ? { prompt: habits.reauthPrompt } : {}),
      ...(checks.maxAgeSeconds === undefined ? {} : { max_age: String(checks.maxAgeSeconds) }),
    });
  }

  /**
   * Redeems what came back, and checks it: `state`, `iss` (RFC 9207), signature, audience, `nonce`, `auth_time`.
   * @param query of the address that the browser was sent back to
   */
  async redeem(query: string, checks: SignInChecks): Promise<ProviderTokens> {
    const configuration = await this.#discovered();
    const answer = new URL(`${this.#redirectUri}${query}`);
    const tokens = await oidc.authorizationCodeGrant(configuration, answer, {
      expectedState: checks.state,
      expectedNonce: checks.nonce,
      pkceCodeVerifier: checks.verifier,
      idTokenExpected: true,
      ...(checks.maxAgeSeconds === undefined ? {} : { maxAge: checks.maxAgeSeconds }),
    });
    const claims = tokens.claims();
    if (claims === undefined) throw new Error('the token response has no ID token');
    return { ...(await this.#completed(configuration, claims, tokens.access_token)), ...keptOf(tokens) };
  }

  /** Asks with a refresh token whether somebody may still sign in, and what is true of them now. */
  async refresh(refreshToken: string, known: { readonly issuer: string; readonly subject: string }): Promise<ProviderTokens> {
    const configuration = await this.#discovered();
    const tokens = await oidc.refreshTokenGrant(configuration, refreshToken);
    const claims = tokens.claims() ?? { sub: known.subject, iss: known.issuer };
    // OpenID Connect Core §12.2.
    if (claims.sub !== known.subject) throw new Error('the refreshed ID token is about somebody else');
    return { ...(await this.#completed(configuration, claims, tokens.access_token)), ...keptOf(tokens) };
  }

  /**
   * Has the provider assert somebody to another authorization server (draft-ietf-oauth-identity-assertion-authz-grant §4.3).
   * @returns undefined where what it gave is no ID-JAG
   */
  async idJag(subject: SubjectToken, { audience, resource, scope }: IdJagWanted): Promise<string | undefined> {
    const answer = await oidc.genericGrantRequest(await this.#discovered(), TOKEN_EXCHANGE, {
      requested_token_type: ID_JAG,
      subject_token: subject.text,
      subject_token_type: `${TOKEN_TYPE}${subject.type}`,
      audience,
      resource,
      ...(scope === '' ? {} : { scope }),
    });
    return answer['issued_token_type'] === ID_JAG ? answer.access_token : undefined;
  }

  /** Asks with an access token, where there is no refresh token. @returns undefined where the provider has no userinfo */
  async userinfo(accessToken: string, known: { readonly issuer: string; readonly subject: string }): Promise<Claims | undefined> {
    const configuration = await this.#discovered();
    if (configuration.serverMetadata().userinfo_endpoint === undefined) return undefined;
    const info = await oidc.fetchUserInfo(configuration, accessToken, known.subject);
    return { ...info, iss: known.issuer };
  }

  /** What tokens of the provider are verified with, other than those that it gave to us directly. */
  async keys(): Promise<ProviderKeys> {
    const { issuer, jwks_uri: jwksUrl } = (await this.#discovered()).serverMetadata();
    if (jwksUrl === undefined) throw new Error('the provider publishes no keys');
    return { issuer, jwksUrl };
  }

  /** Claims that decide something here and are not in the ID token are in userinfo, at providers that keep ID tokens small. */
  async #completed(configuration: oidc.Configuration, claims: Claims, accessToken: string): Promise<ProviderTokens> {
    const { teamsClaim, require } = this.config;
    const needed = ['email', ...Object.keys(require), ...(teamsClaim === undefined ? [] : [teamsClaim])];
    const hasUserinfo = configuration.serverMetadata().userinfo_endpoint !== undefined;
    if (!hasUserinfo || needed.every((name) => valuesOf(claims, name).length > 0)) return { claims, accessToken };
    const info = await oidc.fetchUserInfo(configuration, accessToken, String(claims['sub']));
    return { claims: { ...info, ...claims }, accessToken };
  }

  /** What was found stays in use where a provider cannot be reached to look again. */
  async #discovered(): Promise<oidc.Configuration> {
    const found = this.#found;
    if (found !== undefined && this.#clock.now() < found.untilMs) return found.configuration;
    this.#finding ??= this.#discover().finally(() => (this.#finding = undefined));
    return found === undefined ? this.#finding : this.#finding.catch(() => found.configuration);
  }

  async #discover(): Promise<oidc.Configuration> {
    const { issuer, clientId } = this.config;
    const { untilMs, ...credential } = await this.#credential();
    const configuration = await oidc.discovery(
      new URL(issuer),
      clientId,
      { [oidc.clockTolerance]: CLOCK_TOLERANCE_SECONDS },
      clientAuthentication({ ...this.config, ...credential }),
      {
        [oidc.customFetch]: (url, options) => this.#fetch(url, options as RequestInit),
        timeout: TIMEOUT_SECONDS,
        // ID tokens come from the provider itself; their signatures are checked nevertheless.
        execute: [oidc.enableNonRepudiationChecks, ...(issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : [])],
      },
    );
    this.#found = { configuration, untilMs: Math.min(untilMs, this.#clock.now() + REDISCOVER_AFTER_MS) };
    return configuration;
  }

  /** What the gateway shows that it is itself with. @throws SecretUnavailable */
  async #credential(): Promise<{ readonly clientSecret?: string; readonly privateKey?: string; readonly untilMs: number }> {
    const { clientSecret = '', privateKey } = this.config;
    const { text, untilMs } = await this.#secrets.valueOf(privateKey ?? clientSecret);
    if (privateKey === undefined) return { clientSecret: text, untilMs };
    if (refusePrivateKey(text) !== undefined) throw new SecretUnavailable('secret_unusable');
    return { privateKey: text, untilMs };
  }
}

/** What is kept of an answer. Its claims have been read, so the ID token has them. */
function keptOf(tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers) {
  const { id_token: text, refresh_token: refreshToken } = tokens;
  const endsAtMs = Number(tokens.claims()?.exp) * 1000;
  return {
    ...(text === undefined ? {} : { idToken: { text, endsAtMs } }),
    ...(refreshToken === undefined ? {} : { refreshToken }),
  };
}

/** How the gateway shows the provider that it is itself (OpenID Connect Core §9). */
function clientAuthentication({ clientSecret, privateKey, privateKeyId }: IdentityProviderConfig): oidc.ClientAuth {
  if (privateKey !== undefined) {
    const key = createPrivateKey(privateKey);
    const algorithm =
      key.asymmetricKeyType === 'ec' ? { name: 'ECDSA', namedCurve: 'P-256' } : { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    const imported = key.toCryptoKey(algorithm, false, ['sign']) as CryptoKey;
    return oidc.PrivateKeyJwt(privateKeyId === undefined ? imported : { key: imported, kid: privateKeyId });
  }
  const [basic, post] = [oidc.ClientSecretBasic(clientSecret), oidc.ClientSecretPost(clientSecret)];
  // Basic is what holds where the provider says nothing (OpenID Connect Discovery §3).
  return (server, ...rest) =>
    (server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']).includes('client_secret_basic')
      ? basic(server, ...rest)
      : post(server, ...rest);
}
