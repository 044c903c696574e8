import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Principal } from './identity.js';

/** Place in the bucket `vault-keys` of the key that `LeaseCredentialRequest.caller_proof` is sealed to. */
export const CALLER_PROOF_KEY = 'caller-proof';

/** What a principal is called where whose something is is nobody's business: keys of buckets show in the monitoring of NATS. */
export const principalHash = ({ issuer, subject }: Pick<Principal, 'issuer' | 'subject'>): string =>
  createHash('sha256')
    .update(JSON.stringify([issuer, subject]))
    .digest('base64url');

/** Place in the bucket `connection-changes` of what became of a principal's connections to an upstream. */
export function connectionChangeKey(upstream: string, principal: Pick<Principal, 'issuer' | 'subject'>): string {
  return `${upstream}/${principalHash(principal)}`;
}

/** What became of a principal's connections to an upstream. Whatever was leased of them before is not used any more. */
export const connectionChange = z.object({
  /** `connected`: anew, maybe to another account; `refreshed`: to the same account, with another token. */
  state: z.enum(['connected', 'refreshed', 'disconnected', 'reauth_required']),
  /** Version of the credential that a lease gives now; empty where there is none. */
  version: z.string(),
});
export type ConnectionChange = z.infer<typeof connectionChange>;
