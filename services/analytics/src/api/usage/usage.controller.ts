import { Controller, Get, Inject, Query, Req } from '@nestjs/common';
import { RequireReader, zodQuery, type ReaderRequest } from '@switchyard/admin-api';
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
import { Readers } from '../readers.js';
import { Usage } from './usage.js';

/** How much is called, how well that goes, and what it costs. */
@Controller('api/v1')
@RequireReader('admin', 'auditor')
export class UsageController {
  readonly #usage: Usage;
  readonly #readers: Readers;

  constructor(@Inject(Usage) usage: Usage, @Inject(Readers) readers: Readers) {
    this.#readers = readers;
    this.#usage = usage;
  }

  @Get('usage')
  async figures(@Req() request: ReaderRequest, @Query(zodQuery(usageQuery)) query: UsageQuery): Promise<UsageAnswer> {
    return this.#priced(await this.#usage.figures(this.#readers.scopeOf(request), query));
  }

  @Get('usage/top')
  async top(@Req() request: ReaderRequest, @Query(zodQuery(usageTopQuery)) query: UsageTopQuery): Promise<UsageTop> {
    return this.#priced(await this.#usage.top(this.#readers.scopeOf(request), query));
  }

  @Get('cost')
  async cost(@Req() request: ReaderRequest, @Query(zodQuery(costQuery)) query: CostQuery): Promise<CostAnswer> {
    return this.#priced(await this.#usage.cost(this.#readers.scopeOf(request), query));
  }

  #priced<Answer extends object>(answer: Answer): Answer & { readonly currency?: string } {
    const currency = this.#readers.currency();
    return currency === undefined ? answer : { ...answer, currency };
  }
}
