import { z } from 'zod';
import { appClients } from './app-clients.js';
import { cidr } from './cidr.js';
import { findIdentityProblems } from './identity-checks.js';
import { IDENTITY_PRESETS, presetOf, type IdentityPreset, type IdentityPresetName } from './identity-presets.js';
import { clientCertificateTokens } from './client-certificates.js';
import { serviceClients } from './service-clients.js';

const presetNames = Object.keys(IDENTITY_PRESETS) as [IdentityPresetName, ...IdentityPresetName[]];

const provider = z.strictObject({
  preset: z
    .enum(presetNames)
    .optional()
    .describe(
      'What is usual at this kind of provider: scopes, and the claims for teams and verified addresses. The keys below win over it.',
    ),
  title: z.string().min(1).max(60).optional().describe('What people read on the sign-in page: “Continue with …”.'),
  issuer: z
    .string()
    .describe(
      'Issuer of the provider, as its discovery document spells it. https; http on a loopback host while `gateway.publicUrl` is one.',
    ),
  clientId: z.string().min(1).describe('Client id that the provider gave to this gateway.'),
  clientSecret: z
    .string()
    .optional()
    .describe(
      'Client secret as a reference: `${secret:NAME}`, which the authorization server asks the token vault for when it is needed; or `${env:NAME}` or `${file:PATH}`, which it resolves itself when it starts.',
    ),
  privateKey: z
    .string()
    .optional()
    .describe(
      'Instead of a secret: private key (PEM, PKCS #8; P-256 or RSA) that signs what the gateway identifies itself with (private_key_jwt), as a reference.',
    ),
  privateKeyId: z.string().min(1).optional().describe('Key id that the provider knows the private key by.'),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be a scope without spaces. Correct it.'))
    .min(1)
    .optional()
    .describe('Scopes that are asked for. `openid` is always among them.'),
  teamsClaim: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Claim of the ID token or of userinfo whose values `teams.<name>.claims` are compared with, for example `groups`, `roles` or `realm_access.roles`.',
    ),
  require: z
    .record(z.string().min(1), z.array(z.string().min(1)).min(1))
    .default({})
    .describe(
      'Claims that somebody must have to be let in, each with the values that will do, for example `{ hd: [example.com] }`.',
    ),
  trustEmail: z
    .boolean()
    .default(false)
    .describe(
      'Takes the e-mail address although the provider does not say that it was verified. Only where nobody can change their own.',
    ),
  assertions: z
    .boolean()
    .default(false)
    .describe(
      'Takes ID-JAGs of this provider (MCP "Enterprise-Managed Authorization"): a client that the provider lets use a server gets a token for it without anybody being asked here. The provider decides alone who may.',
    ),
  exchangeIdTokensOf: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Client ids at this provider whose ID tokens `tokenExchange.clients` may exchange for tokens of the gateway (RFC 8693).',
    ),
  maxAgeSeconds: z
    .int()
    .min(60)
    .max(2_592_000)
    .optional()
    .describe('Longest time since somebody last showed the provider who they are. Unless given, the provider decides.'),
});

/** An identity provider as people write it, with defaults. */
export type ParsedIdentityProvider = z.output<typeof provider>;

const providerName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be 1 to 32 of a-z, 0-9 and "-", because it becomes part of a URL. Rename it.');

const host = z
  .string()
  .regex(
    /^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$/,
    'must be a host in lower case, such as apps.example.com, or *.example.com for all below it. Correct it.',
  );

const clientDocuments = z
  .strictObject({
    hosts: z
      .array(host)
      .optional()
      .describe(
        'Hosts whose clients are accepted: names, or `*.example.com` for all below one. Unless given, every public host; `[]` accepts none.',
      ),
    allow: z
      .array(cidr)
      .default([])
      .describe(
        'Private ranges, as CIDR, that descriptions may be fetched from. `egress.allow` does not count here: anyone can have the gateway fetch a description, before they sign in.',
      ),
  })
  .prefault({})
  .transform(({ hosts, allow }) => ({ hosts, allowed: allow }))
  .describe(
    'Clients whose id is the https address of their own description (OAuth Client ID Metadata Documents): who may be one, and where the descriptions may be.',
  );

