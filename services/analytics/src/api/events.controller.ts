import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import { invalidRequest, RequireReader, zodQuery, type ReaderRequest } from '@switchyard/admin-api';
import { eventsExportQuery, eventsQuery, type EventsExportQuery, type EventsPage, type EventsQuery } from '@switchyard/contracts';
import type { Logger } from '@switchyard/telemetry';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Exporting } from '../retention/exporting.js';
import { decodeCursor, type EventPlace } from './cursor.js';
import { EventTrail } from './event-trail.js';
import { exportEvents } from './export/export-events.js';
import { EXPORT_FORMATS } from './export/export-format.js';
import { LOG } from './injection-tokens.js';
import { Readers } from './readers.js';

/** The audit trail, for those who may read it. */
@Controller('api/v1/events')
@RequireReader('admin', 'auditor')
export class EventsController {
  readonly #trail: EventTrail;
  readonly #readers: Readers;
  readonly #exporting: Exporting;
  readonly #log: Logger;

  constructor(
    @Inject(EventTrail) trail: EventTrail,
    @Inject(Readers) readers: Readers,
    @Inject(Exporting) exporting: Exporting,
    @Inject(LOG) log: Logger,
  ) {
    this.#exporting = exporting;
    this.#readers = readers;
    this.#trail = trail;
    this.#log = log;
  }

  @Get()
  list(@Req() request: ReaderRequest, @Query(zodQuery(eventsQuery)) query: EventsQuery): Promise<EventsPage> {
    return this.#trail.page(this.#readers.scopeOf(request), query, placeBehind(query.cursor));
  }

  @Get('export')
  async export(
    @Req() request: ReaderRequest,
    @Query(zodQuery(eventsExportQuery)) query: EventsExportQuery,
    @Res() response: ServerResponse,
  ): Promise<void> {
    const { format: name, cursor, ...filters } = query;
    const format = EXPORT_FORMATS[name];
    const wanted = {
      trail: this.#trail,
      scope: this.#readers.scopeOf(request),
      filters,
      after: placeBehind(cursor),
      format,
      onFault: (error: unknown) => this.#log.error('an export of events failed', { error }),
    };
    const text = await this.#exporting.run(() => exportEvents(wanted));
    response.writeHead(200, {
      'content-type': format.contentType,
      'content-disposition': `attachment; filename="events.${name}"`,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    // Who goes away early ends it; there is nobody left to tell.
    await pipeline(Readable.from(text, { highWaterMark: 1 }), response).catch(() => undefined);
  }
}

function placeBehind(cursor: string | undefined): EventPlace | undefined {
  if (cursor === undefined) return undefined;
  const place = decodeCursor(cursor);
  if (place) return place;
  const message = 'must be the next_cursor of an earlier answer, or <occurred_at>,<event_id> of an event';
  throw invalidRequest([{ field: 'cursor', message }]);
}
