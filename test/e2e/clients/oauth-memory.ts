import type { OAuthClientProvider as ProviderV1, OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js';
import type { OAuthClientInformationMixed, OAuthClientMetadata, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';

/** What the SDKs' OAuth code remembers for one person at one server, in memory. Serves both SDKs: their interfaces agree. */
export class OAuthMemory implements ProviderV1 {
  readonly redirectUrl: string;
  readonly clientMetadata: OAuthClientMetadata;
  /** Where the SDK wants the person's browser to go. */
  authorizationUrl: URL | undefined;
  /** Every token set that was given out, oldest first. */
  readonly issued: OAuthTokens[] = [];
  #discovery: OAuthDiscoveryState | undefined;
  #client: OAuthClientInformationMixed | undefined;
  #tokens: OAuthTokens | undefined;
  #verifier = '';

  constructor(options: { readonly redirectUrl: string; readonly clientName: string }) {
    this.redirectUrl = options.redirectUrl;
    this.clientMetadata = {
      client_name: options.clientName,
      redirect_uris: [options.redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }

  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.#client;
  }

  saveClientInformation(client: OAuthClientInformationMixed): void {
    this.#client = client;
  }

  tokens(): OAuthTokens | undefined {
    return this.#tokens;
  }

  saveTokens(tokens: OAuthTokens): void {
    this.#tokens = tokens;
    this.issued.push(tokens);
  }

  redirectToAuthorization(url: URL): void {
    this.authorizationUrl = url;
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovery;
  }

  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.#discovery = state;
  }

  /** Makes the access token one that the gateway refuses, as one that has expired is. */
  spoilAccessToken(): void {
    if (this.#tokens === undefined) throw new Error('there is no access token yet');
    const [header, payload] = this.#tokens.access_token.split('.');
    this.#tokens = { ...this.#tokens, access_token: `${header}.${payload}.${'A'.repeat(86)}` };
  }
}
