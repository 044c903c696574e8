import { z } from 'zod';
import { clientCredentials, clientCredentialsSettings } from './client-credentials.js';
import { idJag, idJagSettings } from './id-jag.js';
import { teamNameSchema } from './names.js';
import { oauthCredential, oauthSettings } from './oauth-credential.js';
import { tokenExchange, tokenExchangeSettings } from './token-exchange.js';
import { userKeyCredential, userKeySettings } from './user-key-credential.js';

const perTeam = <Value extends z.ZodType>(value: Value) =>
  z
    .record(teamNameSchema, value)
    .optional()
    .describe(
      'Instead: another for each team, by its name. A caller who is in several has the first; one who is in none has none.',
    );

const header = z.strictObject({
  type: z.literal('header').describe('A header field of your choice.'),
  name: z.string().describe('Name of the header field.'),
  value: z.string().optional().describe('Its value, with a reference in it, for example `Bearer ${secret:billing}`.'),
  perTeam: perTeam(z.string()),
});

const bearer = z.strictObject({
  type: z.literal('bearer').describe('`Authorization: Bearer <token>`.'),
  token: z.string().optional().describe('The token as a reference, for example `${env:BILLING_TOKEN}`.'),
  perTeam: perTeam(z.string()),
});

const account = z.strictObject({
  username: z.string().describe('User name; a reference, or in clear.'),
  password: z.string().describe('Password as a reference.'),
});

const basic = z.strictObject({
  type: z.literal('basic').describe('`Authorization: Basic …`, user name and password (RFC 7617).'),
  username: account.shape.username.optional(),
  password: account.shape.password.optional(),
  perTeam: perTeam(account),
});

const mtls = z.strictObject({
  type: z.literal('mtls').describe('A client certificate, shown in the TLS handshake. `url` has to begin with https.'),
  certificate: z.string().describe('The certificate and those that vouch for it, PEM, as a reference: `${file:client.pem}`.'),
  key: z.string().describe('Its private key, PEM without a passphrase, as a reference.'),
});

const userClaims = z.strictObject({
  type: z
    .literal('user-claims')
    .describe(
      'Who calls, in `X-Switchyard-User`: a JWT that the gateway signs for one minute or two, with subject, e-mail address, teams, tenant and client. Keys that verify it: `/.well-known/switchyard-user-jwks.json`.',
    ),
  audience: z.string().min(1).optional().describe('Audience of that JWT. Unless given: `url`.'),
});

const KINDS = [
  header,
  bearer,
  basic,
  mtls,
  oauthCredential,
  userKeyCredential,
  clientCredentials,
  tokenExchange,
  idJag,
  userClaims,
] as const;
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
  readonly kind:
    'header' | 'basic' | 'mtls' | 'oauth' | 'user-key' | 'client-credentials' | 'token-exchange' | 'id-jag' | 'user-claims';
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
type Teams<Value> = Readonly<Record<string, Value>>;

const forTeams = <Value>(
  kind: CredentialConfig['kind'],
  settings: CredentialConfig['settings'],
  teams: Teams<Value>,
  toSettings: (value: Value) => CredentialConfig['settings'],
): CompiledCredential => ({
  headers: {},
  credential: {
    kind,
    owner: 'team',
    settings,
    teams: Object.fromEntries(Object.entries(teams).map(([team, value]) => [team, toSettings(value)])),
  },
});

const ofOrganisation = (kind: CredentialConfig['kind'], settings: CredentialConfig['settings']): CompiledCredential => ({
  headers: {},
  credential: { kind, owner: 'organisation', settings, teams: {} },
});

const ofPrincipal = (kind: CredentialConfig['kind'], settings: CredentialConfig['settings']): CompiledCredential => ({
  headers: {},
  credential: { kind, owner: 'principal', settings, teams: {} },
});

const COMPILED: { readonly [Type in ParsedCredential['type']]: (given: Of<Type>, url: string) => CompiledCredential } = {
  header: ({ name, value = '', perTeam: teams }) =>
    teams === undefined ? { headers: { [name]: value } } : forTeams('header', { name }, teams, (own) => ({ value: own })),
  bearer: ({ token = '', perTeam: teams }) =>
    teams === undefined
      ? { headers: { Authorization: `Bearer ${token}` } }
      : forTeams('header', { name: 'Authorization' }, teams, (own) => ({ value: `Bearer ${own}` })),
  basic: ({ username = '', password = '', perTeam: teams }) =>
    teams === undefined ? ofOrganisation('basic', { username, password }) : forTeams('basic', {}, teams, (own) => own),
  mtls: ({ certificate, key }) => ofOrganisation('mtls', { certificate, key }),
  oauth: (given, url) => ofPrincipal('oauth', oauthSettings(given, url)),
  'user-key': (given, url) => ofPrincipal('user-key', userKeySettings(given, url)),
  'client-credentials': (given, url) => ofOrganisation('client-credentials', clientCredentialsSettings(given, url)),
  'token-exchange': (given, url) => ofPrincipal('token-exchange', tokenExchangeSettings(given, url)),
  'id-jag': (given, url) => ofPrincipal('id-jag', idJagSettings(given, url)),
  'user-claims': ({ audience }, url) => ofPrincipal('user-claims', { audience: audience ?? url }),
};

/** What the vault keeps of a credential. @param url of its upstream */
export function compileCredential(given: ParsedCredential | undefined, url: string): CompiledCredential {
  if (given === undefined) return { headers: {} };
  const compile = COMPILED[given.type] as (credential: ParsedCredential, url: string) => CompiledCredential;
  return compile(given, url);
}
