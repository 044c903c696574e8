import type { Revocable } from '@switchyard/api-keys';
import { renderCaller } from '@switchyard/audit';
import type { Principal } from '@switchyard/contracts';
import type { CallerScopes } from './caller-scopes.js';
import type { Catalog } from './catalog.js';
import type { Caller } from './exchange.js';
import { isMember } from './stages/authorize.js';

/** Of whom nothing can be revoked here: who has no credentials, or has shown them to another edge. */
const NOTHING: Revocable = { names: [], grantedAtMs: 0 };

/** By what a caller was let in, beside the principal and the client. */
export interface LetIn {
  /** Absent: by nothing that can be revoked. */
  readonly revocable?: Revocable;
  /** Who acts for the principal (RFC 8693 §4.1), the nearest first, separated by spaces. Absent: the principal itself. */
  readonly actors?: string | undefined;
}

/** A principal under a client. */
export function callerOf(
  principal: Principal,
  clientId: string,
  scopes: CallerScopes,
  { revocable = NOTHING, actors = '' }: LetIn = {},
): Caller {
  const { tenant, issuer, subject } = principal;
  const key = JSON.stringify([tenant, issuer, subject, clientId]);
  return { principal, clientId, scopes, actors, known: { teams: undefined, who: '' }, key, revocable };
}

/** Who a caller is, as events say it. It is rendered once for each snapshot, which says who is in which team. */
export function whoIs(caller: Caller, catalog: Pick<Catalog, 'teams' | 'publicUrl'>): string {
  const { known } = caller;
  if (known.teams !== catalog.teams) {
    known.teams = catalog.teams;
    known.who = render(caller, catalog);
  }
  return known.who;
}

function render({ principal, clientId, actors }: Caller, catalog: Pick<Catalog, 'teams' | 'publicUrl'>): string {
  const { issuer, subject, name, kind } = principal;
  return renderCaller({
    principal_issuer: issuer,
    principal_subject: subject,
    principal_name: name,
    principal_kind: kind,
    client_id: clientId,
    teams: teamsOf(principal, catalog),
    on_behalf_of: actors,
  });
}

/** Teams that a principal is in, sorted. */
export const teamsOf = (principal: Principal, catalog: Pick<Catalog, 'teams' | 'publicUrl'>): string[] =>
  [...catalog.teams.keys()].filter((team) => isMember(principal, team, catalog)).sort();
