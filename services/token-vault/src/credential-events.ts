import type { Audit } from '@switchyard/audit';
import type { EventFields } from '@switchyard/contracts';
import type { CredentialChange } from './credentials.js';

/** Records what became of credentials. @throws SpoolFull */
export async function recordChanges(
  audit: Pick<Audit, 'record'>,
  changes: readonly CredentialChange[],
  actor: Partial<EventFields> = {},
): Promise<void> {
  await Promise.all(
    changes.map(({ upstream, change, version }) =>
      audit.record({
        ...actor,
        type: 'connection.changed',
        outcome: change === 'unresolved' ? 'error' : 'ok',
        reason: change === 'unresolved' ? 'credential_unavailable' : '',
        upstream,
        detail: { change, version },
      }),
    ),
  );
}
