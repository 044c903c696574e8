import { Controller, Get } from '@nestjs/common';
import { RequireRole } from '@switchyard/admin-api';
import type { ConfigStatus, ServerList, UpstreamList } from '@switchyard/contracts';
import { Configuration } from './configuration.js';
import { serversView, upstreamsView } from './views.js';

/** What is served, for people who run the gateway and for those who audit it. */
@Controller('api/v1')
@RequireRole('admin', 'auditor')
export class RegistryController {
  constructor(private readonly configuration: Configuration) {}

  @Get('servers')
  servers(): ServerList {
    return serversView(this.configuration.snapshot);
  }

  @Get('upstreams')
  upstreams(): UpstreamList {
    return upstreamsView(this.configuration.snapshot);
  }

  @Get('config')
  config(): ConfigStatus {
    return this.configuration.status;
  }
}
