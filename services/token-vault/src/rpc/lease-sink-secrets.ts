import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import {
  LeaseCredentialRequestSchema,
  LeaseSinkSecretsRequestSchema,
  LeaseSinkSecretsResponseSchema,
  rpcSubject,
  sinkCredential,
  VaultService,
  type LeaseSinkSecretsRequest,
} from '@switchyard/contracts';
import { encodeMessage, messagePipe } from '@switchyard/messaging';
import { sealTo } from '@switchyard/oauth';
import { findLeasable, refused } from '../leasable.js';
import { VaultContext } from '../vault-context.js';

const LEASE_MS = 5 * 60_000;

/** Leases what an audit sink's configuration references, sealed to the key of analytics. NATS lets nobody else ask. */
@Controller()
export class LeaseSinkSecretsHandler {
  readonly #vault: VaultContext;

  constructor(vault: VaultContext) {
    this.#vault = vault;
  }

  @MessagePattern(rpcSubject(VaultService.method.leaseSinkSecrets))
  async handle(@Payload(messagePipe(LeaseSinkSecretsRequestSchema)) request: LeaseSinkSecretsRequest): Promise<unknown> {
    const { audit, clock, leases } = this.#vault;
    const { tenant, sink, emitter, recipientJwk } = request;
    const upstream = sinkCredential(sink);
    const found = audit.accepting()
      ? await findLeasable(this.#vault, create(LeaseCredentialRequestSchema, { tenant, upstream, edge: emitter }))
      : { ...refused('unresolved', 'The audit trail takes no events.'), reason: 'audit_unavailable' as const };
    leases.add(1, found.ok ? { outcome: 'ok' } : { outcome: 'denied', reason: found.reason });
    if (!found.ok) {
      const { reason, cause, severity = '', message } = found;
      const detail = { edge: emitter, cause };
      if (reason !== 'audit_unavailable')
        await audit.record({ type: 'connection.leased', outcome: 'denied', upstream, reason, severity, detail });
      return encodeMessage(LeaseSinkSecretsResponseSchema, { result: { case: 'refusal', value: { reason, message } } });
    }
    const { material, version } = found;
    const sealed = await sealTo(recipientJwk, Buffer.from(JSON.stringify(material), 'utf8'));
    await audit.record({ type: 'connection.leased', outcome: 'ok', upstream, detail: { edge: emitter, version } });
    const expiresAt = timestampFromMs(clock.now() + LEASE_MS);
    return encodeMessage(LeaseSinkSecretsResponseSchema, { result: { case: 'lease', value: { sealed, version, expiresAt } } });
  }
}
