import { fromJsonString } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { CredentialMaterialSchema, VaultService } from '@switchyard/contracts';
import { holdsVaultReference } from '@switchyard/gateway-config';
import { RpcFault, RpcUnavailable, type Rpc } from '@switchyard/messaging';
import { openSealed, type SealingKey } from '@switchyard/oauth';
import type { Logger } from '@switchyard/telemetry';

/** What a text of the configuration stands for, and how long that may be believed. */
export interface ResolvedSecret {
  readonly text: string;
  readonly untilMs: number;
}

/** A secret cannot be had, or cannot be used. */
export class SecretUnavailable extends Error {
  override readonly name = 'SecretUnavailable';
  readonly kind: 'unavailable' | 'misconfigured';
  readonly code: 'vault_unavailable' | 'secret_missing' | 'secret_unusable';

  constructor(code: SecretUnavailable['code']) {
    super(`a secret of the configuration: ${code}`);
    this.code = code;
    this.kind = code === 'vault_unavailable' ? 'unavailable' : 'misconfigured';
  }
}

interface Lease {
  readonly values: Readonly<Record<string, string>>;
  readonly untilMs: number;
  readonly leasedAtMs: number;
}

interface SecretsOptions {
  readonly rpc: Rpc;
  readonly tenant: string;
  /** Made at the start and never written down: what is sealed to it nobody else reads. */
  readonly sealingKey: SealingKey;
  readonly clock: { now(): number };
  readonly log: Logger;
}

/** What is not in a lease may have been configured since; the vault is asked again after this. */
const AGAIN_AFTER_MS = 1_000;

/** Secrets of the section `identity` that the token vault keeps: leased when they are needed, for minutes. */
export class IdentitySecrets {
  readonly #o: SecretsOptions;
  #lease: Lease | undefined;
  #asking: Promise<Lease> | undefined;

  constructor(options: SecretsOptions) {
    this.#o = options;
  }

  /** @param text without a reference to the vault: it is what it says @throws SecretUnavailable */
  async valueOf(text: string): Promise<ResolvedSecret> {
    if (!holdsVaultReference(text)) return { text, untilMs: Number.POSITIVE_INFINITY };
    const { values, untilMs } = await this.#leased(text);
    const value = Object.hasOwn(values, text) ? values[text] : undefined;
    if (value === undefined) throw new SecretUnavailable('secret_missing');
    return { text: value, untilMs };
  }

  async #leased(text: string): Promise<Lease> {
    const now = this.#o.clock.now();
    const held = this.#lease;
    const isGood = held !== undefined && held.untilMs > now;
    if (isGood && (Object.hasOwn(held.values, text) || now - held.leasedAtMs < AGAIN_AFTER_MS)) return held;
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  async #ask(): Promise<Lease> {
    const { rpc, tenant, sealingKey, clock, log } = this.#o;
    try {
      const { result } = await rpc.call(VaultService.method.leaseIdentitySecrets, { tenant, recipientJwk: sealingKey.publicJwk });
      if (result.case !== 'lease') {
        log.error('the token vault has no secrets for the section identity', { reason: result.value?.reason ?? 'no_answer' });
        throw new SecretUnavailable('secret_missing');
      }
      const plaintext = await openSealed(sealingKey.privateKey, result.value.sealed);
      const { env: values } = fromJsonString(CredentialMaterialSchema, Buffer.from(plaintext).toString('utf8'));
      const { expiresAt } = result.value;
      this.#lease = { values, untilMs: expiresAt === undefined ? 0 : timestampMs(expiresAt), leasedAtMs: clock.now() };
      return this.#lease;
    } catch (error) {
      if (!(error instanceof RpcUnavailable || error instanceof RpcFault)) throw error;
      log.warn('the token vault does not answer, so secrets cannot be renewed', { error });
      // Nobody has to stay out because the vault is away for a while.
      if (this.#lease !== undefined) return this.#lease;
      throw new SecretUnavailable('vault_unavailable');
    }
  }
}
