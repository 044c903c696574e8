import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import {
  LeasePayloadKeyRequestSchema,
  LeasePayloadKeyResponseSchema,
  type LeasePayloadKeyRequest,
  rpcSubject,
  VaultService,
} from '@switchyard/contracts';
import { encodeMessage, messagePipe } from '@switchyard/messaging';
import { sealTo } from '@switchyard/oauth';
import { StateUnavailable } from '@switchyard/state';
import { TenantKeyDestroyed } from '../keyring/keyring.js';
import { KmsUnavailable } from '../kms/kms.js';
import { PayloadKeysDamaged } from '../payloads/payload-keys.js';
import { VaultContext } from '../vault-context.js';

const LEASE_MS = 5 * 60_000;

/** Leases a key that an edge encrypts one principal's captured payloads with. NATS lets nobody else ask. */
@Controller()
export class LeasePayloadKeyHandler {
  readonly #vault: VaultContext;

  constructor(vault: VaultContext) {
    this.#vault = vault;
  }

  @MessagePattern(rpcSubject(VaultService.method.leasePayloadKey))
  async handle(@Payload(messagePipe(LeasePayloadKeyRequestSchema)) request: LeasePayloadKeyRequest): Promise<unknown> {
    const { payloads, clock, tenant } = this.#vault;
    if (request.tenant !== tenant) return this.#refuse('credential_unavailable', 'This vault serves another tenant.');
    try {
      const key = await payloads.lease(request.principalIssuer, request.principalSubject);
      const material = { contentKey: key.content.toString('base64url'), redactionKey: key.redaction.toString('base64url') };
      const sealed = await sealTo(request.recipientJwk, Buffer.from(JSON.stringify(material)));
      for (const secret of [key.content, key.redaction]) secret.fill(0);
      const value = { sealed, version: key.id, expiresAt: timestampFromMs(clock.now() + LEASE_MS) };
      return encodeMessage(LeasePayloadKeyResponseSchema, { result: { case: 'lease', value } });
    } catch (error) {
      return this.#refused(error);
    }
  }

  #refused(error: unknown): unknown {
    if (error instanceof TenantKeyDestroyed) return this.#refuse('key_destroyed', 'The keys of this tenant were destroyed.');
    if (error instanceof PayloadKeysDamaged) {
      this.#vault.log.error('keys for captured payloads cannot be used', { reason: error.damage });
      const isGone = error.damage === 'key_destroyed';
      return this.#refuse(isGone ? 'key_destroyed' : 'credential_unavailable', 'The stored keys cannot be used.');
    }
    if (error instanceof KmsUnavailable || error instanceof StateUnavailable)
      return this.#refuse('credential_unavailable', 'The key service or the state cannot be reached.');
    throw error;
  }

  #refuse(reason: string, message: string): unknown {
    return encodeMessage(LeasePayloadKeyResponseSchema, { result: { case: 'refusal', value: { reason, message } } });
  }
}
