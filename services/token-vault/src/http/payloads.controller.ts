import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import { actorFields, Problem, RequireRole, zodBody, type AdminRequest } from '@switchyard/admin-api';
import { eraseCapturedBody, type EraseCapturedBody, type ErasedPayloads } from '@switchyard/contracts';
import { VaultContext } from '../vault-context.js';
import { orProblem, requireAudit } from './vault-problems.js';

/** What was captured of calls: erasing what is one principal's. */
@Controller('api/v1/payloads')
@RequireRole('admin')
export class PayloadsController {
  readonly #vault: VaultContext;

  constructor(vault: VaultContext) {
    this.#vault = vault;
  }

  @Post('erase')
  @HttpCode(200)
  async erase(
    @Body(zodBody(eraseCapturedBody)) { issuer, subject, confirm }: EraseCapturedBody,
    @Req() request: AdminRequest,
  ): Promise<ErasedPayloads> {
    const { audit, payloads, log } = this.#vault;
    const expected = `erase what was captured of ${subject}`;
    if (confirm !== expected) {
      const detail = `Nothing was erased. To make everything that was captured of this principal unreadable, for good, send {"confirm": "${expected}"} too.`;
      throw new Problem(409, { reason: 'not_confirmed', detail });
    }
    requireAudit(audit);
    const erased = await orProblem(() => payloads.erase(issuer, subject));
    await audit.record({
      ...actorFields(request),
      type: 'payload.erased',
      outcome: 'ok',
      detail: { erased_issuer: issuer, erased_subject: subject, count: String(erased) },
    });
    log.warn('what was captured of a principal was erased', { count: erased });
    return { issuer, subject, erased };
  }
}
