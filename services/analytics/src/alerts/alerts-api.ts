import type { Audit } from '@switchyard/audit';
import type { Clock } from '@switchyard/runtime';
import type { Alerts } from './alerts.js';

/** What the HTTP side of alerts works with. */
export class AlertsApi {
  constructor(
    readonly alerts: Alerts,
    readonly audit: Pick<Audit, 'record'>,
    readonly clock: Clock,
  ) {}
}
