import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { LeaseCredentialRequestSchema } from '@switchyard/contracts';
import { sealTo } from '@switchyard/oauth';
import { findLeasable, refused } from '../leasable.js';
import type { VaultContext } from '../vault-context.js';

const LEASE_MS = 5 * 60_000;

/** Who asks for what the configuration gives them by reference. */
export interface ValuesWanted {
  readonly tenant: string;
  /** Name of what is kept for them. */
  readonly credential: string;
  /** Process that asks, for the event. */
  readonly asker: string;
  readonly recipientJwk: string;
}

/** What somebody other than an edge is answered: the values, sealed to them, or why there are none. */
export async function leaseValues(vault: VaultContext, { tenant, credential: upstream, asker, recipientJwk }: ValuesWanted) {
  const { audit, clock, leases } = vault;
  const found = audit.accepting()
    ? await findLeasable(vault, create(LeaseCredentialRequestSchema, { tenant, upstream, edge: asker }))
    : { ...refused('unresolved', 'The audit trail takes no events.'), reason: 'audit_unavailable' as const };
  leases.add(1, found.ok ? { outcome: 'ok' } : { outcome: 'denied', reason: found.reason });
  if (!found.ok) {
    const { reason, cause, severity = '', message } = found;
    const detail = { edge: asker, cause };
    if (reason !== 'audit_unavailable')
      await audit.record({ type: 'connection.leased', outcome: 'denied', upstream, reason, severity, detail });
    return { result: { case: 'refusal', value: { reason, message } } } as const;
  }
  const { material, version } = found;
  const sealed = await sealTo(recipientJwk, Buffer.from(JSON.stringify(material), 'utf8'));
  await audit.record({ type: 'connection.leased', outcome: 'ok', upstream, detail: { edge: asker, version } });
  return { result: { case: 'lease', value: { sealed, version, expiresAt: timestampFromMs(clock.now() + LEASE_MS) } } } as const;
}
