import type { Audit } from '@switchyard/audit';
import { EVENT_TYPES } from '@switchyard/contracts';
import type { Telemetry } from '@switchyard/telemetry';

/** Shows how the audit trail of a process is doing. Alert on `switchyard_audit_refusing` and on any growth of `switchyard_audit_unrecorded_events`. */
export function observeAudit(meter: Telemetry['meter'], audit: Audit): void {
  const gauges: readonly (readonly [name: string, description: string, value: () => number, unit?: string])[] = [
    ['switchyard_audit_refusing', '1 while the audit spool takes no new work, else 0', () => (audit.accepting() ? 0 : 1)],
    ['switchyard_audit_spool_bytes', 'Events in the audit spool that are not in the stream yet', () => audit.depthBytes()],
    [
      'switchyard_audit_payload_spool_bytes',
      'Captured payloads that are not in the stream yet',
      () => audit.payloads.depthBytes(),
    ],
    ['switchyard_audit_oldest_ms', 'Age of the oldest of them', () => audit.oldestUnforwardedMs(), 'ms'],
  ];
  for (const [name, description, value, unit] of gauges)
    meter
      .createObservableGauge(name, { description, ...(unit !== undefined && { unit }) })
      .addCallback((result) => result.observe(value()));
  meter
    .createObservableCounter('switchyard_audit_unrecorded_events', {
      description: 'Events that could not be recorded, by type; the event audit.shed tells of them afterwards',
    })
    .addCallback((result) => {
      const counts = audit.unrecorded();
      // From 0 on: what begins with its first count has not increased.
      for (const type of EVENT_TYPES) result.observe(counts.get(type) ?? 0, { type });
    });
}
