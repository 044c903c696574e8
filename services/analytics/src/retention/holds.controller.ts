import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import {
  actorFields,
  notFound,
  Problem,
  RequireRole,
  zodBody,
  zodParam,
  zodQuery,
  type AdminRequest,
} from '@switchyard/admin-api';
import {
  legalHoldBody,
  legalHoldName,
  legalHoldRelease,
  type LegalHoldBody,
  type LegalHoldList,
  type LegalHoldSet,
} from '@switchyard/contracts';
import { MOST_HOLDS, type Underway } from './gate.js';
import type { Hold } from './hold.js';
import { RetentionApi } from './retention-api.js';

/** What must not be deleted, whatever its age. */
@Controller('api/v1/legal-holds')
@RequireRole('admin', 'auditor')
export class HoldsController {
  constructor(private readonly api: RetentionApi) {}

  @Get()
  async list(): Promise<LegalHoldList> {
    const { holds } = await this.api.retention.gate.read();
    return { holds };
  }

  @Post()
  @RequireRole('admin')
  async set(@Body(zodBody(legalHoldBody)) body: LegalHoldBody, @Req() request: AdminRequest): Promise<LegalHoldSet> {
    const { retention, clock } = this.api;
    const hold: Hold = {
      ...body,
      set_by: actorFields(request).principal_name ?? '',
      set_at: new Date(clock.now()).toISOString(),
    };
    const set = await retention.gate.setHold(hold);
    if (set === 'taken')
      throw new Problem(409, {
        reason: 'name_taken',
        detail: `There is a hold ${hold.name} already. Give this one another name.`,
      });
    if (set === 'full')
      throw new Problem(409, { reason: 'too_many_holds', detail: `There are ${MOST_HOLDS} holds. Release some, or join them.` });
    await this.#tell(request, 'audit.hold_set', hold, hold.reason);
    return { ...hold, ...underway(set) };
  }

  @Delete(':name')
  @HttpCode(204)
  @RequireRole('admin')
  async release(
    @Param('name', zodParam('name', legalHoldName)) name: string,
    @Query(zodQuery(legalHoldRelease)) { reason }: { readonly reason: string },
    @Req() request: AdminRequest,
  ): Promise<void> {
    const hold = await this.api.retention.gate.releaseHold(name);
    if (hold === undefined)
      throw notFound(`There is no hold ${name}; GET /api/v1/legal-holds, or switchyard audit hold list, lists what there is.`);
    await this.#tell(request, 'audit.hold_released', hold, reason);
  }

  async #tell(
    request: AdminRequest,
    type: 'audit.hold_set' | 'audit.hold_released',
    { name, principal, server, from, to }: Hold,
    because: string,
  ): Promise<void> {
    const said = { hold: name, because, principal, server, from, to };
    const detail = Object.fromEntries(Object.entries(said).filter((one): one is [string, string] => one[1] !== undefined));
    await this.api.audit.record({ ...actorFields(request), type, outcome: 'ok', detail });
  }
}

function underway({ during, erasing }: Underway): Pick<LegalHoldSet, 'deleting' | 'erasing'> {
  const at = (ms: number) => new Date(ms).toISOString();
  return {
    ...(during !== undefined && { deleting: { table: during.name, cut: at(during.cutMs) } }),
    ...(erasing.length > 0 && {
      erasing: erasing.map(({ issuer, subject, startedAtMs }) => ({ issuer, subject, since: at(startedAtMs) })),
    }),
  };
}
