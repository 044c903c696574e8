import type { Audit } from '@switchyard/audit';
import type { Clock } from '@switchyard/runtime';
import type { Sinks } from './sinks.js';

/** What the HTTP side of sinks works with. */
export class SinksApi {
  constructor(
    readonly sinks: Sinks,
    readonly audit: Pick<Audit, 'record'>,
    readonly clock: Clock,
  ) {}
}
