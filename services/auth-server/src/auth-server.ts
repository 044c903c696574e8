import { openAdminApp, signedInPeople } from '@switchyard/admin-api';
import { ApiKeyDirectory, Revocations } from '@switchyard/api-keys';
import { BUCKETS, DEFAULT_TENANT, type ApiKeyRecord } from '@switchyard/contracts';
import { Egress, LOOPBACK } from '@switchyard/egress';
import { isLoopbackHost, loadGatewayConfig, type GatewayConfig } from '@switchyard/gateway-config';
import type { Rpc } from '@switchyard/messaging';
import { generateSealingKey } from '@switchyard/oauth';
import type { Clock, RunningService } from '@switchyard/runtime';
import type { State } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';
import path from 'node:path';
import { AuthServerModule } from './auth-server.module.js';
import { ClientDocuments } from './clients/client-documents.js';
import { ConfiguredClients } from './clients/configured-clients.js';
import { FailedAuthentications } from './clients/failed-authentications.js';
import { Ended, type EndedClients } from './revocation/ended.js';
import { RemovedApps } from './clients/removed-apps.js';
import { RegisteredClients } from './clients/registered-clients.js';
import type { AuthServerConfig } from './config.js';
import { grantRevoked } from './events/auth-events.js';
import type { EventSink } from './events/event-sink.js';
import { exchangeOf } from './events/exchange.js';
import { ensureFirstAdminKey } from './keys/first-admin-key.js';
import { KeyRegister } from './keys/key-register.js';
import { Federation } from './federation/federation.js';
import { IdentitySecrets } from './federation/identity-secrets.js';
import { resolveIdentitySecrets } from './federation/resolve-identity-secrets.js';
import { oidcHandler } from './oidc-handler.js';
import { PeopleRegister } from './people/people-register.js';
import { Sessions } from './people/sessions.js';
import { Accounts } from './provider/accounts.js';
import { ClientCertificates } from './provider/client-certificates.js';
import { openDpop } from './provider/dpop.js';
import { KnownServers } from './provider/known-servers.js';
import { RememberedConsents } from './provider/remembered-consents.js';
import { RevocationRegister } from './revocation/revocation-register.js';
import { RotatingProvider } from './provider/rotating-provider.js';
import { serviceClientMetadata } from './provider/service-clients.js';
import { ownTokens } from './signing/own-tokens.js';
import { SigningKeys } from './signing/signing-keys.js';
import { GrantRevocations } from './store/grant-revocations.js';
import { OidcStore } from './store/oidc-store.js';
import { openCookieSecret } from './store/cookie-secret.js';

/** What the authorization server stands on. */
export interface AuthServerDeps {
  readonly state: State;
  readonly rpc: Rpc;
  readonly audit: EventSink;
  readonly log: Logger;
  readonly clock: Clock;
  /** Environment that `${env:NAME}` in the gateway's section `identity` is resolved in. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Given the text of the first admin key, once, by the replica that made it. */
  readonly onFirstAdminKey: (text: string) => void | Promise<void>;
}

/**
 * Starts the authorization server: sign-in, tokens, and API keys.
 * @throws ConfigError when the gateway's file cannot be used, for example for development sign-in at a public address, or when a
 *   reference in its section `identity` leads nowhere;
 *   StateUnavailable
 */
export async function startAuthServer(config: AuthServerConfig, deps: AuthServerDeps): Promise<RunningService> {
  const gateway = resolveIdentitySecrets(
    loadGatewayConfig(config.gatewayFile, { port: config.gatewayPort }),
    config.gatewayFile,
    deps.env,
  );
  const { state, rpc, audit, clock, log } = deps;
  const tenant = DEFAULT_TENANT;
  const register = await KeyRegister.open(state, tenant, clock);
  await showFirstAdminKey(register, tenant, deps);
  // What is opened last is closed first.
  await using undo = new AsyncDisposableStack();
  const onUnreadableKey = (keyId: string, error: unknown) => log.warn('an API key could not be read', { key_id: keyId, error });
  const servers = undo.adopt(
    await KnownServers.open(state, tenant, (error) => log.warn('a snapshot could not be read', { error })),
    (it) => it.close(),
  );
  const keys = undo.adopt(await ApiKeyDirectory.open(state, tenant, clock, onUnreadableKey), (it) => it.close());
  const egress = undo.adopt(new Egress({ allowed: reachable(gateway), connectTimeoutMs: 5_000 }), (it) => it.close());
  const onUnreadableRing = (error: unknown) => log.error('the signing keys could not be read', { error });
  const signing = undo.adopt(await SigningKeys.open(state, tenant, clock, onUnreadableRing), (it) => it.close());
  const secrets = new IdentitySecrets({ rpc, tenant, sealingKey: await generateSealingKey(), clock, log });
  const configured = undo.adopt(await openConfiguredClients(gateway, config.gatewayFile, tenant, { ...deps, secrets }), (it) =>
    it.close(),
  );
  const store = new OidcStore(await state.bucket(BUCKETS.oidc, tenant));
  const revoked = await RevocationRegister.open(state, tenant);
  const endedClients = new Ended('client', store, revoked, clock);
  undo.adopt(RemovedApps.follow({ configured, store, ended: endedClients, log }), (it) => it.close());
  const opened = { servers, signing, secrets, configured, store, register: revoked, endedClients, fetch: egress.fetch };
  const onUnreadable = (key: string, error: unknown) => log.error('a revocation could not be read', { key_id: key, error });
  const revocations = undo.adopt(await Revocations.open(state, tenant, onUnreadable), (it) => it.close());
  const { publicUrl } = gateway.gateway;
  const parts = await providerParts(gateway, tenant, opened, deps);
  const before = oidcHandler(new RotatingProvider(parts, signing), parts);
  const people = signedInPeople(() => ({ publicUrl, tokens: parts.tokens }), revocations);
  const module = AuthServerModule.of({ ...parts, register, signing, clock, endedClients });
  const app = undo.adopt(await openAdminApp(module, { ...config.listen, keys, people, audit, log, rpc, before }), (it) =>
    it.close(),
  );
  const running = undo.move();
  return {
    name: 'auth-server',
    urls: { http: app.url },
    readiness: async () => ({
      state: (await state.ready()) ? 'ok' : 'cannot be reached',
      audit: audit.accepting() ? 'ok' : 'takes no more events',
    }),
    close: () => running.disposeAsync(),
  };
}

