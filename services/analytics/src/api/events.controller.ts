import { Controller, Get, Query } from '@nestjs/common';
import { invalidRequest, RequireRole, zodQuery } from '@switchyard/admin-api';
import { eventsQuery, type EventsPage, type EventsQuery } from '@switchyard/contracts';
import { decodeCursor, type EventPlace } from './cursor.js';
import { EventTrail } from './event-trail.js';

/** The audit trail, for those who may read it. */
@Controller('api/v1/events')
@RequireRole('admin', 'auditor')
export class EventsController {
  constructor(private readonly trail: EventTrail) {}

  @Get()
  list(@Query(zodQuery(eventsQuery)) query: EventsQuery): Promise<EventsPage> {
    return this.trail.page({ kind: 'all' }, query, placeBehind(query.cursor));
  }
}

function placeBehind(cursor: string | undefined): EventPlace | undefined {
  if (cursor === undefined) return undefined;
  const place = decodeCursor(cursor);
  if (!place) throw invalidRequest([{ field: 'cursor', message: 'must be the next_cursor of an earlier answer' }]);
  return place;
}
