import { Problem } from '@switchyard/admin-api';
import type { EventSink } from './event-sink.js';

/** @throws Problem 503 where nothing may be changed, because it could not be recorded */
export function refuseUnlessRecorded(audit: EventSink): void {
  if (audit.accepting()) return;
  const detail =
    'The audit log is full, so nothing can be changed that would have to be recorded. Make room for it, then try again.';
  throw new Problem(503, { reason: 'audit_unavailable', detail, headers: { 'retry-after': '5' } });
}
