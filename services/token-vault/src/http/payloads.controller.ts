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
    const { audit, payloads, holds, log } = this.#vault;
    const expected = `erase what was captured of ${subject}`;
    if (confirm !== expected) {
      const detail = `Nothing was erased. To make everything that was captured of this principal unreadable, for good, send {"confirm": "${expected}"} too.`;
      throw new Problem(409, { reason: 'not_confirmed', detail });
    }
    requireAudit(audit);
    const whose = { erased_issuer: issuer, erased_subject: subject };
    const may = await holds.begin(issuer, subject);
    if (may.state !== 'allowed') {
      const refusal = may.state === 'held' ? held(may.holds) : holdsUnknown();
      await audit.record({
        ...actorFields(request),
        type: 'payload.erased',
        outcome: may.state === 'held' ? 'denied' : 'error',
        reason: refusal.details.reason,
        http_status: refusal.getStatus(),
        detail: { ...whose, ...(may.state === 'held' && { holds: may.holds.join(' ') }) },
      });
      throw refusal;
    }
    // Where this fails, nobody knows whether it was erased, and so holds go on saying that it is under way.
    const erased = await orProblem(() => payloads.erase(issuer, subject));
    await holds.end(may.id);
    await audit.record({
      ...actorFields(request),
      type: 'payload.erased',
      outcome: 'ok',
      detail: { ...whose, count: String(erased) },
    });
    log.warn('what was captured of a principal was erased', { count: erased });
    return { issuer, subject, erased };
  }
}

const holdsUnknown = () =>
  new Problem(503, {
    reason: 'holds_unknown',
    detail: 'Nothing was erased: analytics, which knows the legal holds, or its database does not answer. Try again.',
    headers: { 'retry-after': '5' },
  });

function held(names: readonly string[]): Problem {
  const [which, them] = names.length === 1 ? ['the legal hold', 'it'] : ['the legal holds', 'them'];
  const keeps = names.length === 1 ? 'keeps' : 'keep';
  const detail = `Nothing was erased: ${which} ${names.join(', ')} ${keeps} what was captured of this principal. Release ${them} ("switchyard audit hold release ${names[0]} --reason …"), then erase again.`;
  return new Problem(409, { reason: 'held', detail });
}
