import { Controller, Get } from '@nestjs/common';
import { RequireRole } from '@switchyard/admin-api';
import type { RetentionView } from '@switchyard/contracts';
import { RetentionApi } from './retention-api.js';

/** How long rows are kept, and which are kept for longer, and why. */
@Controller('api/v1/retention')
@RequireRole('admin', 'auditor')
export class RetentionController {
  constructor(private readonly api: RetentionApi) {}

  @Get()
  view(): Promise<RetentionView> {
    return this.api.retention.view();
  }
}
