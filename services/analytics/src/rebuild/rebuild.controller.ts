import { Body, Controller, Get, HttpCode, Post, Req } from '@nestjs/common';
import { actorFields, notFound, Problem, RequireRole, zodBody, type AdminRequest } from '@switchyard/admin-api';
import { rebuildBody, type RebuildBody, type RebuildView } from '@switchyard/contracts';
import { BusUnavailable, StreamNotKept } from '@switchyard/messaging';
import { StateUnavailable } from '@switchyard/state';
import { RebuildApi } from './rebuild-api.js';
import type { RebuildRecord } from './rebuild-record.js';
import type { StreamRest } from './stream-rest.js';

/** Rebuilding the database from the stream. */
@Controller('api/v1/audit/rebuild')
@RequireRole('admin', 'auditor')
export class RebuildController {
  constructor(private readonly api: RebuildApi) {}

  @Get()
  async latest(): Promise<RebuildView> {
    const found = await asProblems(this.api.rebuilds.latest());
    if (found === undefined) throw notFound('The database was never rebuilt; POST /api/v1/audit/rebuild does it.');
    return viewOf(found.record);
  }

  @Post()
  @HttpCode(202)
  @RequireRole('admin')
  async start(@Body(zodBody(rebuildBody)) { partial }: RebuildBody, @Req() request: AdminRequest): Promise<RebuildView> {
    const record = await asProblems(this.api.rebuilds.start({ partial }));
    if ('isWhole' in record) throw streamIncomplete(record);
    const detail = { id: record.id, messages: String(record.until) };
    await this.api.audit.record({ ...actorFields(request), type: 'audit.rebuild_started', outcome: 'ok', detail });
    return viewOf(record);
  }
}

function viewOf({ startedAtMs, endedAtMs, until, after, ...rest }: RebuildRecord): RebuildView {
  return {
    ...rest,
    startedAt: new Date(startedAtMs).toISOString(),
    ...(endedAtMs !== undefined && { endedAt: new Date(endedAtMs).toISOString() }),
    messages: until,
    position: after,
  };
}

function streamIncomplete({ gone, oldest }: StreamRest): Problem {
  const begin = oldest === undefined ? 'nothing is left in it' : `what is left begins at ${oldest}`;
  const left = gone === 0 ? 'It was not kept from the beginning' : `${gone} batches have left it by their age`;
  return new Problem(409, {
    reason: 'stream_incomplete',
    detail: `The stream no longer holds the beginning, so that the database cannot be whole again from it alone. ${left}, and ${begin}. To store what is left, send {"partial":true} (switchyard audit rebuild --partial); older events come from a copy of the database.`,
  });
}

async function asProblems<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof StreamNotKept)
      throw new Problem(409, {
        reason: 'stream_not_kept',
        detail:
          'This gateway runs in one process and keeps its stream only while audit.sinks has a sink, so there is nothing to rebuild from. Restore a copy of its data folder.',
      });
    if (!(error instanceof BusUnavailable || error instanceof StateUnavailable)) throw error;
    const detail = 'The stream of events cannot be reached at the moment. Try again.';
    throw new Problem(503, { reason: 'unavailable', detail, headers: { 'retry-after': '5' } });
  }
}
