import type { CredentialMaterialJson } from '@switchyard/contracts';
import { z } from 'zod';
import type { Keyring } from './keyring/keyring.js';

const fields = z.record(z.string(), z.string());

const credentialSchema = z.strictObject({
  template: z.strictObject({ headers: fields, env: fields }),
  material: z.strictObject({ headers: fields, env: fields }).optional(),
});

/** What an upstream must be shown, with references or with their values. */
export type CredentialFields = z.infer<typeof credentialSchema>['template'];

/**
 * The credential of one upstream. The template is encrypted with it: whoever could exchange a reference in it could make
 * the vault send another secret to this upstream.
 */
export type Credential = {
  readonly template: CredentialFields;
  /** Absent while a reference of the template has no value. */
  readonly material?: Required<Pick<CredentialMaterialJson, 'headers' | 'env'>> | undefined;
};

const sorted = (record: Readonly<Record<string, string>>) => Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
const flat = (part: CredentialFields) => [...sorted(part.headers).flat(), '', ...sorted(part.env).flat()];

/** Whether two templates are the same. */
export function sameTemplate(a: CredentialFields, b: CredentialFields): boolean {
  return JSON.stringify(flat(a)) === JSON.stringify(flat(b));
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
