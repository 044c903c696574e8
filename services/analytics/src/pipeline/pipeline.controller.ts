import { Controller, Get, Inject, Query, Req } from '@nestjs/common';
import { Problem, RequireReader, zodQuery, type ReaderRequest } from '@switchyard/admin-api';
import { gapsQuery, type GapList, type GapsQuery, type PipelineHealth } from '@switchyard/contracts';
import { Readers } from '../api/readers.js';
import { Pipeline } from './pipeline.js';

/** How the way of events is, for those who may read everything. */
@Controller('api/v1')
@RequireReader('admin', 'auditor')
export class PipelineController {
  readonly #pipeline: Pipeline;
  readonly #readers: Readers;

  constructor(@Inject(Pipeline) pipeline: Pipeline, @Inject(Readers) readers: Readers) {
    this.#pipeline = pipeline;
    this.#readers = readers;
  }

  @Get('pipeline')
  health(@Req() request: ReaderRequest): Promise<PipelineHealth> {
    this.#admit(request);
    return this.#pipeline.health();
  }

  @Get('audit/gaps')
  gaps(@Req() request: ReaderRequest, @Query(zodQuery(gapsQuery)) query: GapsQuery): Promise<GapList> {
    this.#admit(request);
    return this.#pipeline.gaps(query);
  }

  #admit(request: ReaderRequest): void {
    if (this.#readers.scopeOf(request).kind === 'all') return;
    throw new Problem(403, {
      reason: 'forbidden',
      detail: 'This is for auditors; roles.auditor in switchyard.yaml says who is one.',
    });
  }
}
