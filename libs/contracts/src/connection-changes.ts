import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Principal } from './identity.js';

/** Place in the bucket `vault-keys` of the key that `LeaseCredentialRequest.caller_proof` is sealed to. */
export const CALLER_PROOF_KEY = 'caller-proof';

/**
 * Place in the bucket `connection-changes` of what became of a principal's connections to an upstream. The principal is hashed:
 * keys show in the monitoring of NATS, and whose they are is nobody's business there.
 */
export function connectionChangeKey(upstream: string, { issuer, subject }: Pick<Principal, 'issuer' | 'subject'>): string {
  const who = createHash('sha256')
    .update(JSON.stringify([issuer, subject]))
    .digest('base64url');
  return `${upstream}/${who}`;
}

/** What became of a principal's connections to an upstream. Whatever was leased of them before is not used any more. */
export const connectionChange = z.object({
  /** `connected`: anew, maybe to another account; `refreshed`: to the same account, with another token. */
  state: z.enum(['connected', 'refreshed', 'disconnected', 'reauth_required']),
  /** Version of the credential that a lease gives now; empty where there is none. */
  version: z.string(),
});
export type ConnectionChange = z.infer<typeof connectionChange>;
