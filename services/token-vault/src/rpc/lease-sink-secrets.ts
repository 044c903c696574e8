import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import {
  LeaseSinkSecretsRequestSchema,
  LeaseSinkSecretsResponseSchema,
  rpcSubject,
  sinkCredential,
  VaultService,
  type LeaseSinkSecretsRequest,
} from '@switchyard/contracts';
import { encodeMessage, messagePipe } from '@switchyard/messaging';
import { VaultContext } from '../vault-context.js';
import { leaseValues } from './lease-values.js';

/** Leases what an audit sink's configuration references, sealed to the key of analytics. NATS lets nobody else ask. */
@Controller()
export class LeaseSinkSecretsHandler {
  readonly #vault: VaultContext;

  constructor(vault: VaultContext) {
    this.#vault = vault;
  }

  @MessagePattern(rpcSubject(VaultService.method.leaseSinkSecrets))
  async handle(@Payload(messagePipe(LeaseSinkSecretsRequestSchema)) request: LeaseSinkSecretsRequest): Promise<unknown> {
    const { tenant, sink, emitter: asker, recipientJwk } = request;
    const answer = await leaseValues(this.#vault, { tenant, credential: sinkCredential(sink), asker, recipientJwk });
    return encodeMessage(LeaseSinkSecretsResponseSchema, answer);
  }
}
