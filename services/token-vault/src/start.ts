import { openAdminApp } from '@switchyard/admin-api';
import { ApiKeyDirectory } from '@switchyard/api-keys';
import type { Audit } from '@switchyard/audit';
import { DEFAULT_TENANT } from '@switchyard/contracts';
import type { Rpc } from '@switchyard/messaging';
import type { Clock, RunningService } from '@switchyard/runtime';
import type { State } from '@switchyard/state';
import type { Logger, Telemetry } from '@switchyard/telemetry';
import 'reflect-metadata';
import type { TokenVaultConfig } from './config.js';
import { CredentialStore } from './credential-store.js';
import { Credentials } from './credentials.js';
import { loadKeyFile } from './key-file.js';
import { ReferenceFiles } from './reference-files.js';
import { SecretStore } from './secret-store.js';
import { TokenVaultModule } from './token-vault.module.js';
import { VaultContext } from './vault-context.js';

/** What the token vault stands on. */
export interface TokenVaultDeps {
  readonly rpc: Rpc;
  readonly state: State;
  readonly audit: Audit;
  readonly log: Logger;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  /** Environment that `${env:NAME}` references are resolved in. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

// A value of 64 KiB, where JSON needs up to six bytes for one.
const bodyLimitBytes = 6 * 64 * 1024 + 1024;

async function openVault(config: TokenVaultConfig, deps: TokenVaultDeps): Promise<VaultContext> {
  const { state, clock, env } = deps;
  const kek = loadKeyFile(config.kek);
  const secrets = await SecretStore.open(state, DEFAULT_TENANT, kek, clock);
  const files = new ReferenceFiles({ directory: config.referenceDirectory, keyFile: config.kek.file });
  const store = await CredentialStore.open(state, DEFAULT_TENANT, kek, clock);
  const credentials = new Credentials(store, { env, files, secrets });
  return new VaultContext({ ...deps, tenant: DEFAULT_TENANT, secrets, credentials });
}

/**
 * Starts the token vault: RPC handlers for edges and the capability registry, HTTP API for administrators.
 * @throws ConfigError where its key cannot be used; StateUnavailable
 */
export async function startTokenVault(config: TokenVaultConfig, deps: TokenVaultDeps): Promise<RunningService> {
  const { state, audit, clock, log, rpc } = deps;
  await using undo = new AsyncDisposableStack();
  const vault = await openVault(config, deps);
  const keys = undo.adopt(await ApiKeyDirectory.open(state, vault.tenant, clock), (directory) => directory.close());
  const app = undo.adopt(
    await openAdminApp(TokenVaultModule.with(vault), { ...config.listen, keys, audit, log, rpc, bodyLimitBytes }),
    (admin) => admin.close(),
  );
  const running = undo.move();
  return {
    name: 'token-vault',
    urls: { http: app.url },
    readiness: async () => ({
      state: (await state.ready()) ? 'ok' : 'cannot be reached',
      audit: audit.accepting() ? 'ok' : 'takes no more events',
    }),
    close: () => running.disposeAsync(),
  };
}
