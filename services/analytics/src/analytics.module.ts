import { Module, type DynamicModule } from '@nestjs/common';
import type { Logger } from '@switchyard/telemetry';
import { EventTrail } from './api/event-trail.js';
import { EventsController } from './api/events.controller.js';
import { LOG } from './api/injection-tokens.js';

/** The HTTP side of analytics. */
@Module({})
export class AnalyticsModule {
  static with(o: { readonly trail: EventTrail; readonly log: Logger }): DynamicModule {
    return {
      module: AnalyticsModule,
      controllers: [EventsController],
      providers: [
        { provide: EventTrail, useValue: o.trail },
        { provide: LOG, useValue: o.log },
      ],
    };
  }
}
