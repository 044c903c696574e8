import { fromJsonString } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { type AuditSink, CredentialMaterialSchema, VaultService } from '@switchyard/contracts';
import type { Rpc } from '@switchyard/messaging';
import { openSealed, type SealingKey } from '@switchyard/oauth';

/** The values of a sink's references, for a while. */
export interface SinkSecrets {
  /** By path in the settings. */
  readonly values: Readonly<Record<string, string>>;
  readonly untilMs: number;
}

/** Whom the vault knows as asking. */
export interface SecretsOptions {
  readonly rpc: Rpc;
  readonly tenant: string;
  readonly emitter: string;
  readonly sealingKey: SealingKey;
}

/** The vault gives no secrets for a sink; its message says why. */
export class SecretsRefused extends Error {
  override readonly name = 'SecretsRefused';
}

const NONE: SinkSecrets = { values: {}, untilMs: Number.POSITIVE_INFINITY };

/**
 * Asks the vault for the values of a sink's references, sealed to this process.
 * @throws SecretsRefused; RpcUnavailable and RpcFault where the vault does not answer
 */
export async function leaseSecrets({ name, needsSecrets }: AuditSink, options: SecretsOptions): Promise<SinkSecrets> {
  if (!needsSecrets) return NONE;
  const { rpc, tenant, emitter, sealingKey } = options;
  const request = { tenant, sink: name, emitter, recipientJwk: sealingKey.publicJwk };
  const { result } = await rpc.call(VaultService.method.leaseSinkSecrets, request);
  if (result.case !== 'lease') throw new SecretsRefused(result.value?.message ?? 'the vault answered without a lease');
  const plaintext = await openSealed(sealingKey.privateKey, result.value.sealed);
  const { env } = fromJsonString(CredentialMaterialSchema, Buffer.from(plaintext).toString('utf8'));
  return { values: env, untilMs: result.value.expiresAt === undefined ? 0 : timestampMs(result.value.expiresAt) };
}
