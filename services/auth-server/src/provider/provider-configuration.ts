import { ACCOUNT_SCOPE, DPOP_ALGORITHMS, MCP_SCOPES, type AccessTokenVerifier } from '@switchyard/oauth';
import {
  errors,
  type AccessToken,
  type ClientCredentials,
  type ClientMetadata,
  type Configuration,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import { clientAdapter, type ClientSources } from '../clients/client-adapter.js';
import { looksLikeDocumentId } from '../clients/document-id.js';
import { providerFetch } from '../clients/provider-fetch.js';
import { registrationId } from '../clients/registered-clients.js';
import { DEVICE_PATH, deviceFlow } from '../device/device-flow.js';
import type { PeopleRegister } from '../people/people-register.js';
import type { Sessions } from '../people/sessions.js';
import { interactionPath } from '../interaction/interaction-path.js';
import { LIFETIMES } from '../lifetimes.js';
import type { Federation } from '../federation/federation.js';
import { authorizationProblem } from '../pages/authorization-error.js';
import { sendProblemPage } from '../pages/error-page.js';
import { KvAdapter, type AdapterContext } from '../store/kv-adapter.js';
import type { Accounts } from './accounts.js';
import { ASSERTION_ALGORITHMS, checkAssertion, CLOCK_SKEW_SECONDS } from './client-assertions.js';
import { applyClientPolicy, CERTIFICATE_METHODS, dropKeys, EXTRA_CLIENT_METADATA } from './client-policy.js';
import { connectClient } from './connect-client.js';
import type { ClientCertificates } from './client-certificates.js';
import type { Dpop } from './dpop.js';
import { existingGrant } from './existing-grant.js';
import { signInAndConsent } from './interaction-policy.js';
import { extensionGrantTypes, extensionMetadata } from '../grants/extension-grants.js';
import { TOKEN_EXCHANGE } from '../grants/token-exchange-grant.js';
import { findPerson } from './find-person.js';
import type { KnownServers } from './known-servers.js';
import { libraryAccount } from './library-account.js';
import type { RememberedConsents } from './remembered-consents.js';
import { refreshTokenSeconds, rotateRefreshToken } from './refresh-rotation.js';
import { resourceIndicators } from './resource-servers.js';
import { serviceGrantId, type ServiceClients } from './service-clients.js';

/** What the configuration of the authorization server is made from. */
export interface ProviderParts {
  readonly publicUrl: string;
  readonly tenant: string;
  /** Private ES256 keys; the first one signs. */
  readonly signingKeys: readonly JsonWebKey[];
  /** Signs cookies and forms. */
  readonly cookieSecret: string;
  readonly accounts: Accounts;
  /** Absent: development sign-in. */
  readonly federation?: Federation;
  readonly consents: RememberedConsents;
  readonly servers: KnownServers;
  readonly services: ServiceClients;
  readonly clients: ClientSources;
  /** Whether confidential clients must push their requests. */
  readonly requirePushedRequests: boolean;
  /** Whether agents without a browser may show a code. */
  readonly deviceAuthorization: boolean;
  /** Where clients of the configuration publish their keys. */
  readonly fetch: typeof globalThis.fetch;
  readonly adapters: AdapterContext;
  readonly people: PeopleRegister;
  readonly sessions: Sessions;
  readonly dpop: Dpop;
  /** Absent where clients show none. */
  readonly certificates?: ClientCertificates;
  /** Verifies our own access tokens. */
  readonly tokens: AccessTokenVerifier;
  /** Clients that may exchange tokens. */
  readonly exchangeClients: readonly string[];
}

const seconds = (ms: number) => ms / 1000;

const TTL: NonNullable<Configuration['ttl']> = {
  AccessToken: seconds(LIFETIMES.accessTokenMs),
  ClientCredentials: seconds(LIFETIMES.accessTokenMs),
  AuthorizationCode: seconds(LIFETIMES.authorizationCodeMs),
  DeviceCode: seconds(LIFETIMES.deviceCodeMs),
  Grant: seconds(LIFETIMES.grantMs),
  IdToken: seconds(LIFETIMES.accessTokenMs),
  Interaction: seconds(LIFETIMES.interactionMs),
  RefreshToken: refreshTokenSeconds,
  Session: seconds(LIFETIMES.browserSessionMs),
};

/** Everything that we decide about oidc-provider, in the order of its documentation. */
export function providerConfiguration(o: ProviderParts): Configuration {
  return {
    adapter: (model) => (model === 'Client' ? clientAdapter(o.clients) : new KvAdapter(model, o.adapters)),
    clients: [connectClient(o.publicUrl)],
    fetch: providerFetch(o.clients, o.fetch),
    discovery: metadataOf(o),
    jwks: { keys: [...o.signingKeys] as NonNullable<Configuration['jwks']>['keys'][number][] },
    routes: {
      authorization: '/oauth/authorize',
      token: '/oauth/token',
      registration: '/oauth/register',
      revocation: '/oauth/revoke',
      pushed_authorization_request: '/oauth/par',
      device_authorization: '/oauth/device_authorization',
      code_verification: DEVICE_PATH,
      jwks: '/oauth/jwks',
      end_session: '/oauth/session/end',
    },
    cookies: cookies(o),
    // OAuth 2.1: the code flow only, PKCE for every client, exact redirect URIs that are always said.
    responseTypes: ['code'],
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    scopes: [...MCP_SCOPES, ACCOUNT_SCOPE, 'openid', 'offline_access'],
    clientAuthMethods: authMethodsOf(o),
    assertJwtClientAuthClaimsAndHeader: checkAssertion,
    clockTolerance: CLOCK_SKEW_SECONDS,
    clientDefaults: {
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      id_token_signed_response_alg: 'ES256',
      token_endpoint_auth_method: 'client_secret_basic',
    },
    enabledJWA: {
      idTokenSigningAlgValues: ['ES256'],
      dPoPSigningAlgValues: [...DPOP_ALGORITHMS],
      clientAuthSigningAlgValues: [...ASSERTION_ALGORITHMS],
    },
    extraClientMetadata: {
      properties: [...EXTRA_CLIENT_METADATA],
      // Called once per property, for registrations and for stored clients alike; once is enough.
      validator: (_ctx, key, _value, metadata) => {
        if (key === EXTRA_CLIENT_METADATA[0]) settleMetadata(metadata, o);
      },
    },
    // There are no ambient credentials at these endpoints, so any page may call them; a code is useless without its verifier.
    clientBasedCORS: () => true,
    features: {
      devInteractions: { enabled: false },
      registration: {
        enabled: true,
        issueRegistrationAccessToken: false,
        idFactory: (ctx) => registrationId(ctx.oidc.body ?? {}),
      },
      revocation: { enabled: true, allowedPolicy: revokeAtOnce(o.adapters.revocations) },
      resourceIndicators: resourceIndicators(o),
      clientCredentials: { enabled: true },
      dPoP: { enabled: true, nonceSecret: o.dpop.secret, requireNonce: () => o.dpop.nonceRequired },
      ...(o.certificates === undefined ? {} : { mTLS: o.certificates.feature() }),
      pushedAuthorizationRequests: { enabled: true },
      deviceFlow: deviceFlow({ ...o, enabled: o.deviceAuthorization }),
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
    },
    interactions: { policy: signInAndConsent(o.federation), url: (_ctx, interaction) => interactionPath(interaction.uid) },
    findAccount: async (ctx, subject) => {
      const account = await findPerson(ctx, subject, o);
      return account && libraryAccount(account);
    },
    loadExistingGrant: existingGrant(o.consents),
    extraTokenClaims: (ctx, token) => tokenClaims(ctx, token, o),
    // MCP clients are long-lived and rarely ask for offline_access: whoever may refresh gets a refresh token. It does not end
    // with the browser session, which is only there to sign in with.
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async () => false,
    rotateRefreshToken,
    ttl: TTL,
    renderError: (ctx, out, error) => sendProblemPage(ctx, authorizationProblem(ctx.status, out, error)),
  };
}

/** What the metadata says besides what the library does. */
const metadataOf = (o: ProviderParts) => ({
  client_id_metadata_document_supported: o.clients.documents.trust.hosts?.length !== 0,
  ...extensionMetadata(o),
  ...o.certificates?.metadata(),
});

const authMethodsOf = ({ certificates }: ProviderParts): NonNullable<Configuration['clientAuthMethods']> => [
  ...(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const),
  ...(certificates === undefined ? [] : CERTIFICATE_METHODS),
];

/** Applies our rules to a client's metadata, in place. Clients that have registered themselves did not choose their ids. */
function settleMetadata(metadata: ClientMetadata, o: ProviderParts): void {
  const { clients, requirePushedRequests } = o;
  if (!clients.configured.has(metadata.client_id)) {
    if (!looksLikeDocumentId(metadata.client_id)) dropKeys(metadata);
    applyClientPolicy(metadata, extensionGrantTypes(o));
  }
  const signsIn = metadata.grant_types?.includes('authorization_code') === true;
  if (requirePushedRequests && signsIn && metadata.token_endpoint_auth_method !== 'none')
    metadata.require_pushed_authorization_requests = true;
}

/**
 * RFC 7009 §2.1: a client that names another one's token is told so. With its own, the grant ends before the library takes the token away:
 * whoever enforces it hears of it first.
 * @throws InvalidGrant
 */
const revokeAtOnce =
  (revocations: AdapterContext['revocations']) =>
  async (
    ctx: KoaContextWithOIDC,
    client: { readonly clientId: string },
    token: { readonly clientId?: string | undefined; readonly grantId?: string | undefined },
  ): Promise<true> => {
    if (token.clientId !== client.clientId) throw new errors.InvalidGrant('the token was issued to another client');
    if (token.grantId !== undefined) await revocations.revoke(token.grantId, ctx);
    return true;
  };

/** What access tokens say beside what RFC 9068 has a name for. */
function tokenClaims(
  { oidc: { entities } }: KoaContextWithOIDC,
  token: AccessToken | ClientCredentials,
  { tenant, servers }: ProviderParts,
) {
  if (token.kind === 'ClientCredentials')
    return { sy_tenant: tenant, sy_grant: serviceGrantId(token.clientId ?? ''), sy_kind: 'service' };
  return {
    email: entities.Account?.['email'],
    sy_tenant: tenant,
    sy_grant: token.grantId,
    // The client acts for the person where it exchanged a token of theirs (RFC 8693 §4.1).
    ...(token.gty === TOKEN_EXCHANGE ? { act: { sub: token.clientId } } : {}),
    // Who is signed out everywhere loses what was granted before, however late it is issued.
    sy_granted_at: entities.Grant?.iat,
    sy_claims: servers.teamClaimsAmong((entities.Account?.['teams'] ?? []) as readonly string[]),
  };
}

/** Signed, HttpOnly, SameSite=Lax; Secure, and bound to the host, where the gateway is on https. */
function cookies({ publicUrl, cookieSecret }: ProviderParts): NonNullable<Configuration['cookies']> {
  const prefix = publicUrl.startsWith('https:') ? '__Host-' : '';
  const attributes = { httpOnly: true, sameSite: 'lax', signed: true } as const;
  return {
    keys: [cookieSecret],
    // Only the session cookie is for every path, as the prefix demands (RFC 6265bis §4.1.3.2).
    names: { session: `${prefix}switchyard_session`, interaction: 'switchyard_interaction', resume: 'switchyard_resume' },
    long: attributes,
    short: attributes,
  };
}
