import { CredentialOwner, type Principal } from '@switchyard/contracts';
import type { CapabilityKind, Catalog, CompiledRule, CompiledServer, CompiledSource } from '../catalog.js';
import { exposedName } from '@switchyard/mcp';
import type { NamedCapability } from '../names.js';

/** The answer to "may this principal use this capability?", with what decided. */
export type Decision =
  | { readonly allowed: true; /** Index of the rule that granted. */ readonly rule: number }
  | { readonly allowed: false; readonly because: 'not_offered' | 'denied_by_source' | 'no_rule_grants' };

/** Whether a principal is in a team. */
export function isMember(principal: Principal, teamName: string, catalog: Pick<Catalog, 'teams' | 'publicUrl'>): boolean {
  const team = catalog.teams.get(teamName);
  if (team === undefined) return false;
  return (
    (principal.email !== undefined && team.emails.has(principal.email)) ||
    // An API key is a service too, but of another issuer: its id is no client id.
    (principal.kind === 'service' && principal.issuer === catalog.publicUrl && team.services.has(principal.subject)) ||
    principal.claims.some((claim) => team.claims.has(claim))
  );
}

/** Whether a rule is about the principal, whatever it grants. */
export function speaksTo(rule: CompiledRule, principal: Principal, catalog: Catalog): boolean {
  if (rule.when !== '') return false;
  if (rule.anonymous) return true;
  if (principal.kind === 'anonymous') return false;
  return rule.everyone || rule.teams.some((team) => isMember(principal, team, catalog));
}

/**
 * The one decision about access: lists are filtered by it and calls are refused by it. Denies unless a rule grants.
 * @param capability kind and the upstream's own name (for resources: the URI)
 */
export function decide(principal: Principal, source: CompiledSource, capability: NamedCapability, catalog: Catalog): Decision {
  const { kind, name } = capability;
  if (!source.offers[kind](name)) return { allowed: false, because: 'not_offered' };
  if (source.denies(name)) return { allowed: false, because: 'denied_by_source' };
  const visibleName = nameForRules(kind, source, name);
  const rule = source.rules.findIndex(
    (candidate) => speaksTo(candidate, principal, catalog) && (candidate.grants[kind]?.(visibleName) ?? false),
  );
  return rule >= 0 ? { allowed: true, rule } : { allowed: false, because: 'no_rule_grants' };
}

/** Whether any rule of the source speaks to the principal at all, whatever it grants. */
export function mayReach(principal: Principal, source: CompiledSource, catalog: Catalog): boolean {
  return source.rules.some((rule) => speaksTo(rule, principal, catalog));
}

/**
 * Which rules of the server speak to the principal, as text. For callers of whom it is the same, `decide` says the same of every
 * capability, so that what is filtered for one may be shown to the other.
 */
export function audienceOf(principal: Principal, server: CompiledServer, catalog: Catalog): string {
  let rules: readonly CompiledRule[] | undefined;
  let audience = '';
  for (const source of server.sources) {
    if (source.rules === rules) continue;
    rules = source.rules;
    for (const rule of rules) audience += speaksTo(rule, principal, catalog) ? '1' : '0';
    audience += ' ';
  }
  return audience;
}

/** Whether the server shows everybody the same, signed in or not: nothing of it is made with a caller's own credential, or a team's. */
export const isOpenToAll = ({ sources }: CompiledServer, { upstreams }: Pick<Catalog, 'upstreams'>): boolean =>
  sources.every(
    ({ rules, upstream }) =>
      (upstreams.get(upstream)?.credentialOwner ?? CredentialOwner.UNSPECIFIED) === CredentialOwner.UNSPECIFIED &&
      rules.every(({ anonymous, when }) => anonymous || when !== ''),
  );

/** Name that access rules and scopes know a capability by. */
export const nameForRules = (kind: CapabilityKind, source: CompiledSource, name: string) =>
  kind === 'resource' ? name : exposedName(source.prefix, name);
