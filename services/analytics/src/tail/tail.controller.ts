import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import { invalidRequest, RequireReader, zodQuery, type ReaderRequest } from '@switchyard/admin-api';
import { DEFAULT_TENANT, eventsTailQuery, type EventsTailQuery } from '@switchyard/contracts';
import type { Logger } from '@switchyard/telemetry';
import type { ServerResponse } from 'node:http';
import { eventTest } from '../api/event-tests.js';
import { LOG } from '../api/injection-tokens.js';
import { Readers } from '../api/readers.js';
import { SseResponse } from './sse-response.js';
import { readPosition, type TailPosition } from './tail-position.js';
import { Tails } from './tails.js';

/** Events as they happen, for those who may read them. */
@Controller('api/v1/events')
@RequireReader('admin', 'auditor')
export class TailController {
  readonly #tails: Tails;
  readonly #readers: Readers;
  readonly #log: Logger;

  constructor(@Inject(Tails) tails: Tails, @Inject(Readers) readers: Readers, @Inject(LOG) log: Logger) {
    this.#tails = tails;
    this.#readers = readers;
    this.#log = log;
  }

  @Get('tail')
  async tail(
    @Req() request: ReaderRequest,
    @Query(zodQuery(eventsTailQuery)) filters: EventsTailQuery,
    @Res() raw: ServerResponse,
  ): Promise<void> {
    const after = placeBehind(request.headers['last-event-id']);
    const test = eventTest(DEFAULT_TENANT, filters);
    const response = new SseResponse(raw);
    if (request.method === 'HEAD') {
      response.begin();
      return response.end('');
    }
    const scope = () => this.#readers.scopeOf(request);
    const isAdmitted = request.isStillAdmitted;
    try {
      await this.#tails.run(nameOf(request), { after, test, scope, isAdmitted, response });
    } catch (error) {
      if (!raw.headersSent) throw error;
      this.#log.error('a tail of events failed', { error });
      raw.destroy();
    }
  }
}

/** Whose tails count together. */
const nameOf = ({ apiKey, person }: ReaderRequest) =>
  person === undefined ? `key ${apiKey?.id ?? ''}` : `person ${person.issuer} ${person.subject}`;

function placeBehind(id: string | readonly string[] | undefined): TailPosition | undefined {
  if (id === undefined || id === '') return undefined;
  const position = typeof id === 'string' ? readPosition(id) : undefined;
  if (position) return position;
  throw invalidRequest([{ field: 'Last-Event-ID', message: 'must be the id of an event of an earlier tail' }]);
}
