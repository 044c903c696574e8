import { CONNECT_CLIENT } from '@switchyard/contracts';
import { createHash, randomBytes } from 'node:crypto';
import * as oauth from 'oauth4webapi';
import { z } from 'zod';
import type { SealedTexts } from './sealed-text.js';

/** Somebody who has signed in at the gateway, in one browser. */
export const browserUser = z.strictObject({
  issuer: z.string(),
  subject: z.string(),
  /** What people call them. */
  name: z.string(),
  /** Random: names this session in its forms. */
  session: z.string(),
  /** Who is signed out everywhere later is out here as well. */
  signedInAtMs: z.number(),
});
export type BrowserUser = z.infer<typeof browserUser>;

const started = z.strictObject({ state: z.string(), nonce: z.string(), verifier: z.string(), returnTo: z.string() });
const PURPOSE = 'sign-in';

/** How long somebody may take to sign in. */
export const SIGN_IN_MS = 10 * 60_000;

/** Where the gateway's own authorization server is. */
export interface OwnServer {
  readonly publicUrl: string;
  /** Its address behind the edge. */
  readonly authServer: string;
}

/**
 * Signs the browser's user in at the gateway's own authorization server (OpenID Connect Core §3.1): as the same person that the
 * access tokens of their MCP clients name.
 */
export class BrowserSignIn {
  readonly #sealed: SealedTexts;
  readonly #clock: { now(): number };

  constructor(sealed: SealedTexts, clock: { now(): number }) {
    this.#sealed = sealed;
    this.#clock = clock;
  }

  /**
   * Begins.
   * @param returnTo path of the page that wanted somebody
   * @param anew whether somebody is to sign in although somebody is known
   * @returns where to send the browser, and what it must bring back in its cookie
   */
  async begin(
    { publicUrl }: OwnServer,
    returnTo: string,
    anew: boolean,
  ): Promise<{ readonly url: string; readonly cookie: string }> {
    const value = {
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      verifier: oauth.generateRandomCodeVerifier(),
      returnTo,
    };
    const url = new URL('/oauth/authorize', publicUrl);
    url.search = new URLSearchParams({
      client_id: CONNECT_CLIENT.id,
      redirect_uri: `${publicUrl}${CONNECT_CLIENT.redirectPath}`,
      response_type: 'code',
      scope: 'openid',
      state: value.state,
      nonce: value.nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(value.verifier),
      code_challenge_method: 'S256',
      ...(anew && { prompt: 'login' }),
    }).toString();
    return { url: url.href, cookie: await this.#sealed.seal(PURPOSE, value, SIGN_IN_MS) };
  }

  /**
   * Finishes: checks what came back, redeems it, and verifies the ID token.
   * @returns undefined where the browser did not begin this, or the authorization server refuses
   */
  async finish(
    own: OwnServer,
    query: URLSearchParams,
    cookie: string | undefined,
  ): Promise<{ readonly user: BrowserUser; readonly returnTo: string } | undefined> {
    const begun = await this.#sealed.open(PURPOSE, cookie, started);
    if (begun === undefined) return undefined;
    try {
      // By the time before it is redeemed: what ends meanwhile ends this.
      const signedInAtMs = this.#clock.now();
      return { user: { ...(await redeem(own, query, begun)), signedInAtMs }, returnTo: begun.returnTo };
    } catch (error) {
      if (isRefusal(error)) return undefined;
      throw error;
    }
  }
}

const isRefusal = (error: unknown) =>
  error instanceof oauth.AuthorizationResponseError ||
  error instanceof oauth.ResponseBodyError ||
  error instanceof oauth.OperationProcessingError ||
  error instanceof oauth.UnsupportedOperationError;

async function redeem(
  { publicUrl, authServer }: OwnServer,
  query: URLSearchParams,
  begun: z.infer<typeof started>,
): Promise<Omit<BrowserUser, 'signedInAtMs'>> {
  const server: oauth.AuthorizationServer = {
    issuer: publicUrl,
    token_endpoint: new URL('/oauth/token', authServer).href,
    jwks_uri: new URL('/oauth/jwks', authServer).href,
    authorization_response_iss_parameter_supported: true,
  };
  const client: oauth.Client = { client_id: CONNECT_CLIENT.id, id_token_signed_response_alg: 'ES256' };
  // Services reach each other behind the edge, where there may be no TLS.
  const options = { [oauth.allowInsecureRequests]: true, signal: () => AbortSignal.timeout(8_000) };
  const answer = oauth.validateAuthResponse(server, client, query, begun.state);
  const redirectUri = `${publicUrl}${CONNECT_CLIENT.redirectPath}`;
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    answer,
    redirectUri,
    begun.verifier,
    options,
  );
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
    expectedNonce: begun.nonce,
    requireIdToken: true,
  });
  await oauth.validateApplicationLevelSignature(server, response, options);
  const subject = oauth.getValidatedIdTokenClaims(tokens)?.sub ?? '';
  return {
    issuer: publicUrl,
    subject,
    name: emailIn(tokens.access_token) ?? subject,
    session: randomBytes(16).toString('base64url'),
  };
}

/** For people to recognise themselves by; decides nothing. ID tokens of ours carry no more than the subject. */
function emailIn(accessToken: string): string | undefined {
  const claims: unknown = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? 'e30', 'base64url').toString('utf8') || '{}');
  const email = (claims as { readonly email?: unknown }).email;
  return typeof email === 'string' ? email : undefined;
}

/** What a form of this session carries, so that nobody else can send it. */
export const formToken = ({ session }: BrowserUser) => createHash('sha256').update(`form ${session}`).digest('base64url');
