import { Controller, Get, Inject, Param, Req } from '@nestjs/common';
import { RequireReader, zodParam, type ReaderRequest } from '@switchyard/admin-api';
import type { RequestStory } from '@switchyard/contracts';
import { z } from 'zod';
import { EventTrail } from '../event-trail.js';
import { Readers } from '../readers.js';
import { tellStory } from './request-stories.js';

/** What happened to one request. */
@Controller('api/v1/requests')
@RequireReader('admin', 'auditor')
export class RequestsController {
  readonly #trail: EventTrail;
  readonly #readers: Readers;

  constructor(@Inject(EventTrail) trail: EventTrail, @Inject(Readers) readers: Readers) {
    this.#readers = readers;
    this.#trail = trail;
  }

  @Get(':id')
  story(
    @Req() request: ReaderRequest,
    @Param('id', zodParam('id', z.string().min(1).max(128))) id: string,
  ): Promise<RequestStory> {
    return tellStory(this.#trail, this.#readers.scopeOf(request), id);
  }
}
