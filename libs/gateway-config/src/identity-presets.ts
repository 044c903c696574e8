/** What is usual at one kind of identity provider. What stands in the file wins over it. */
export interface IdentityPreset {
  /** What people call it. */
  readonly title: string;
  /** What its issuers look like, for messages. */
  readonly issuerExample: string;
  /** Issuers that many organisations share, so that their tokens say nothing about which one somebody is of. */
  readonly sharedIssuer?: RegExp;
  readonly scopes: readonly string[];
  readonly teamsClaim?: string;
  /** Claim that says that the e-mail address belongs to whoever signs in. */
  readonly emailVerifiedClaim: string;
  /** Parameters of the authorization request that make it give refresh tokens. */
  readonly authorizeParameters: Readonly<Record<string, string>>;
  /** Value of `prompt` that makes somebody sign in anew. */
  readonly reauthPrompt: string;
  /** Whether it heeds `max_age` and says `auth_time` (OpenID Connect Core §3.1.2.1). */
  readonly maxAge: boolean;
  /** Claims without which anybody in the world could sign in; `require` must say what they have to be. */
  readonly mustRequire: readonly string[];
}

const standard: Omit<IdentityPreset, 'title' | 'issuerExample'> = {
  scopes: ['openid', 'profile', 'email', 'offline_access'],
  emailVerifiedClaim: 'email_verified',
  authorizeParameters: {},
  reauthPrompt: 'login',
  maxAge: true,
  mustRequire: [],
};

/** What holds where no preset is named: OpenID Connect Core and nothing else. */
export const PLAIN_PROVIDER: IdentityPreset = {
  ...standard,
  title: 'your company',
  issuerExample: 'https://login.example.com',
  scopes: ['openid', 'profile', 'email'],
};

/** The usual identity providers, as data. */
export const IDENTITY_PRESETS = {
  entra: {
    ...standard,
    title: 'Microsoft',
    issuerExample: 'https://login.microsoftonline.com/<directory id>/v2.0',
    sharedIssuer: /\/(common|organizations|consumers)(\/|$)/,
    teamsClaim: 'groups',
    // Its `email` is whatever an administrator of any directory wrote there; this optional claim says that the domain was proved.
    emailVerifiedClaim: 'xms_edov',
  },
  okta: {
    ...standard,
    title: 'Okta',
    issuerExample: 'https://example.okta.com',
    scopes: [...standard.scopes, 'groups'],
    teamsClaim: 'groups',
  },
  google: {
    ...standard,
    title: 'Google',
    issuerExample: 'https://accounts.google.com',
    scopes: ['openid', 'profile', 'email'],
    // The Workspace domain: Google tells nothing of groups.
    teamsClaim: 'hd',
    authorizeParameters: { access_type: 'offline' },
    reauthPrompt: 'select_account',
    maxAge: false,
    mustRequire: ['hd'],
  },
  auth0: { ...standard, title: 'Auth0', issuerExample: 'https://example.eu.auth0.com/' },
  keycloak: {
    ...standard,
    title: 'Keycloak',
    issuerExample: 'https://keycloak.example.com/realms/<realm>',
    teamsClaim: 'groups',
  },
  ping: {
    ...standard,
    title: 'Ping',
    issuerExample: 'https://auth.pingone.eu/<environment id>/as',
    scopes: ['openid', 'profile', 'email'],
    teamsClaim: 'groups',
  },
  onelogin: {
    ...standard,
    title: 'OneLogin',
    issuerExample: 'https://example.onelogin.com/oidc/2',
    scopes: ['openid', 'profile', 'email', 'groups'],
    teamsClaim: 'groups',
  },
} as const satisfies Readonly<Record<string, IdentityPreset>>;

/** Name of a preset. */
export type IdentityPresetName = keyof typeof IDENTITY_PRESETS;

/** The settings of a preset, or of none. */
export const presetOf = (name: IdentityPresetName | undefined): IdentityPreset =>
  name === undefined ? PLAIN_PROVIDER : IDENTITY_PRESETS[name];
