import { Egress } from '@switchyard/egress';
import { loadKeyFile } from '../key-file.js';
import type { KeyEncryptionKey } from '../key-encryption-key.js';
import { AwsKms } from './aws-kms.js';
import { GcpKms } from './gcp-kms.js';
import type { KekConfig } from './kek-schema.js';
import type { Kms } from './kms.js';
import { LocalKey } from './local-key.js';
import { TransitKms } from './transit-kms.js';

/** Longest wait for one answer of a key service. Edges wait 2 s for a lease, and must hear why there is none. */
const KMS_TIMEOUT_MS = 1_000;

// The operator names the key service in the file that the vault is started with, and it often is inside the cluster: there is
// nothing to guard against but redirects, which are never followed.
const ANYWHERE = ['0.0.0.0/0', '::/0'];

/** An open key service. */
export interface OpenKms {
  readonly kms: Kms;
  /** The key file's key, which also opens records of format 1; absent where there is a key service. */
  readonly local: KeyEncryptionKey | undefined;
  /** Idempotent. */
  close(): Promise<void>;
}

function chooseService(kek: KekConfig, egress: Egress, clock: { now(): number }): Kms | undefined {
  const o = { fetch: egress.fetch, timeoutMs: KMS_TIMEOUT_MS, clock };
  if (kek.transit !== undefined) return new TransitKms(kek.transit, o);
  if (kek.awsKms !== undefined) return new AwsKms(kek.awsKms, o);
  if (kek.gcpKms !== undefined) return new GcpKms(kek.gcpKms, o);
  return undefined;
}

/**
 * Opens the key service that the configuration names. Does not ask it for anything yet.
 * @throws ConfigError where a key file cannot be used
 */
export function openKms(kek: KekConfig, clock: { now(): number }): OpenKms {
  const egress = new Egress({ allowed: ANYWHERE, connectTimeoutMs: KMS_TIMEOUT_MS });
  const close = () => egress.close();
  const service = chooseService(kek, egress, clock);
  if (service !== undefined) return { kms: service, local: undefined, close };
  if (kek.file === undefined) throw new Error('a configuration without a key passed its schema');
  const local = loadKeyFile({ file: kek.file, createIfMissing: kek.createIfMissing });
  return { kms: new LocalKey(local), local, close };
}

/** Files that are the vault's own keys to its key: no reference may name them. */
export function filesOf({ file, transit, awsKms, gcpKms }: KekConfig): string[] {
  return [
    file,
    transit?.auth.kubernetes?.tokenFile,
    awsKms?.credentials.webIdentity?.tokenFile,
    awsKms?.credentials.container?.tokenFile,
    gcpKms?.credentials.serviceAccountFile,
  ].filter((name) => name !== undefined);
}
