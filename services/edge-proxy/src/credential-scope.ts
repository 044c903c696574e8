import { CredentialOwner, type Principal, type Upstream } from '@switchyard/contracts';
import type { Catalog } from './catalog.js';
import type { Caller } from './exchange.js';
import { Refusal } from './refusal.js';
import { isMember } from './stages/authorize.js';

/** What is kept of an upstream for callers who have the organisation's credential, or who need none. */
export const EVERYBODY = '';

const TEAM = 'team ';

/**
 * Whose credential an upstream is shown when this caller calls it. What is kept of the upstream (leases, links, and with them sessions,
 * processes, lists and connections) is kept apart for each scope.
 * @returns text, equal for callers who are shown to the upstream as the same; or why there is no credential for this one
 */
export function credentialScope(upstream: Upstream, caller: Caller, catalog: Catalog): string | Refusal {
  if (upstream.credentialOwner === CredentialOwner.UNSPECIFIED) return EVERYBODY;
  if (caller.principal.kind === 'anonymous') return notSignedIn(upstream.name);
  if (upstream.credentialOwner === CredentialOwner.PRINCIPAL) return caller.key;
  const team = upstream.credentialTeams.find((name) => isMember(caller.principal, name, catalog));
  return team === undefined ? inNoTeam(upstream.name) : TEAM + team;
}

/** The team whose credential it is; empty where it is no team's. */
export const teamOf = (scope: string): string => (scope.startsWith(TEAM) ? scope.slice(TEAM.length) : '');

/** The principal whose credential it is; undefined where it is no principal's. */
export function principalOf(scope: string): Pick<Principal, 'issuer' | 'subject'> | undefined {
  if (scope === EVERYBODY || scope.startsWith(TEAM)) return undefined;
  const [, issuer, subject] = JSON.parse(scope) as [tenant: string, issuer: string, subject: string];
  return { issuer, subject };
}

const notSignedIn = (upstream: string) =>
  new Refusal(
    'credential_unavailable',
    `${upstream} is called with a credential of its caller's, and you have not signed in. Sign in, and try again.`,
    { upstream },
  );

const inNoTeam = (upstream: string) =>
  new Refusal(
    'credential_unavailable',
    `${upstream} has a credential for each of several teams, and you are in none of them. Ask the gateway’s administrators to put you into one, or to give yours a credential.`,
    { upstream },
  );
