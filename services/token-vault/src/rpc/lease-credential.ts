import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import {
  IDENTITY_CREDENTIAL,
  isSinkCredential,
  LeaseCredentialRequestSchema,
  LeaseCredentialResponseSchema,
  rpcSubject,
  VaultService,
  type LeaseCredentialRequest,
} from '@switchyard/contracts';
import { encodeMessage, messagePipe } from '@switchyard/messaging';
import { sealTo } from '@switchyard/oauth';
import { callFields } from '../caller/call-fields.js';
import { findLeasable, type Leasable, type LeaseRefusal, refused } from '../leasable.js';
import { VaultContext } from '../vault-context.js';

const leaseMs = 5 * 60_000;

const auditFull: LeaseRefusal = {
  reason: 'audit_unavailable',
  message:
    'No credential is leased while the audit trail takes no events; whoever runs the gateway must look at the token vault.',
};

/** Leases the credential that a call to one upstream needs, sealed to the edge's key. */
@Controller()
export class LeaseCredentialHandler {
  readonly #vault: VaultContext;

  constructor(vault: VaultContext) {
    this.#vault = vault;
  }

  @MessagePattern(rpcSubject(VaultService.method.leaseCredential))
  async handle(@Payload(messagePipe(LeaseCredentialRequestSchema)) request: LeaseCredentialRequest): Promise<unknown> {
    if (!this.#vault.audit.accepting()) return this.#refuse(auditFull);
    // What sinks and the authorization server are configured with is none of the edges' business.
    const found =
      isSinkCredential(request.upstream) || request.upstream === IDENTITY_CREDENTIAL
        ? refused('unknown_upstream', `${request.upstream} is no upstream.`)
        : await findLeasable(this.#vault, request);
    if (found.ok) return this.#lease(request, found);
    const { reason, cause, severity = '' } = found;
    const detail = { edge: request.edge, cause };
    const event = { type: 'connection.leased', outcome: 'denied', reason, severity, detail } as const;
    await this.#vault.audit.record({ ...callFields(request), ...event });
    return this.#refuse(found);
  }

  async #lease(request: LeaseCredentialRequest, { material, version, untilMs = Infinity }: Leasable): Promise<unknown> {
    const { audit, clock, leases } = this.#vault;
    const sealed = await sealTo(request.recipientJwk, Buffer.from(JSON.stringify(material), 'utf8'));
    const detail = { edge: request.edge, version };
    await audit.record({ ...callFields(request), type: 'connection.leased', outcome: 'ok', detail });
    leases.add(1, { outcome: 'ok' });
    const expiresAt = timestampFromMs(Math.min(clock.now() + leaseMs, untilMs));
    return encodeMessage(LeaseCredentialResponseSchema, { result: { case: 'lease', value: { sealed, version, expiresAt } } });
  }

  #refuse({ reason, message, connectUrl = '' }: LeaseRefusal): unknown {
    this.#vault.leases.add(1, { outcome: 'denied', reason });
    return encodeMessage(LeaseCredentialResponseSchema, { result: { case: 'refusal', value: { reason, message, connectUrl } } });
  }
}
