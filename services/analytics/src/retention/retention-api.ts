import type { Audit } from '@switchyard/audit';
import type { Clock } from '@switchyard/runtime';
import type { Exporting } from './exporting.js';
import type { Retention } from './retention.js';

/** What the HTTP side of retention works with. */
export class RetentionApi {
  constructor(
    readonly retention: Retention,
    readonly exporting: Exporting,
    readonly audit: Pick<Audit, 'record'>,
    readonly clock: Clock,
  ) {}
}
