import { Module, type DynamicModule } from '@nestjs/common';
import { EventTrail } from './api/event-trail.js';
import { EventsController } from './api/events.controller.js';

/** The HTTP side of analytics. */
@Module({})
export class AnalyticsModule {
  static with(trail: EventTrail): DynamicModule {
    return {
      module: AnalyticsModule,
      controllers: [EventsController],
      providers: [{ provide: EventTrail, useValue: trail }],
    };
  }
}
