import { Module, type DynamicModule } from '@nestjs/common';
import type { Logger } from '@switchyard/telemetry';
import { EventTrail } from './api/event-trail.js';
import { EventsController } from './api/events.controller.js';
import { LOG } from './api/injection-tokens.js';
import { RequestsController } from './api/story/requests.controller.js';
import { UsageController } from './api/usage/usage.controller.js';
import { Usage } from './api/usage/usage.js';

/** What answers questions about events. */
export interface Answering {
  readonly trail: EventTrail;
  readonly usage: Usage;
  readonly log: Logger;
}

/** The HTTP side of analytics. */
@Module({})
export class AnalyticsModule {
  static with({ trail, usage, log }: Answering): DynamicModule {
    return {
      module: AnalyticsModule,
      controllers: [EventsController, RequestsController, UsageController],
      providers: [
        { provide: EventTrail, useValue: trail },
        { provide: Usage, useValue: usage },
        { provide: LOG, useValue: log },
      ],
    };
  }
}
