import type { SecretStore } from './secret-store.js';
import type { ReferenceFiles } from './reference-files.js';

/** Where references find their values. */
export interface ReferenceSources {
  /** The vault's own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly files: ReferenceFiles;
  readonly secrets: Pick<SecretStore, 'get'>;
}

/** What a reference stands for, or one sentence that says why there is nothing and how to provide it. */
export type Resolution =
  | { readonly ok: true; readonly value: string; readonly secretVersion?: string }
  | { readonly ok: false; readonly problem: string };

const referencePattern = /\$\{([^}]*)\}/g;

/** The references in a text, each once, without their braces: `env:NAME`, `file:PATH`, `secret:NAME`. */
export function referencesIn(text: string): string[] {
  return [...new Set([...text.matchAll(referencePattern)].map(([, body = '']) => body))];
}

/** Puts values in the place of references. */
export function substitute(text: string, valueOf: (reference: string) => string): string {
  return text.replace(referencePattern, (_whole, body: string) => valueOf(body));
}

/** Name of the secret that a reference points to, if it does. */
export function secretNameOf(reference: string): string | undefined {
  return reference.startsWith('secret:') ? reference.slice('secret:'.length) : undefined;
}

const refused = (problem: string): Resolution => ({ ok: false, problem });

function resolveEnv(name: string, { env }: ReferenceSources): Resolution {
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (value) return { ok: true, value };
  return refused(
    `\${env:${name}} is ${value === '' ? 'empty' : 'not set'} in the token vault's environment. Set ${name} there and start it again.`,
  );
}

async function resolveFile(file: string, { files }: ReferenceSources): Promise<Resolution> {
  const read = await files.read(file);
  return read.ok ? read : refused(`\${file:${file}} ${read.problem}`);
}

async function resolveSecret(name: string, { secrets }: ReferenceSources): Promise<Resolution> {
  const secret = await secrets.get(name);
  const how = `PUT /api/v1/secrets/${name} with an API key that has the role admin`;
  switch (secret.state) {
    case 'intact':
      return { ok: true, value: secret.value, secretVersion: secret.version };
    case 'absent':
      return refused(`\${secret:${name}} is not stored. Store it: ${how}.`);
    case 'damaged':
      return refused(`\${secret:${name}} cannot be decrypted (${secret.damage}). Store it again: ${how}.`);
  }
}

/** Finds the value of one reference. @throws StateUnavailable */
export async function resolveReference(reference: string, sources: ReferenceSources): Promise<Resolution> {
  const separator = reference.indexOf(':');
  const name = reference.slice(separator + 1);
  switch (reference.slice(0, separator)) {
    case 'env':
      return resolveEnv(name, sources);
    case 'file':
      return resolveFile(name, sources);
    case 'secret':
      return resolveSecret(name, sources);
    default:
      return refused(`\${${reference}} is not a reference. Write \${env:NAME}, \${file:PATH} or \${secret:NAME}.`);
  }
}
