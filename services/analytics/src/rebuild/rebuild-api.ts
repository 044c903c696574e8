import type { Audit } from '@switchyard/audit';
import type { Rebuilds } from './rebuilds.js';

/** What the HTTP side of rebuilding works with. */
export class RebuildApi {
  constructor(
    readonly rebuilds: Rebuilds,
    readonly audit: Pick<Audit, 'record'>,
  ) {}
}
