import { openAdminApp, type AdminApp } from '@switchyard/admin-api';
import { ApiKeyDirectory } from '@switchyard/api-keys';
import type { Audit } from '@switchyard/audit';
import { BUCKETS, DEFAULT_TENANT, type ApiKeyRecord } from '@switchyard/contracts';
import { loadGatewayConfig } from '@switchyard/gateway-config';
import type { Clock, Readiness, RunningService } from '@switchyard/runtime';
import type { State } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';
import Provider from 'oidc-provider';
import { AuthServerModule } from './auth-server.module.js';
import type { AuthServerConfig } from './config.js';
import { grantRevoked } from './events/auth-events.js';
import { exchangeOf } from './events/exchange.js';
import { ensureFirstAdminKey } from './keys/first-admin-key.js';
import { KeyRegister } from './keys/key-register.js';
import { oidcHandler } from './oidc-handler.js';
import { Accounts } from './provider/accounts.js';
import { createProvider } from './provider/create-provider.js';
import { KnownServers } from './provider/known-servers.js';
import { GrantRevocations } from './store/grant-revocations.js';
import { OidcStore } from './store/oidc-store.js';
import { openServerKeys } from './store/server-keys.js';

/** What the authorization server stands on. */
export interface AuthServerDeps {
  readonly state: State;
  readonly audit: Audit;
  readonly log: Logger;
  readonly clock: Clock;
  /** Given the text of the first admin key, once, by the replica that made it. */
  readonly onFirstAdminKey: (text: string) => void | Promise<void>;
}

/**
 * Starts the authorization server: sign-in, tokens, and API keys.
 * @throws ConfigError when the gateway's file cannot be used, for example for development sign-in at a public address
 */
export async function startAuthServer(config: AuthServerConfig, deps: AuthServerDeps): Promise<RunningService> {
  const { publicUrl } = loadGatewayConfig(config.gatewayFile).gateway;
  const tenant = DEFAULT_TENANT;
  const register = await KeyRegister.open(deps.state, tenant, deps.clock);
  await showFirstAdminKey(register, tenant, deps);
  const servers = await KnownServers.open(deps.state, tenant);
  const directory = await ApiKeyDirectory.open(deps.state, tenant, deps.clock);
  const provider = await openProvider(publicUrl, tenant, servers, deps);
  const app = await openAdminApp(AuthServerModule.of({ register, audit: deps.audit, clock: deps.clock }), {
    ...config.listen,
    keys: directory,
    audit: deps.audit,
    log: deps.log,
    before: oidcHandler(provider),
  });
  return running(app, deps, [servers, directory]);
}

async function openProvider(publicUrl: string, tenant: string, servers: KnownServers, deps: AuthServerDeps): Promise<Provider> {
  const { state, clock, audit, log } = deps;
  const store = new OidcStore(await state.bucket(BUCKETS.oidc, tenant));
  const revocations = new GrantRevocations(store, (grantId) => {
    const ctx = Provider.ctx;
    if (ctx !== undefined) exchangeOf(ctx).events.push(grantRevoked(ctx, publicUrl, grantId));
  });
  return createProvider({
    publicUrl,
    tenant,
    keys: await openServerKeys(state, tenant),
    accounts: new Accounts(store, tenant),
    servers,
    adapters: { store, revocations, clock },
    audit,
    log,
  });
}

async function showFirstAdminKey(register: KeyRegister, tenant: string, deps: AuthServerDeps): Promise<void> {
  const { state, clock, audit, onFirstAdminKey: show } = deps;
  const key = await ensureFirstAdminKey({ state, tenant, register, clock, show });
  if (key !== undefined) await audit.record({ type: 'auth.key_created', outcome: 'ok', detail: keyFacts(key) });
}

const keyFacts = ({ id, name, roles }: ApiKeyRecord) => ({ key_id: id, key_name: name, roles: roles.join(' '), first: 'true' });

function running(
  app: AdminApp,
  { state, audit }: AuthServerDeps,
  watches: readonly { close(): Promise<void> }[],
): RunningService {
  const readiness = async (): Promise<Readiness> => ({
    state: (await state.ready()) ? 'ok' : 'the store cannot be reached',
    audit: audit.accepting() ? 'ok' : 'the audit spool is full',
  });
  const close = async () => {
    await app.close();
    await Promise.all(watches.map((watch) => watch.close()));
  };
  let closed: Promise<void> | undefined;
  return { name: 'auth-server', urls: { http: app.url }, readiness, close: () => (closed ??= close()) };
}
