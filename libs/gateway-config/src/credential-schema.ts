import { z } from 'zod';
import { oauthCredential, oauthSettings } from './oauth-credential.js';

const header = z.strictObject({
  type: z.literal('header').describe('A header field of your choice.'),
  name: z.string().describe('Name of the header field.'),
  value: z.string().describe('Its value, with a reference in it, for example `Bearer ${secret:billing}`.'),
});

const bearer = z.strictObject({
  type: z.literal('bearer').describe('`Authorization: Bearer <token>`.'),
  token: z.string().describe('The token as a reference, for example `${env:BILLING_TOKEN}`.'),
});

const basic = z.strictObject({
  type: z.literal('basic').describe('`Authorization: Basic …`, user name and password (RFC 7617).'),
  username: z.string().describe('User name; a reference, or in clear.'),
  password: z.string().describe('Password as a reference.'),
});

const mtls = z.strictObject({
  type: z.literal('mtls').describe('A client certificate, shown in the TLS handshake. `url` has to begin with https.'),
  certificate: z.string().describe('The certificate and those that vouch for it, PEM, as a reference: `${file:client.pem}`.'),
  key: z.string().describe('Its private key, PEM without a passphrase, as a reference.'),
});

const KINDS = [header, bearer, basic, mtls, oauthCredential] as const;
const names = KINDS.map(({ shape }) => `"${shape.type.value}"`);

/** What an upstream must be shown, as people write it. */
export const credentialSchema = z
  .discriminatedUnion('type', KINDS, {
    error: (issue) =>
      issue.code === 'invalid_union' ? `must be one of ${names.slice(0, -1).join(', ')} and ${names.at(-1)}.` : undefined,
  })
  .describe('What the upstream must be shown. Kept encrypted by the token vault. Header fields of `headers` are sent beside it.');

/** A credential as it stands in the file. */
export type ParsedCredential = z.output<typeof credentialSchema>;

/** A credential that more than fixed header fields is needed for. Values hold references, never resolved secrets. */
export interface CredentialConfig {
  /** How the token vault makes it. */
  readonly kind: 'basic' | 'mtls' | 'oauth';
  /** Whose it is: the same for every caller, for those of one team, or each caller's own. */
  readonly owner: 'organisation' | 'team' | 'principal';
  /** What that kind needs to know. */
  readonly settings: Readonly<Record<string, string>>;
  /** What differs from team to team, in the order in which a caller's teams are looked for. */
  readonly teams: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** What becomes of a credential: header fields, or what the vault makes them from. */
export interface CompiledCredential {
  readonly headers: Readonly<Record<string, string>>;
  readonly credential?: CredentialConfig;
}

type Of<Type extends ParsedCredential['type']> = Extract<ParsedCredential, { readonly type: Type }>;
const ofOrganisation = (kind: CredentialConfig['kind'], settings: CredentialConfig['settings']): CompiledCredential => ({
  headers: {},
  credential: { kind, owner: 'organisation', settings, teams: {} },
});

const COMPILED: { readonly [Type in ParsedCredential['type']]: (given: Of<Type>, url: string) => CompiledCredential } = {
  header: ({ name, value }) => ({ headers: { [name]: value } }),
  bearer: ({ token }) => ({ headers: { Authorization: `Bearer ${token}` } }),
  basic: ({ username, password }) => ofOrganisation('basic', { username, password }),
  mtls: ({ certificate, key }) => ofOrganisation('mtls', { certificate, key }),
  oauth: (given, url) => ({
    headers: {},
    credential: { kind: 'oauth', owner: 'principal', settings: oauthSettings(given, url), teams: {} },
  }),
};

/** What the vault keeps of a credential. @param url of its upstream */
export function compileCredential(given: ParsedCredential | undefined, url: string): CompiledCredential {
  if (given === undefined) return { headers: {} };
  const compile = COMPILED[given.type] as (credential: ParsedCredential, url: string) => CompiledCredential;
  return compile(given, url);
}
