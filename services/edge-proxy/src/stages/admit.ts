import type { Audit } from '@switchyard/audit';
import { Refusal } from '../refusal.js';

/** Whether a call may be dispatched now. What cannot be recorded is not done. */
export function admit(audit: Audit): Refusal | undefined {
  return audit.accepting() ? undefined : unrecordable();
}

/** Why nothing is done while nothing can be recorded. */
export function unrecordable(): Refusal {
  return new Refusal(
    'audit_unavailable',
    'The audit trail cannot take more now, so no calls are made. The gateway’s administrators have to free the spool.',
    { retry_after_seconds: 30 },
  );
}
