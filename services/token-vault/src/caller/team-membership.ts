import type { Principal } from '@switchyard/contracts';
import type { TeamParts } from '../credential.js';

/** Who is in a team, as the configuration says. */
export type Members = Pick<TeamParts, 'emails' | 'claims' | 'services'>;

/**
 * Whether a principal is in a team: what edges decide, decided here again, because an edge is not asked whose credential it may have.
 * @param publicUrl issuer of services that get tokens for themselves
 */
export function isMember({ email, claims, kind, issuer, subject }: Principal, team: Members, publicUrl: string): boolean {
  return (
    (email !== undefined && team.emails.includes(email)) ||
    (kind === 'service' && issuer === publicUrl && team.services.includes(subject)) ||
    claims.some((claim) => team.claims.includes(claim))
  );
}
