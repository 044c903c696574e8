import type { Audit } from '@switchyard/audit';
import type { Clock } from '@switchyard/runtime';
import type { Erasures } from './erasures.js';
import type { Exporting } from './exporting.js';
import type { Retention } from './retention.js';

/** What the HTTP and RPC side of retention works with. */
export class RetentionApi {
  readonly retention: Retention;
  readonly exporting: Exporting;
  readonly erasures: Erasures;
  readonly audit: Pick<Audit, 'record'>;
  readonly clock: Clock;

  constructor({ retention, exporting, erasures, audit, clock }: RetentionApi) {
    this.retention = retention;
    this.exporting = exporting;
    this.erasures = erasures;
    this.audit = audit;
    this.clock = clock;
  }
}
