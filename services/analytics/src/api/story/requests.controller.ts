import { Controller, Get, Inject, Param } from '@nestjs/common';
import { RequireRole, zodParam } from '@switchyard/admin-api';
import type { RequestStory } from '@switchyard/contracts';
import { z } from 'zod';
import { EventTrail } from '../event-trail.js';
import { tellStory } from './request-stories.js';

/** What happened to one request. */
@Controller('api/v1/requests')
@RequireRole('admin', 'auditor')
export class RequestsController {
  readonly #trail: EventTrail;

  constructor(@Inject(EventTrail) trail: EventTrail) {
    this.#trail = trail;
  }

  @Get(':id')
  story(@Param('id', zodParam('id', z.string().min(1).max(128))) id: string): Promise<RequestStory> {
    return tellStory(this.#trail, { kind: 'all' }, id);
  }
}
