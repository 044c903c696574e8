import * as oauth from 'oauth4webapi';
import { z } from 'zod';
import type { OAuthHttp } from './oauth-http.js';
import { knownCode, OAuthProblem } from './oauth-problem.js';
import { TOKEN_AUTH_METHODS, type TokenAuthMethod, type UpstreamSettings } from './upstream-settings.js';

/** The gateway as one authorization server knows it. Never shown to another (RFC 9207 §4: mix-up). */
export const registeredClient = z.strictObject({
  issuer: z.string(),
  how: z.enum(['configured', 'metadata-document', 'registered']),
  id: z.string(),
  secret: z.string().optional(),
  authMethod: z.enum(TOKEN_AUTH_METHODS),
  redirectUri: z.string(),
  /** When the secret ends (RFC 7591 §3.2.1). */
  secretEndsAtMs: z.number().optional(),
  /** Whether it registered us as a client whose tokens are always bound to a key (RFC 9449 §5.2). */
  bound: z.boolean().optional(),
});
export type RegisteredClient = z.infer<typeof registeredClient>;

/** Who the gateway is towards authorization servers. */
export interface GatewayClient {
  /** URL of the gateway's own client metadata document; absent where strangers cannot fetch it. */
  readonly metadataUrl?: string;
  readonly redirectUri: string;
}

const CLIENT_NAME = 'Switchyard';

/** The gateway's client metadata: what is registered, and what stands in its metadata document. */
export function clientMetadata({ redirectUri }: Pick<GatewayClient, 'redirectUri'>) {
  const { protocol, origin } = new URL(redirectUri);
  return {
    client_name: CLIENT_NAME,
    client_uri: origin,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    // RFC 7591 §2: redirects to this machine are those of native applications.
    application_type: protocol === 'https:' ? 'web' : 'native',
  };
}

/** The gateway's client metadata document: it has no secret, so it authenticates with none. */
export function clientMetadataDocument(o: Required<GatewayClient>) {
  return { client_id: o.metadataUrl, ...clientMetadata(o), token_endpoint_auth_method: 'none' };
}

/** How a client that need not be registered is known; undefined where it must be. */
export function clientWithoutRegistering(
  server: oauth.AuthorizationServer,
  settings: UpstreamSettings,
  { metadataUrl, redirectUri }: GatewayClient,
): RegisteredClient | undefined {
  const { issuer } = server;
  if (settings.clientId !== undefined) {
    const { clientId: id, clientSecret: secret } = settings;
    const authMethod = settings.tokenAuthMethod ?? methodFor(server, secret !== undefined);
    return { issuer, how: 'configured', id, authMethod, redirectUri, ...(secret !== undefined && { secret }) };
  }
  if (metadataUrl === undefined || server.client_id_metadata_document_supported !== true) return undefined;
  return { issuer, how: 'metadata-document', id: metadataUrl, authMethod: 'none', redirectUri };
}

/** Registers the gateway (RFC 7591 §3). */
export async function registerClient(
  http: OAuthHttp,
  server: oauth.AuthorizationServer,
  settings: UpstreamSettings,
  { redirectUri }: GatewayClient,
): Promise<RegisteredClient | OAuthProblem> {
  const host = new URL(server.issuer).host;
  if (server.registration_endpoint === undefined) {
    const message = `${host} registers no clients by itself, and this gateway is not registered there. Whoever runs the gateway must register it and configure clientId.`;
    return new OAuthProblem('registration_impossible', message);
  }
  const asked = settings.tokenAuthMethod ?? methodFor(server, true);
  const response = await http.answerOf(new URL(server.registration_endpoint), {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ ...clientMetadata({ redirectUri }), token_endpoint_auth_method: asked }),
  });
  if (response instanceof OAuthProblem) return response;
  const answer: unknown = await response.json().catch(() => undefined);
  const registered = registration.safeParse(answer);
  if (!response.ok || !registered.success) {
    const code = knownCode((answer as { error?: unknown } | undefined)?.error);
    return new OAuthProblem('registration_refused', `${host} refused to register this gateway as a client.`, code);
  }
  const {
    client_id: id,
    client_secret: secret,
    client_secret_expires_at: ends,
    dpop_bound_access_tokens: bound,
  } = registered.data;
  // Whoever gets no secret has nothing to show; else what was registered counts, and after it what was asked for.
  const given = TOKEN_AUTH_METHODS.find((method) => method === registered.data.token_endpoint_auth_method);
  const authMethod = secret === undefined ? 'none' : (given ?? (asked === 'none' ? 'client_secret_basic' : asked));
  return {
    ...{ issuer: server.issuer, how: 'registered', id, authMethod, redirectUri },
    ...(secret !== undefined && { secret }),
    ...(ends && { secretEndsAtMs: ends * 1000 }),
    ...(bound === true && { bound }),
  };
}

const registration = z.object({
  client_id: z.string().min(1),
  client_secret: z.string().min(1).optional(),
  client_secret_expires_at: z.number().optional(),
  token_endpoint_auth_method: z.string().optional(),
  dpop_bound_access_tokens: z.boolean().optional().catch(undefined),
});

/** What is used where nobody says: the first that both sides can. Basic holds where the server says nothing (RFC 8414 §2). */
function methodFor(server: oauth.AuthorizationServer, hasSecret: boolean): TokenAuthMethod {
  if (!hasSecret) return 'none';
  const offered = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  const order: readonly TokenAuthMethod[] = ['client_secret_basic', 'client_secret_post', 'none'];
  return order.find((method) => offered.includes(method)) ?? 'client_secret_basic';
}

/** How the library authenticates as this client. */
export function clientAuthentication({ authMethod, secret = '' }: RegisteredClient): oauth.ClientAuth {
  const methods: Readonly<Record<TokenAuthMethod, () => oauth.ClientAuth>> = {
    none: oauth.None,
    client_secret_basic: () => basicAuthentication(secret),
    client_secret_post: () => oauth.ClientSecretPost(secret),
  };
  return methods[authMethod]();
}

// RFC 6749 §2.3.1. The library also encodes "-", "." and "_", which the encoding lets stand, and many servers do not decode.
const formEncoded = (text: string) => new URLSearchParams({ '': text }).toString().slice(1);

/** How the library shows a secret in the header field Authorization. */
export const basicAuthentication =
  (secret: string): oauth.ClientAuth =>
  (_server, client, _body, headers) => {
    const pair = `${formEncoded(client.client_id)}:${formEncoded(secret)}`;
    headers.set('authorization', `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`);
  };
