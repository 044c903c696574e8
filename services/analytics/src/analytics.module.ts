import { Module, type DynamicModule } from '@nestjs/common';
import type { Logger } from '@switchyard/telemetry';
import { EventTrail } from './api/event-trail.js';
import { EventsController } from './api/events.controller.js';
import { LOG } from './api/injection-tokens.js';
import { Readers } from './api/readers.js';
import { RequestsController } from './api/story/requests.controller.js';
import { AuditController } from './checkpoints/audit.controller.js';
import { Checkpoints } from './checkpoints/checkpoints.js';
import { UsageController } from './api/usage/usage.controller.js';
import { Usage } from './api/usage/usage.js';
import { SinksApi } from './sinks/sinks-api.js';
import { SinksController } from './sinks/sinks.controller.js';

/** What answers questions about events. */
export interface Answering {
  readonly trail: EventTrail;
  readonly usage: Usage;
  readonly checkpoints: Checkpoints;
  readonly readers: Readers;
  readonly log: Logger;
  readonly sinks: SinksApi;
}

/** The HTTP side of analytics. */
@Module({})
export class AnalyticsModule {
  static with({ trail, usage, checkpoints, readers, log, sinks }: Answering): DynamicModule {
    return {
      module: AnalyticsModule,
      controllers: [EventsController, RequestsController, UsageController, AuditController, SinksController],
      providers: [
        { provide: EventTrail, useValue: trail },
        { provide: Usage, useValue: usage },
        { provide: Checkpoints, useValue: checkpoints },
        { provide: Readers, useValue: readers },
        { provide: SinksApi, useValue: sinks },
        { provide: LOG, useValue: log },
      ],
    };
  }
}
