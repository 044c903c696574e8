import { Module, type DynamicModule } from '@nestjs/common';
import type { Logger } from '@switchyard/telemetry';
import { AlertsApi } from './alerts/alerts-api.js';
import { AlertsController } from './alerts/alerts.controller.js';
import { EventTrail } from './api/event-trail.js';
import { EventsController } from './api/events.controller.js';
import { LOG } from './api/injection-tokens.js';
import { Readers } from './api/readers.js';
import { RequestsController } from './api/story/requests.controller.js';
import { AuditController } from './checkpoints/audit.controller.js';
import { Checkpoints } from './checkpoints/checkpoints.js';
import { UsageController } from './api/usage/usage.controller.js';
import { Usage } from './api/usage/usage.js';
import { PayloadReads } from './payloads/payload-reads.js';
import { PayloadsController } from './payloads/payloads.controller.js';
import { Pipeline } from './pipeline/pipeline.js';
import { PipelineController } from './pipeline/pipeline.controller.js';
import { RebuildApi } from './rebuild/rebuild-api.js';
import { RebuildController } from './rebuild/rebuild.controller.js';
import { ErasuresHandler } from './retention/erasures-handler.js';
import { Exporting } from './retention/exporting.js';
import { HoldsController } from './retention/holds.controller.js';
import { RetentionApi } from './retention/retention-api.js';
import { RetentionController } from './retention/retention.controller.js';
import { SinksApi } from './sinks/sinks-api.js';
import { SinksController } from './sinks/sinks.controller.js';
import { TailController } from './tail/tail.controller.js';
import { Tails } from './tail/tails.js';

/** What answers questions about events. */
export interface Answering {
  readonly trail: EventTrail;
  readonly usage: Usage;
  readonly checkpoints: Checkpoints;
  readonly readers: Readers;
  readonly log: Logger;
  readonly sinks: SinksApi;
  readonly tails: Tails;
  readonly pipeline: Pipeline;
  readonly alerts: AlertsApi;
  readonly payloads: PayloadReads;
  readonly rebuild: RebuildApi;
  readonly retention: RetentionApi;
}

/** The HTTP side of analytics, and its RPC handlers. */
@Module({})
export class AnalyticsModule {
  static with(answering: Answering): DynamicModule {
    const { trail, usage, checkpoints, readers, log, sinks, alerts, tails, pipeline, payloads, rebuild, retention } = answering;
    return {
      module: AnalyticsModule,
      controllers: [
        EventsController,
        TailController,
        RequestsController,
        UsageController,
        AuditController,
        SinksController,
        AlertsController,
        PipelineController,
        PayloadsController,
        RebuildController,
        RetentionController,
        HoldsController,
        ErasuresHandler,
      ],
      providers: [
        { provide: EventTrail, useValue: trail },
        { provide: Usage, useValue: usage },
        { provide: Checkpoints, useValue: checkpoints },
        { provide: Readers, useValue: readers },
        { provide: SinksApi, useValue: sinks },
        { provide: Pipeline, useValue: pipeline },
        { provide: Tails, useValue: tails },
        { provide: AlertsApi, useValue: alerts },
        { provide: PayloadReads, useValue: payloads },
        { provide: RebuildApi, useValue: rebuild },
        { provide: RetentionApi, useValue: retention },
        { provide: Exporting, useValue: retention.exporting },
        { provide: LOG, useValue: log },
      ],
    };
  }
}
