import { z } from 'zod';
import type { Keyring } from './keyring/keyring.js';

const fields = z.record(z.string(), z.string());

const team = z.strictObject({
  emails: z.array(z.string()),
  claims: z.array(z.string()),
  services: z.array(z.string()),
  settings: fields,
});

const parts = z.strictObject({
  headers: fields,
  env: fields,
  // Records of before there were kinds have none of these.
  kind: z.string().default(''),
  settings: fields.default({}),
  teams: z.record(z.string(), team).default({}),
});

const credentialSchema = z.strictObject({ template: parts, material: parts.optional() });

/** What a credential is made from, with references or with their values: header fields and variables as they are, and of which kind the rest is. */
export type CredentialParts = z.infer<typeof parts>;

/** A team that has a credential of its own: who is in it, and what that is made from. */
export type TeamParts = z.infer<typeof team>;

/** Header fields and variables, and nothing else. */
export const fixed = (given: Pick<CredentialParts, 'headers' | 'env'>): CredentialParts => ({
  ...given,
  kind: '',
  settings: {},
  teams: {},
});

/**
 * The credential of one upstream. The template is encrypted with it: whoever could exchange a reference in it could make
 * the vault send another secret to this upstream.
 */
export type Credential = {
  readonly template: CredentialParts;
  /** Absent while a reference of the template has no value. */
  readonly material?: CredentialParts | undefined;
};

const sorted = (record: Readonly<Record<string, string>>) => Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
const byName = <Value>(record: Readonly<Record<string, Value>>) => Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));

/** What the upstream is shown is made from. Credentials without a kind have the versions that they had before there were kinds. */
function flat({ headers, env, kind, settings, teams }: CredentialParts): string[] {
  const fields = [...sorted(headers).flat(), '', ...sorted(env).flat()];
  if (kind === '') return fields;
  const own = byName(teams).map(([name, { settings: given }]) => JSON.stringify([name, sorted(given)]));
  return [...fields, '', kind, ...sorted(settings).flat(), '', ...own];
}

const members = ({ teams }: CredentialParts) =>
  byName(teams).map(([name, { emails, claims, services }]) => [name, emails, claims, services]);

/** Whether two templates are the same. */
export function sameTemplate(a: CredentialParts, b: CredentialParts): boolean {
  return JSON.stringify([flat(a), members(a)]) === JSON.stringify([flat(b), members(b)]);
}

/** Version of a credential: changes when what the upstream is shown changes, and only then. @throws as `Keyring.versionOf` */
export function credentialVersion(keyring: Keyring, upstream: string, { material }: Credential): Promise<string> {
  return keyring.versionOf([
    'credential',
    upstream,
    ...(material === undefined ? ['unresolved'] : ['resolved', ...flat(material)]),
  ]);
}

export function encodeCredential(credential: Credential): Uint8Array {
  return Buffer.from(JSON.stringify(credential), 'utf8');
}

/** @throws ZodError where the content is none: it was encrypted by us, so that is a bug */
export function decodeCredential(content: Uint8Array): Credential {
  return credentialSchema.parse(JSON.parse(Buffer.from(content).toString('utf8')));
}
