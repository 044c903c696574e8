import { Problem } from '@switchyard/admin-api';
import type { Audit } from '@switchyard/audit';
import { TenantKeyDestroyed } from '../keyring/keyring.js';
import { KmsUnavailable } from '../kms/kms.js';

const auditFull = () =>
  new Problem(503, {
    reason: 'audit_unavailable',
    detail: 'Nothing is changed while the audit trail takes no events; try again later.',
  });

/** A change that could not be recorded is not made. @throws Problem */
export function requireAudit(audit: Pick<Audit, 'accepting'>): void {
  if (!audit.accepting()) throw auditFull();
}

/** Runs what needs data keys. @throws Problem where there are none, or the key service is away */
export async function orProblem<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof KmsUnavailable) {
      const detail = `Nothing was changed: ${error.message}. Whoever runs the gateway must look at the token vault's key service; try again then.`;
      throw new Problem(503, { reason: 'kms_unavailable', detail, headers: { 'retry-after': '5' } });
    }
    if (error instanceof TenantKeyDestroyed) {
      const detail = 'The data keys of this tenant were destroyed; nothing of it can be read or stored any more.';
      throw new Problem(409, { reason: 'key_destroyed', detail });
    }
    throw error;
  }
}
