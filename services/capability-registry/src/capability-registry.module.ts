import { Module, type DynamicModule } from '@nestjs/common';
import { Configuration } from './configuration.js';
import { RegistryController } from './registry.controller.js';

/** The registry's HTTP side. */
@Module({})
export class CapabilityRegistryModule {
  static with(configuration: Configuration): DynamicModule {
    return {
      module: CapabilityRegistryModule,
      controllers: [RegistryController],
      providers: [{ provide: Configuration, useValue: configuration }],
    };
  }
}
