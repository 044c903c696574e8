import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { CredentialFields } from './credential.js';
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
} & ({ readonly ok: true; readonly material: CredentialFields } | { readonly ok: false; readonly problems: readonly string[] });

const textsOf = ({ headers, env }: CredentialFields) => [...Object.values(headers), ...Object.values(env)];

function fieldProblem(kind: 'headers' | 'env', name: string, value: string): string | undefined {
  try {
    if (kind === 'headers') {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    }
    return value.includes('\0')
      ? `the value of the variable ${name} would hold a NUL character. Correct what it refers to.`
      : undefined;
  } catch {
    // Node's own message quotes nothing of the value either, but does not say what to do.
    return `the header ${name} would hold characters that HTTP does not allow, for example a line break. Correct what it refers to.`;
  }
}

function fieldProblems(material: CredentialFields): string[] {
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
export function secretsOf(template: CredentialFields): string[] {
  return textsOf(template)
    .flatMap(referencesIn)
    .flatMap((reference) => secretNameOf(reference) ?? []);
}

function fill(template: CredentialFields, resolutions: ReadonlyMap<string, Resolution>): CredentialFields {
  const valueOf = (reference: string) => {
    const resolution = resolutions.get(reference);
    return resolution?.ok === true ? resolution.value : '';
  };
  const filled = (record: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(record).map(([name, text]) => [name, substitute(text, valueOf)]));
  return { headers: filled(template.headers), env: filled(template.env) };
}

/** Finds the values of every reference of a template. @throws StateUnavailable */
export async function resolveTemplate(template: CredentialFields, sources: ReferenceSources): Promise<ResolvedTemplate> {
  const resolutions = new Map<string, Resolution>();
  for (const reference of new Set(textsOf(template).flatMap(referencesIn))) {
    resolutions.set(reference, await resolveReference(reference, sources));
  }
  const secretVersions = secretVersionsOf(resolutions);
  const missing = problemsOf(resolutions);
  if (missing.length > 0) return { ok: false, problems: missing, secretVersions };
  const material = fill(template, resolutions);
  const unusable = fieldProblems(material);
  return unusable.length > 0 ? { ok: false, problems: unusable, secretVersions } : { ok: true, material, secretVersions };
}
