import { Controller, Get, Query } from '@nestjs/common';
import { invalidRequest, Problem, RequireRole, zodQuery } from '@switchyard/admin-api';
import { eventsQuery, type EventsPage, type EventsQuery } from '@switchyard/contracts';
import { EngineError } from '../engine/engine.js';
import { decodeCursor, type EventPlace } from './cursor.js';
import { EventTrail } from './event-trail.js';

/** The audit trail, for those who may read it. */
@Controller('api/v1/events')
@RequireRole('admin', 'auditor')
export class EventsController {
  constructor(private readonly trail: EventTrail) {}

  @Get()
  async list(@Query(zodQuery(eventsQuery)) query: EventsQuery): Promise<EventsPage> {
    try {
      return await this.trail.page(query, placeBehind(query.cursor));
    } catch (error) {
      throw error instanceof EngineError ? problemOf(error) : error;
    }
  }
}

function placeBehind(cursor: string | undefined): EventPlace | undefined {
  if (cursor === undefined) return undefined;
  const place = decodeCursor(cursor);
  if (!place) throw invalidRequest([{ field: 'cursor', message: 'must be the next_cursor of an earlier answer' }]);
  return place;
}

// TOO_MANY_ROWS, TIMEOUT_EXCEEDED, TOO_SLOW, MEMORY_LIMIT_EXCEEDED, TOO_MANY_ROWS_OR_BYTES
const limitCodes: ReadonlySet<number | undefined> = new Set([158, 159, 160, 241, 396]);

function problemOf(error: EngineError): Problem | EngineError {
  if (limitCodes.has(error.code)) {
    const detail = 'The query took more time or memory than it may have. Narrow it, for example with from and to.';
    return new Problem(503, { reason: 'query_too_expensive', detail });
  }
  // What the engine answered is a fault of ours, for the log and not for the client.
  if (error.code !== undefined) return error;
  const detail = 'The database of the audit trail cannot be reached at the moment; events are kept until it can. Try again.';
  return new Problem(503, { reason: 'unavailable', detail, headers: { 'retry-after': '5' } });
}
