import { Controller, Get, Inject, Query } from '@nestjs/common';
import { RequireRole, zodQuery } from '@switchyard/admin-api';
import {
  costQuery,
  usageQuery,
  usageTopQuery,
  type CostAnswer,
  type CostQuery,
  type UsageAnswer,
  type UsageQuery,
  type UsageTop,
  type UsageTopQuery,
} from '@switchyard/contracts';
import { Usage } from './usage.js';

/** How much is called, how well that goes, and what it costs. */
@Controller('api/v1')
@RequireRole('admin', 'auditor')
export class UsageController {
  readonly #usage: Usage;

  constructor(@Inject(Usage) usage: Usage) {
    this.#usage = usage;
  }

  @Get('usage')
  figures(@Query(zodQuery(usageQuery)) query: UsageQuery): Promise<UsageAnswer> {
    return this.#usage.figures({ kind: 'all' }, query);
  }

  @Get('usage/top')
  top(@Query(zodQuery(usageTopQuery)) query: UsageTopQuery): Promise<UsageTop> {
    return this.#usage.top({ kind: 'all' }, query);
  }

  @Get('cost')
  cost(@Query(zodQuery(costQuery)) query: CostQuery): Promise<CostAnswer> {
    return this.#usage.cost({ kind: 'all' }, query);
  }
}
