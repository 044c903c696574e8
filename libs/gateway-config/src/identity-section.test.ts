import { ConfigError } from '@switchyard/runtime';
import { IDENTITY_PRESETS, parseGatewayConfig } from './index.js';

const parse = (text: string) => parseGatewayConfig(text, 'switchyard.yaml');
const identity = (provider: string) => parse(`identity: { mode: oidc, oidc: { ${provider} } }`).identity;
const credential = 'clientId: id, clientSecret: "${env:S}"';

describe('identity', () => {
  it('takes one provider, called company', () => {
    expect(identity(`issuer: "https://login.example.com", ${credential}, teamsClaim: groups`)).toEqual({
      mode: 'oidc',
      recheckSeconds: 300,
      requirePushedRequests: false,
      deviceAuthorization: true,
      services: [],
      clients: [],
      clientDocuments: { hosts: undefined, allowed: [] },
      tokenExchange: { clients: [] },
      dpop: { required: false, nonce: false },
      clientCertificates: { enabled: false },
      providers: [
        {
          name: 'company',
          title: 'your company',
          issuer: 'https://login.example.com',
          clientId: 'id',
          clientSecret: '${env:S}',
          scopes: ['openid', 'profile', 'email'],
          teamsClaim: 'groups',
          require: {},
          trustEmail: false,
          assertions: false,
          exchangeIdTokensOf: [],
          habits: { emailVerifiedClaim: 'email_verified', authorizeParameters: {}, reauthPrompt: 'login', maxAge: true },
        },
      ],
    });
  });

  it('takes several, by name, with what is usual for each; the file wins', () => {
    const { providers } = parse(
      `identity:\n  mode: oidc\n  providers:\n` +
        `    staff: { preset: okta, issuer: "https://a.okta.com", ${credential}, scopes: [profile], title: Staff }\n` +
        `    guests: { preset: google, issuer: "https://accounts.google.com", ${credential}, require: { hd: [example.com] } }\n`,
    ).identity;
    expect(providers.map(({ name, title, scopes, teamsClaim }) => [name, title, scopes, teamsClaim])).toEqual([
      ['staff', 'Staff', ['openid', 'profile'], 'groups'],
      ['guests', 'Google', ['openid', 'profile', 'email'], 'hd'],
    ]);
  });

  it.each(Object.entries(IDENTITY_PRESETS))(
    'preset %s can be used with an issuer like its example',
    (name, { issuerExample, mustRequire }) => {
      const issuer = issuerExample.replaceAll(/<[^>]*>/g, '0f1e');
      const require = Object.fromEntries(mustRequire.map((claim) => [claim, ['example.com']]));
      const { providers } = identity(`preset: ${name}, issuer: "${issuer}", ${credential}, require: ${JSON.stringify(require)}`);
      expect(providers).toEqual([expect.objectContaining({ issuer })]);
    },
  );

  it.each<[id: string, provider: string, message: string]>([
    [
      'I1 http',
      `issuer: "http://login.example.com", ${credential}`,
      'identity.oidc.issuer: must use https. Write for example https://login.example.com.',
    ],
    ['I2 no URL', `issuer: login, ${credential}`, 'identity.oidc.issuer: must be an https URL.'],
    [
      'I3 discovery document',
      `issuer: "https://a.example/.well-known/openid-configuration", ${credential}`,
      'identity.oidc.issuer: is the address of the discovery document.',
    ],
    ['I4 query', `issuer: "https://a.example?x=1", ${credential}`, 'identity.oidc.issuer: cannot hold a query'],
    [
      'I5 shared issuer',
      `preset: entra, issuer: "https://login.microsoftonline.com/common/v2.0", ${credential}`,
      'identity.oidc.issuer: is shared by many organisations.',
    ],
    ['I6 no credential', 'issuer: "https://a.example", clientId: id', 'identity.oidc: needs clientSecret or privateKey.'],
    [
      'I7 two credentials',
      `issuer: "https://a.example", ${credential}, privateKey: "\${file:k}"`,
      'identity.oidc.privateKey: cannot stand beside clientSecret.',
    ],
    [
      'I8 secret in clear text',
      'issuer: "https://a.example", clientId: id, clientSecret: abc',
      'identity.oidc.clientSecret: is a secret in clear text.',
    ],
    [
      'I9 secret of two places',
      'issuer: "https://a.example", clientId: id, clientSecret: "${secret:idp}${file:x}"',
      'identity.oidc.clientSecret: is resolved in two places',
    ],
    [
      'I10 no reference',
      'issuer: "https://a.example", clientId: id, clientSecret: "${idp}"',
      'identity.oidc.clientSecret: ${idp} is not a reference.',
    ],
    [
      'I11 anybody in the world',
      `preset: google, issuer: "https://accounts.google.com", ${credential}`,
      'identity.oidc.require: does not say what hd must be, so anybody with an account there could sign in.',
    ],
    ['I12 unknown preset', `preset: azure, issuer: "https://a.example", ${credential}`, 'identity.oidc.preset: must be "entra"'],
    [
      'I13 key id alone',
      `issuer: "https://a.example", ${credential}, privateKeyId: k`,
      'identity.oidc.privateKeyId: says nothing without privateKey.',
    ],
  ])('refuses: %s', (_id, provider, message) => {
    expect(() => identity(provider)).toThrow(ConfigError);
    expect(() => identity(provider)).toThrow(message);
  });

  it.each<[id: string, text: string, message: string]>([
    ['I14 dev with a provider', `identity: { oidc: { issuer: "https://a.example", ${credential} } }`, 'identity.mode: is dev'],
    [
      'I15 both ways',
      `identity: { mode: oidc, oidc: { issuer: "https://a.example", ${credential} }, providers: { b: { issuer: "https://b.example", ${credential} } } }`,
      'identity.providers: cannot stand beside identity.oidc.',
    ],
    [
      'I16 a name that is no part of a URL',
      `identity: { mode: oidc, providers: { "A b": { issuer: "https://b.example", ${credential} } } }`,
      'identity.providers',
    ],
    [
      'I17 an issuer without TLS at a public gateway',
      `gateway: { publicUrl: "https://mcp.example.com" }\nidentity: { mode: oidc, oidc: { issuer: "http://localhost:1", ${credential} } }`,
      'identity: has an issuer without TLS (company)',
    ],
    [
      'CD1 a host that is a URL',
      'identity: { clientDocuments: { hosts: ["https://claude.ai"] } }',
      'identity.clientDocuments.hosts[0]: must be a host in lower case',
    ],
    ['CD2 a star within', 'identity: { clientDocuments: { hosts: ["a.*.com"] } }', 'hosts[0]: must be a host in lower case'],
    [
      'AC1 an app without an address',
      'identity: { clients: { a: { redirectUris: [] } } }',
      'identity.clients.a.redirectUris: is empty',
    ],
    [
      'AC2 http that is not loopback',
      'identity: { clients: { a: { redirectUris: ["http://evil.example/cb"] } } }',
      'identity.clients.a.redirectUris[0]: must use https',
    ],
    [
      'AC3 a secret in clear text',
      'identity: { clients: { a: { redirectUris: ["https://a.example/"], clientSecret: abc } } }',
      'identity.clients.a.clientSecret: is a secret in clear text. Write ${env:NAME}, ${file:PATH} or ${secret:NAME} instead.',
    ],
    [
      'AC4 a secret of two places',
      'identity: { clients: { a: { redirectUris: ["https://a.example/"], clientSecret: "${secret:x}${env:Y}" } } }',
      'identity.clients.a.clientSecret: is resolved in two places',
    ],
    [
      'AC5 a private key',
      'identity: { clients: { a: { redirectUris: ["https://a.example/"], jwks: { keys: [{ kty: EC, d: x }] } } } }',
      'identity.clients.a.jwks.keys: hold a private or shared key',
    ],
    [
      'AC6 a secret and keys',
      'identity: { clients: { a: { redirectUris: ["https://a.example/"], clientSecret: "${env:A}", jwks: { keys: [{ kty: EC }] } } } }',
      'identity.clients.a.jwks: cannot stand beside clientSecret.',
    ],
    [
      'AC7 a URL as id',
      'identity: { clients: { "https://a.example/c": { redirectUris: ["https://a.example/"] } } }',
      'identity.clients',
    ],
    [
      'AC8 the id of a service',
      'identity: { services: { a: { clientSecret: "${env:A}", servers: ["*"] } }, clients: { a: { redirectUris: ["https://a.example/"] } } }',
      'identity.clients.a: is the client id of a service too.',
    ],
    [
      'AC9 an id of the gateway itself',
      'identity: { clients: { switchyard-connect: { redirectUris: ["https://a.example/"] } } }',
      'must not begin with "usr_" or "switchyard-"',
    ],
    ['CD3 every address', 'identity: { clientDocuments: { allow: ["0.0.0.0/0"] } }', 'allow[0]: allows every address'],
  ])('refuses: %s', (_id, text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});
