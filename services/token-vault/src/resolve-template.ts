import type { CredentialParts } from './credential.js';
import { headerProblem } from './header-problem.js';
import { kindProblems } from './kinds/kinds.js';
import {
  referencesIn,
  resolveReference,
  secretNameOf,
  substitute,
  type ReferenceSources,
  type Resolution,
} from './references.js';

/** A template with values in the place of its references, or why there is none. */
export type ResolvedTemplate = {
  /** Versions of the secrets that it refers to, by name; empty text for one that has no value. */
  readonly secretVersions: ReadonlyMap<string, string>;
} & ({ readonly ok: true; readonly material: CredentialParts } | { readonly ok: false; readonly problems: readonly string[] });

const textsOf = ({ headers, env, settings, teams }: CredentialParts) =>
  [headers, env, settings, ...Object.values(teams).map((team) => team.settings)].flatMap((part) => Object.values(part));

function fieldProblem(kind: 'headers' | 'env', name: string, value: string): string | undefined {
  if (kind === 'headers') return headerProblem(name, value);
  return value.includes('\0')
    ? `the value of the variable ${name} would hold a NUL character. Correct what it refers to.`
    : undefined;
}

function fieldProblems(material: CredentialParts): string[] {
  return (['headers', 'env'] as const).flatMap((kind) =>
    Object.entries(material[kind]).flatMap(([name, value]) => fieldProblem(kind, name, value) ?? []),
  );
}

function problemsOf(resolutions: ReadonlyMap<string, Resolution>): string[] {
  return [...resolutions.values()].flatMap((resolution) => (resolution.ok ? [] : [resolution.problem]));
}

function secretVersionsOf(resolutions: ReadonlyMap<string, Resolution>): Map<string, string> {
  const versions = new Map<string, string>();
  for (const [reference, resolution] of resolutions) {
    const name = secretNameOf(reference);
    if (name !== undefined) versions.set(name, resolution.ok ? (resolution.secretVersion ?? '') : '');
  }
  return versions;
}

/** Names of the secrets that a template refers to. */
export function secretsOf(template: CredentialParts): string[] {
  return textsOf(template)
    .flatMap(referencesIn)
    .flatMap((reference) => secretNameOf(reference) ?? []);
}

function fill(template: CredentialParts, resolutions: ReadonlyMap<string, Resolution>): CredentialParts {
  const valueOf = (reference: string) => {
    const resolution = resolutions.get(reference);
    return resolution?.ok === true ? resolution.value : '';
  };
  const filled = (record: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(record).map(([name, text]) => [name, substitute(text, valueOf)]));
  const teams = Object.entries(template.teams).map(
    ([name, team]) => [name, { ...team, settings: filled(team.settings) }] as const,
  );
  const { headers, env, kind, settings } = template;
  return {
    kind,
    headers: filled(headers),
    env: filled(env),
    settings: filled(settings),
    teams: Object.fromEntries(teams),
  };
}

/** Finds the values of every reference of a template. @throws StateUnavailable */
export async function resolveTemplate(template: CredentialParts, sources: ReferenceSources): Promise<ResolvedTemplate> {
  const resolutions = new Map<string, Resolution>();
  for (const reference of new Set(textsOf(template).flatMap(referencesIn))) {
    resolutions.set(reference, await resolveReference(reference, sources));
  }
  const secretVersions = secretVersionsOf(resolutions);
  const missing = problemsOf(resolutions);
  if (missing.length > 0) return { ok: false, problems: missing, secretVersions };
  const material = fill(template, resolutions);
  const unusable = [...fieldProblems(material), ...kindProblems(material)];
  return unusable.length > 0 ? { ok: false, problems: unusable, secretVersions } : { ok: true, material, secretVersions };
}