const shape = z.strictObject({
  mode: z
    .enum(['dev', 'oidc'])
    .default('dev')
    .describe(
      '`dev`: a local sign-in page without passwords, accepted only while `gateway.publicUrl` is a loopback address. `oidc`: people sign in at the identity provider of their company.',
    ),
  oidc: provider.optional().describe('The identity provider, where there is one. Its name in addresses is `company`.'),
  providers: z
    .record(providerName, provider)
    .optional()
    .describe('The identity providers, by name, where there are several. People choose on the sign-in page.'),
  dpop: z
    .strictObject({
      required: z
        .boolean()
        .default(false)
        .describe('Whether every server takes only access tokens that are bound to a key; API keys open none then.'),
      nonce: z
        .boolean()
        .default(false)
        .describe(
          'Whether proofs need a nonce of the gateway, so that none can be made ahead of time. Costs a client a request now and then.',
        ),
    })
    .prefault({})
    .describe('Access tokens that are bound to a key of the client (DPoP, RFC 9449). They are taken from whoever asks for them.'),
  clientCertificates: clientCertificateTokens,
  tokenExchange: z
    .strictObject({
      clients: z
        .array(z.string().min(1))
        .default([])
        .describe('Client ids that may exchange. They have to authenticate, and to be registered for this grant type.'),
    })
    .prefault({})
    .describe(
      'Who may exchange a person’s token for one for another server that the person may use (RFC 8693). Nobody, unless named.',
    ),
  recheckSeconds: z
    .int()
    .min(10)
    .max(86_400)
    .default(300)
    .describe('How long it is believed that somebody may still sign in: a refresh after that asks their provider again.'),
  requirePushedRequests: z
    .boolean()
    .default(false)
    .describe(
      'Confidential clients, which have a secret or a key, must push what they ask for before they send somebody to sign in (RFC 9126). Any client may.',
    ),
  deviceAuthorization: z
    .boolean()
    .default(true)
    .describe(
      'Whether agents without a browser may show a code that somebody types at `/oauth/device` (RFC 8628). Clients that register for it alone need no redirect URI.',
    ),
  services: serviceClients,
  clients: appClients,
  clientDocuments,
});

/** How people sign in, as it stands in the file, with defaults. */
export type ParsedIdentity = z.output<typeof shape>;

/** An OpenID provider that people sign in at. Secrets are still references. */
export interface IdentityProviderConfig {
  readonly name: string;
  readonly title: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  readonly privateKey?: string | undefined;
  readonly privateKeyId?: string | undefined;
  readonly scopes: readonly string[];
  readonly teamsClaim?: string;
  readonly require: Readonly<Record<string, readonly string[]>>;
  readonly trustEmail: boolean;
  /** Whether its ID-JAGs are taken. */
  readonly assertions: boolean;
  /** Client ids at the provider whose ID tokens may be exchanged. */
  readonly exchangeIdTokensOf: readonly string[];
  readonly maxAgeSeconds?: number | undefined;
  readonly habits: Pick<IdentityPreset, 'emailVerifiedClaim' | 'authorizeParameters' | 'reauthPrompt' | 'maxAge'>;
}

/** How people sign in. */
export const identitySection = shape
  .superRefine((identity, context) => {
    for (const { path, message } of findIdentityProblems(identity)) context.addIssue({ code: 'custom', path, message });
  })
  .transform(({ mode, oidc, providers, ...rest }) => ({
    ...rest,
    mode,
    providers: Object.entries({ ...(oidc === undefined ? {} : { company: oidc }), ...providers }).map(([name, entry]) =>
      toProvider(name, entry),
    ),
  }))
  .prefault({})
  .describe('How people sign in.');

function toProvider(name: string, entry: ParsedIdentityProvider): IdentityProviderConfig {
  const { preset, title, scopes, teamsClaim, ...rest } = entry;
  const usual = presetOf(preset);
  const claim = teamsClaim ?? usual.teamsClaim;
  const { emailVerifiedClaim, authorizeParameters, reauthPrompt, maxAge } = usual;
  return {
    ...rest,
    name,
    title: title ?? usual.title,
    scopes: [...new Set(['openid', ...(scopes ?? usual.scopes)])],
    ...(claim === undefined ? {} : { teamsClaim: claim }),
    habits: { emailVerifiedClaim, authorizeParameters, reauthPrompt, maxAge },
  };
}
