import { openAdminApp } from '@switchyard/admin-api';
import { ApiKeyDirectory, Revocations } from '@switchyard/api-keys';
import type { Audit } from '@switchyard/audit';
import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import type { Rpc } from '@switchyard/messaging';
import { ConfigError, type Clock, type RunningService } from '@switchyard/runtime';
import type { State } from '@switchyard/state';
import type { Logger, Telemetry } from '@switchyard/telemetry';
import 'reflect-metadata';
import { CallerKey } from './caller/caller-key.js';
import type { TokenVaultConfig } from './config.js';
import { CredentialStore } from './credential-store.js';
import { Credentials } from './credentials.js';
import { Keyring } from './keyring/keyring.js';
import { KeyUpkeep } from './keyring/key-upkeep.js';
import { Reseal } from './keyring/reseal.js';
import { KmsHealth } from './kms/kms-health.js';
import { KmsUnavailable } from './kms/kms.js';
import { filesOf, openKms } from './kms/open-kms.js';
import { LegalHolds } from './payloads/legal-holds.js';
import { PayloadKeys } from './payloads/payload-keys.js';
import { PersonalCredentials } from './personal-credentials.js';
import { ReferenceFiles } from './reference-files.js';
import { SecretStore } from './secret-store.js';
import { ClaimsSigner } from './user-claims/claims-signer.js';
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
  /** Address of the authorization server, where the configuration cannot know it: it starts beside the vault. */
  readonly authServer?: () => Promise<string | undefined>;
}

// A value of 64 KiB, where JSON needs up to six bytes for one.
const bodyLimitBytes = 6 * 64 * 1024 + 1024;

interface OpenVault {
  readonly vault: VaultContext;
  readonly health: KmsHealth;
  readonly keys: ApiKeyDirectory;
}

const dayMs = 24 * 60 * 60_000;

/** @throws ConfigError where the key service works, but did not wrap this tenant's keys */
async function refuseForeignKeys(keyring: Keyring, { kek }: TokenVaultConfig): Promise<void> {
  const stored = await keyring.status();
  if (stored?.state !== 'living') return;
  const wrapped = stored.keys.find(({ id }) => id === stored.current);
  const opened = await keyring.opening(stored.current).catch((error: unknown) => {
    // Nobody knows yet; readiness tells.
    if (error instanceof KmsUnavailable) return undefined;
    throw error;
  });
  if (opened?.ok !== false) return;
  const message = `does not open the stored data keys, which ${wrapped?.kek} wrapped. Configure that key again.`;
  throw new ConfigError([
    { file: 'the configuration of the token vault', path: kek.file === undefined ? 'kek' : 'kek.file', message },
  ]);
}

async function openVault(config: TokenVaultConfig, deps: TokenVaultDeps, undo: AsyncDisposableStack): Promise<OpenVault> {
  const { state, clock, env } = deps;
  const { kms, local } = undo.adopt(openKms(config.kek, clock), (opened) => opened.close());
  const health = new KmsHealth(kms, clock);
  const tenant = DEFAULT_TENANT;
  const kv = await state.bucket(BUCKETS.dataKeys, tenant);
  const cacheMs = config.dataKeys.cacheSeconds * 1000;
  const keyring = undo.adopt(new Keyring({ kv, kms, health, tenant, clock, cacheMs }), (it) => it.close());
  await refuseForeignKeys(keyring, config);
  const records = { keyring, local, tenant, clock };
  const secrets = await SecretStore.open(state, records);
  const store = await CredentialStore.open(state, records);
  const files = new ReferenceFiles({ directory: config.referenceDirectory, ownFiles: filesOf(config.kek) });
  const credentials = new Credentials(store, { env, files, secrets });
  const keys = undo.adopt(await ApiKeyDirectory.open(state, tenant, clock), (directory) => directory.close());
  const payloads = await PayloadKeys.open(state, records);
  const callerKey = undo.adopt(await CallerKey.open(state, { ...deps, tenant, keyring }), (it) => it.close());
  const authServer = deps.authServer ?? (async () => config.authServer);
  const onUnreadable = (key: string, error: unknown) =>
    deps.log.error('a revocation could not be read, so it is not enforced', { key_id: key, error });
  const revocations = undo.adopt(await Revocations.open(state, tenant, onUnreadable), (it) => it.close());
  const personal = undo.adopt(
    await PersonalCredentials.open({ ...deps, records, credentials, files, callerKey, keys, authServer, revocations }),
    (it) => it.close(),
  );
  const reseal = new Reseal({ ...deps, keyring, stores: [store.sealed, secrets.sealed, payloads.sealed, ...personal.sealed] });
  const rotateMs = config.dataKeys.rotateDays * dayMs;
  const upkeep = undo.adopt(new KeyUpkeep({ ...deps, keyring, reseal, rotateMs }), (it) => it.close());
  const claims = new ClaimsSigner(keyring, clock);
  const holds = new LegalHolds({ ...deps, tenant });
  const parts = { tenant, secrets, credentials, keyring, reseal, upkeep, callerKey, personal, claims, payloads, holds };
  return { health, keys, vault: new VaultContext({ ...deps, ...parts }) };
}

/**
 * Starts the token vault: RPC handlers for edges and the capability registry, HTTP API for administrators.
 * @throws ConfigError where its key cannot be used; StateUnavailable
 */
export async function startTokenVault(config: TokenVaultConfig, deps: TokenVaultDeps): Promise<RunningService> {
  const { state, audit, log, rpc } = deps;
  await using undo = new AsyncDisposableStack();
  const { vault, health, keys } = await openVault(config, deps, undo);
  const before = vault.personal.handle;
  const app = undo.adopt(
    await openAdminApp(TokenVaultModule.with(vault), {
      ...config.listen,
      keys,
      people: vault.personal.people,
      audit,
      log,
      rpc,
      bodyLimitBytes,
      before,
    }),
    (admin) => admin.close(),
  );
  vault.upkeep.start();
  vault.personal.start();
  await vault.callerKey.publish();
  const running = undo.move();
  return {
    name: 'token-vault',
    urls: { http: app.url },
    readiness: async () => ({
      state: (await state.ready()) ? 'ok' : 'cannot be reached',
      audit: audit.accepting() ? 'ok' : 'takes no more events',
      kms: (await health.problem())?.message ?? 'ok',
    }),
    close: () => running.disposeAsync(),
  };
}
