import {
  channelOfCredential,
  IDENTITY_CREDENTIAL,
  isSinkCredential,
  sinkCredential,
  VaultService,
  type Snapshot,
} from '@switchyard/contracts';
import { parseGatewayConfig, type GatewayOverrides } from '@switchyard/gateway-config';
import { RpcFault, RpcUnavailable, type Rpc } from '@switchyard/messaging';
import { ConfigError, formatPath, positionInText, type Clock, type ConfigProblem } from '@switchyard/runtime';
import { StateUnavailable } from '@switchyard/state';
import { compileSnapshot } from './compile-snapshot.js';
import { credentialTemplates } from './credential-templates.js';
import type { SnapshotStore } from './snapshot-store.js';

/** What applying a configuration needs. */
export interface ApplyContext {
  readonly rpc: Rpc;
  readonly snapshots: SnapshotStore;
  readonly audit: { accepting(): boolean };
  readonly clock: Clock;
  readonly tenant: string;
  /** Name of the configuration file, for messages. */
  readonly file: string;
  /** What stands instead of something in the file. */
  readonly overrides?: GatewayOverrides;
}

/** What came of a configuration text. */
export interface Applied {
  readonly snapshot: Snapshot;
  /** False when the same content was published before; nothing was written then. */
  readonly changed: boolean;
  /** What was published until then; undefined where nothing was, or nothing is published now. */
  readonly before?: Snapshot | undefined;
}

/** Something that applying a configuration needs is away; trying again is right. */
export class ApplyUnavailable extends Error {
  override readonly name = 'ApplyUnavailable';

  constructor(
    /** Name of the dependency, as readiness shows it. */
    readonly dependency: 'vault' | 'state' | 'audit',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The vault could not resolve what the configuration references. */
export class CredentialsUnresolved extends ConfigError {}

/**
 * Takes a configuration text all the way: checked, credentials stored by the vault, compiled, published.
 * @param served what came of the same text before; it is not published again, so that registries which see different
 *   files for a while do not take turns
 * @throws ConfigError for a text that cannot be used; CredentialsUnresolved for references that lead nowhere;
 *   ApplyUnavailable when something is away
 */
export async function applyConfig(text: string, context: ApplyContext, served?: Snapshot): Promise<Applied> {
  const config = parseGatewayConfig(text, context.file, context.overrides);
  const { versions, problems } = await applyCredentials(credentialTemplates(config), context);
  if (problems.length > 0) throw new CredentialsUnresolved(problems.map((problem) => placed(problem, text, context.file)));
  const snapshot = compileSnapshot(config, versions, context.tenant, context.clock);
  return publish(snapshot, context, served);
}

async function applyCredentials(credentials: ReturnType<typeof credentialTemplates>, { rpc, tenant }: ApplyContext) {
  try {
    return await rpc.call(VaultService.method.applyCredentials, { tenant, credentials });
  } catch (cause) {
    if (cause instanceof RpcUnavailable) throw new ApplyUnavailable('vault', 'The token vault does not answer.', { cause });
    if (cause instanceof RpcFault) throw new ApplyUnavailable('vault', 'The token vault failed; its log says why.', { cause });
    throw cause;
  }
}

async function publish(snapshot: Snapshot, { snapshots, audit }: ApplyContext, served: Snapshot | undefined): Promise<Applied> {
  try {
    const standing = await snapshots.current();
    if (standing?.revision === snapshot.revision) return { snapshot: standing, changed: false };
    if (standing && served?.revision === snapshot.revision) return { snapshot: served, changed: false };
    // A change that could not be recorded is not made.
    if (!audit.accepting()) throw new ApplyUnavailable('audit', 'The audit trail takes no more events; its spool is full.');
    await snapshots.publish(snapshot);
    return { snapshot, changed: true, before: standing };
  } catch (cause) {
    if (cause instanceof StateUnavailable)
      throw new ApplyUnavailable('state', 'The store of snapshots cannot be reached.', { cause });
    throw cause;
  }
}

function placed(problem: { upstream: string; message: string }, text: string, file: string): ConfigProblem {
  const path = pathOf(problem.upstream);
  return { file, position: positionInText(text, file, path), path: formatPath(path), message: problem.message };
}

/** Where in the file a credential is from. */
function pathOf(name: string): string[] {
  if (name === IDENTITY_CREDENTIAL) return ['identity'];
  const channel = channelOfCredential(name);
  if (channel !== undefined) return ['audit', 'alerts', 'channels', channel];
  return isSinkCredential(name) ? ['audit', 'sinks', name.slice(sinkCredential('').length)] : ['upstreams', name];
}
