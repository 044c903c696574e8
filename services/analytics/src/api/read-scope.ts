import type { Condition } from './filter/condition.js';

/** What somebody may read of a tenant's events. */
export type ReadScope =
  | { readonly kind: 'all' }
  | {
      readonly kind: 'some';
      /** Their own. */
      readonly issuer: string;
      readonly subject: string;
      /** Those of the members of these teams too. */
      readonly teams: readonly string[];
    };

/** The condition that goes into every query of theirs, whatever else it asks. Undefined: nothing is kept from them. */
export function scopeCondition(scope: ReadScope): Condition | undefined {
  if (scope.kind === 'all') return undefined;
  const own = '(principal_issuer = {scope_issuer:String} AND principal_subject = {scope_subject:String})';
  const led = scope.teams.map((_, index) => `has(teams, {${teamParameter(index)}:String})`);
  return { text: [own, ...led].join(' OR '), params: scopeParams(scope) };
}

const teamParameter = (index: number) => `scope_team_${index}`;

function scopeParams({ issuer, subject, teams }: Extract<ReadScope, { kind: 'some' }>): Record<string, string> {
  const led = teams.map((team, index) => [teamParameter(index), team]);
  return { scope_issuer: issuer, scope_subject: subject, ...(Object.fromEntries(led) as Record<string, string>) };
}

/**
 * The teams of an event that somebody may know of: of their own calls all, of others' only those that they lead. For queries that have
 * `scopeCondition` too.
 */
export function knownTeams(scope: ReadScope): string {
  const all = 'arrayMap(team -> toString(team), teams)';
  if (scope.kind === 'all') return all;
  const led = scope.teams.map((_, index) => `{${teamParameter(index)}:String}`);
  const isOwn = 'principal_issuer = {scope_issuer:String} AND principal_subject = {scope_subject:String}';
  return `if(${isOwn}, ${all}, arrayFilter(team -> has([${led.join(', ')}], team), ${all}))`;
}
