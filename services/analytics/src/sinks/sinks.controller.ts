import { Body, Controller, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { actorFields, invalidRequest, notFound, RequireRole, zodBody, zodParam, type AdminRequest } from '@switchyard/admin-api';
import { replayBody, sinkName, type ReplayBody, type ReplayList, type ReplayView, type SinkList } from '@switchyard/contracts';
import type { Replay } from './replay.js';
import { SinksApi } from './sinks-api.js';

/** How sinks are, and what they are sent again. */
@Controller('api/v1/audit/sinks')
@RequireRole('admin', 'auditor')
export class SinksController {
  constructor(private readonly api: SinksApi) {}

  @Get()
  async list(): Promise<SinkList> {
    return { sinks: await this.api.sinks.list() };
  }

  @Get(':name/replays')
  async replays(@Param('name', zodParam('name', sinkName)) name: string): Promise<ReplayList> {
    const replays = await this.api.sinks.replays(name);
    if (replays === undefined) throw unknownSink(name);
    return { replays: replays.map(viewOf) };
  }

  @Post(':name/replays')
  @HttpCode(202)
  @RequireRole('admin')
  async start(
    @Param('name', zodParam('name', sinkName)) name: string,
    @Body(zodBody(replayBody)) body: ReplayBody,
    @Req() request: AdminRequest,
  ): Promise<ReplayView> {
    const { sinks, audit, clock } = this.api;
    const [fromMs, toMs] = [Date.parse(body.from), body.to === undefined ? clock.now() : Date.parse(body.to)];
    if (fromMs >= toMs) throw invalidRequest([{ field: 'from', message: 'must be before to' }]);
    const replay = await sinks.startReplay({ sink: name, source: body.source, fromMs, toMs });
    if (replay === undefined) throw unknownSink(name);
    const view = viewOf(replay);
    const { id, source, from, to } = view;
    await audit.record({
      ...actorFields(request),
      type: 'sink.replayed',
      outcome: 'ok',
      detail: { sink: name, id, source, from, to },
    });
    return view;
  }
}

const viewOf = ({ id, source, fromMs, toMs, sent, state }: Replay): ReplayView => ({
  id,
  source,
  from: new Date(fromMs).toISOString(),
  to: new Date(toMs).toISOString(),
  sent,
  state,
});

const unknownSink = (name: string) => notFound(`There is no sink ${name}; GET /api/v1/audit/sinks lists what there is.`);
