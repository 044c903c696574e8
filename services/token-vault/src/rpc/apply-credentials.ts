import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { SpoolFull } from '@switchyard/audit';
import {
  ApplyCredentialsRequestSchema,
  ApplyCredentialsResponseSchema,
  rpcSubject,
  VaultService,
  type ApplyCredentialsRequest,
} from '@switchyard/contracts';
import { encodeMessage, messagePipe } from '@switchyard/messaging';
import { recordChanges } from '../credential-events.js';
import { VaultContext } from '../vault-context.js';

/** Makes the stored organisation-wide credentials equal to what the configuration references. */
@Controller()
export class ApplyCredentialsHandler {
  readonly #vault: VaultContext;

  constructor(vault: VaultContext) {
    this.#vault = vault;
  }

  @MessagePattern(rpcSubject(VaultService.method.applyCredentials))
  async handle(@Payload(messagePipe(ApplyCredentialsRequestSchema)) request: ApplyCredentialsRequest): Promise<unknown> {
    const { tenant, audit, credentials, log } = this.#vault;
    if (request.tenant !== tenant) throw new Error('this vault serves another tenant');
    // A change that could not be recorded is not made; the caller tries again.
    if (!audit.accepting()) throw new SpoolFull('credentials are not changed while the audit trail takes no events');
    const templates = new Map(request.credentials.map(({ upstream, headers, env }) => [upstream, { headers, env }]));
    const { versions, changes, problems } = await credentials.apply(templates);
    await recordChanges(audit, changes);
    log.info('credentials were applied', { count: changes.length, outcome: problems.length === 0 ? 'ok' : 'unresolved' });
    return encodeMessage(ApplyCredentialsResponseSchema, { versions, problems: [...problems] });
  }
}