/** Where identity providers may be. */
function reachable({ gateway, egress }: GatewayConfig): readonly string[] {
  return isLoopbackHost(new URL(gateway.publicUrl).hostname) ? [...LOOPBACK, ...egress.allow] : egress.allow;
}

/** What of it runs. */
interface Opened {
  readonly servers: KnownServers;
  readonly signing: SigningKeys;
  readonly secrets: IdentitySecrets;
  readonly configured: ConfiguredClients;
  readonly store: OidcStore;
  readonly register: RevocationRegister;
  readonly endedClients: EndedClients;
  readonly fetch: typeof globalThis.fetch;
}

async function providerParts(
  { gateway: { publicUrl }, identity }: GatewayConfig,
  tenant: string,
  { servers, signing, secrets, configured, store, register, endedClients, fetch }: Opened,
  deps: AuthServerDeps,
) {
  const { state, clock, audit, log } = deps;
  const revocations = new GrantRevocations(store, register, (grantId, ctx) => {
    exchangeOf(ctx).events.push(grantRevoked(ctx, publicUrl, grantId));
  });
  const cookieSecret = await openCookieSecret(state, tenant);
  const accounts = new Accounts(store, tenant);
  const ended = new Ended('person', store, register, clock);
  const { mode, providers, recheckSeconds, tokenExchange } = identity;
  const federation = new Federation({
    ...{ providers, publicUrl, store, accounts, ended, clock, fetch, log, secrets },
    secret: cookieSecret,
    afterMs: recheckSeconds * 1000,
  });
  const people = await PeopleRegister.open(state, tenant, clock);
  const { enabled, endpointsUrl } = identity.clientCertificates;
  return {
    ...{ publicUrl, tenant, cookieSecret, accounts, servers, audit, log, fetch },
    requirePushedRequests: identity.requirePushedRequests,
    deviceAuthorization: identity.deviceAuthorization,
    services: new Map(identity.services.map((service) => [service.clientId, service])),
    ...(mode === 'oidc' ? { federation } : {}),
    exchangeClients: tokenExchange.clients,
    dpop: await openDpop(state, tenant, { clock, nonceRequired: identity.dpop.nonce }),
    ...(enabled ? { certificates: await ClientCertificates.open(state, tenant, { clock, endpointsUrl }) } : {}),
    consents: new RememberedConsents({ store, ended, endedClients, clock }),
    clients: {
      configured,
      documents: new ClientDocuments({ store, clock, trust: identity.clientDocuments }),
      registered: new RegisteredClients(store),
      failed: new FailedAuthentications(store),
    },
    adapters: { store, revocations, register, ended, endedClients, clock },
    tokens: ownTokens(publicUrl, signing, clock),
    people,
    sessions: new Sessions({ store, people, revocations, ended, clock }),
  };
}

function openConfiguredClients(
  { identity }: GatewayConfig,
  file: string,
  tenant: string,
  { state, env, log, secrets }: AuthServerDeps & { readonly secrets: IdentitySecrets },
): Promise<ConfiguredClients> {
  return ConfiguredClients.open(state, tenant, {
    services: new Map(identity.services.map((service) => [service.clientId, serviceClientMetadata(service)])),
    secrets,
    source: { env, directory: path.dirname(path.resolve(file)) },
    onUnusable: (clientId, message) =>
      log.error('an app of the configuration cannot be used', { client_id: clientId, reason: message }),
  });
}

async function showFirstAdminKey(register: KeyRegister, tenant: string, deps: AuthServerDeps): Promise<void> {
  const { state, clock, audit, onFirstAdminKey: show } = deps;
  const key = await ensureFirstAdminKey({ state, tenant, register, clock, show });
  if (key !== undefined) await audit.record({ type: 'auth.key_created', outcome: 'ok', detail: keyFacts(key) });
}

const keyFacts = ({ id, name, roles }: ApiKeyRecord) => ({ key_id: id, key_name: name, roles: roles.join(' '), first: 'true' });
