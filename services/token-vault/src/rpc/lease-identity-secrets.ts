import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import {
  IDENTITY_CREDENTIAL,
  LeaseIdentitySecretsRequestSchema,
  LeaseIdentitySecretsResponseSchema,
  rpcSubject,
  VaultService,
  type LeaseIdentitySecretsRequest,
} from '@switchyard/contracts';
import { encodeMessage, messagePipe } from '@switchyard/messaging';
import { VaultContext } from '../vault-context.js';
import { leaseValues } from './lease-values.js';

/** Leases what the section `identity` takes from the vault, sealed to the key of the authorization server. NATS lets nobody else ask. */
@Controller()
export class LeaseIdentitySecretsHandler {
  readonly #vault: VaultContext;

  constructor(vault: VaultContext) {
    this.#vault = vault;
  }

  @MessagePattern(rpcSubject(VaultService.method.leaseIdentitySecrets))
  async handle(@Payload(messagePipe(LeaseIdentitySecretsRequestSchema)) request: LeaseIdentitySecretsRequest): Promise<unknown> {
    const { tenant, recipientJwk } = request;
    const wanted = { tenant, credential: IDENTITY_CREDENTIAL, asker: 'auth-server', recipientJwk };
    return encodeMessage(LeaseIdentitySecretsResponseSchema, await leaseValues(this.#vault, wanted));
  }
}
