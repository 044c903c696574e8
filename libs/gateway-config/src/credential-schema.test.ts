import { ConfigError } from '@switchyard/runtime';
import { parseGatewayConfig } from './load.js';

const COMPANY = 'identity: { mode: oidc, oidc: { issuer: "https://idp.example", clientId: gw, clientSecret: "${env:S}" } }\n';
const text = (credential: string, url = 'https://x.example/mcp', more = '') =>
  `${COMPANY}teams: { finance: { emails: [a@b.co] }, ops: { claims: [ops] } }\nupstreams:\n  a: { url: "${url}", ${more}credential: ${credential} }\n`;

describe('credentials of upstreams', () => {
  const compiled: [id: string, credential: string, headers: object, expected: object | undefined][] = [
    ['C1 header', '{ type: header, name: X-Key, value: "${env:K}" }', { 'X-Key': '${env:K}' }, undefined],
    [
      'C2 basic',
      '{ type: basic, username: gateway, password: "${env:P}" }',
      {},
      { kind: 'basic', owner: 'organisation', settings: { username: 'gateway', password: '${env:P}' }, teams: {} },
    ],
    [
      'C5 bearer per team, in their order',
      '{ type: bearer, perTeam: { ops: "${env:O}", finance: "${env:F}" } }',
      {},
      {
        ...{ kind: 'header', owner: 'team', settings: { name: 'Authorization' } },
        teams: { ops: { value: 'Bearer ${env:O}' }, finance: { value: 'Bearer ${env:F}' } },
      },
    ],
    [
      'C6 basic per team',
      '{ type: basic, perTeam: { ops: { username: o, password: "${env:O}" } } }',
      {},
      { kind: 'basic', owner: 'team', settings: {}, teams: { ops: { username: 'o', password: '${env:O}' } } },
    ],
    [
      'C9 a token of the gateway’s own',
      '{ type: client-credentials, issuer: "https://as.example", clientId: gw, clientSecret: "${env:S}", scopes: [a, b] }',
      {},
      {
        ...{ kind: 'client-credentials', owner: 'organisation', teams: {} },
        settings: {
          ...{ client_id: 'gw', client_secret: '${env:S}', issuer: 'https://as.example' },
          ...{ scopes: 'a b', resource: 'https://x.example/mcp' },
        },
      },
    ],
    [
      'C60 the platform says who the gateway is',
      '{ type: client-credentials, issuer: "https://as.example", clientId: gw, assertionFile: /var/run/token }',
      {},
      {
        ...{ kind: 'client-credentials', owner: 'organisation', teams: {} },
        settings: {
          ...{ client_id: 'gw', assertion_file: '/var/run/token', issuer: 'https://as.example' },
          resource: 'https://x.example/mcp',
        },
      },
    ],
    [
      'C7 signed claims',
      '{ type: user-claims }',
      {},
      { kind: 'user-claims', owner: 'principal', settings: { audience: 'https://x.example/mcp' }, teams: {} },
    ],
    [
      'C8 signed claims for another audience',
      '{ type: user-claims, audience: "urn:crm" }',
      {},
      { kind: 'user-claims', owner: 'principal', settings: { audience: 'urn:crm' }, teams: {} },
    ],
    [
      'C3 mtls',
      '{ type: mtls, certificate: "${file:c.pem}", key: "${secret:k}" }',
      {},
      { kind: 'mtls', owner: 'organisation', settings: { certificate: '${file:c.pem}', key: '${secret:k}' }, teams: {} },
    ],
    [
      'C40 oauth',
      '{ type: oauth, issuer: "https://as.example", clientId: c, clientSecret: "${env:S}", scopes: [a, b], authorizeParameters: { access_type: offline } }',
      {},
      {
        kind: 'oauth',
        owner: 'principal',
        settings: {
          ...{ url: 'https://x.example/mcp', issuer: 'https://as.example', client_id: 'c', client_secret: '${env:S}' },
          ...{ scopes: 'a b', authorize_parameters: 'access_type=offline' },
        },
        teams: {},
      },
    ],
    [
      'C47 oauth, tokens bound to a key',
      '{ type: oauth, dpop: required }',
      {},
      { kind: 'oauth', owner: 'principal', settings: { url: 'https://x.example/mcp', dpop: 'required' }, teams: {} },
    ],
    [
      'C60 a token in exchange',
      '{ type: token-exchange, issuer: "https://as.example", clientId: gw, clientSecret: "${env:S}", audience: crm, scopes: [a] }',
      {},
      {
        ...{ kind: 'token-exchange', owner: 'principal', teams: {} },
        settings: {
          ...{ client_id: 'gw', client_secret: '${env:S}', issuer: 'https://as.example', scopes: 'a', audience: 'crm' },
          resource: 'https://x.example/mcp',
        },
      },
    ],
    [
      'C65 what the company says',
      '{ type: id-jag, issuer: "https://as.example", clientId: gw, clientSecret: "${env:S}", scopes: [a, b], resource: "urn:crm" }',
      {},
      {
        ...{ kind: 'id-jag', owner: 'principal', teams: {} },
        settings: {
          client_id: 'gw',
          client_secret: '${env:S}',
          issuer: 'https://as.example',
          scopes: 'a b',
          resource: 'urn:crm',
        },
      },
    ],
    [
      'C50 each person’s key',
      '{ type: user-key }',
      {},
      {
        ...{ kind: 'user-key', owner: 'principal', teams: {} },
        settings: { url: 'https://x.example/mcp', name: 'Authorization', format: 'Bearer {key}', label: 'API key' },
      },
    ],
    [
      'C51 each person’s key, in a header field of its own',
      '{ type: user-key, name: X-Api-Key, label: Personal token, helpUrl: "https://x.example/tokens" }',
      {},
      {
        ...{ kind: 'user-key', owner: 'principal', teams: {} },
        settings: {
          ...{ url: 'https://x.example/mcp', name: 'X-Api-Key', format: '{key}', label: 'Personal token' },
          help_url: 'https://x.example/tokens',
        },
      },
    ],
  ];
  it.each(compiled)('%s', (_id, credential, headers, expected) => {
    const upstream = parseGatewayConfig(text(credential), 'f').upstreams['a'];
    expect(upstream).toMatchObject({ kind: 'http', headers });
    expect(upstream?.kind === 'http' ? upstream.credential : undefined).toEqual(expected);
  });

  it('C4 stands beside header fields', () => {
    const { upstreams } = parseGatewayConfig(
      text(
        '{ type: mtls, certificate: "${file:c}", key: "${file:k}" }',
        undefined,
        'headers: { Authorization: "Bearer ${env:T}" }, ',
      ),
      'f',
    );
    expect(upstreams['a']).toMatchObject({ headers: { Authorization: 'Bearer ${env:T}' }, credential: { kind: 'mtls' } });
  });

  const refused: [id: string, text: string, sentence: string][] = [
    ['C10 nothing of it', text('{ type: basic }'), 'credential: needs username and password, or perTeam'],
    ['C11 half of it', text('{ type: basic, username: a }'), 'credential: needs password'],
    [
      'C19 one for all, and for teams',
      text('{ type: bearer, token: "${env:T}", perTeam: { ops: "${env:O}" } }'),
      'token: cannot stand beside perTeam',
    ],
    ['C20 for no team', text('{ type: bearer, perTeam: {} }'), 'credential.perTeam: names no team'],
    [
      'C21 a team that is none',
      text('{ type: bearer, perTeam: { fnance: "${env:T}" } }'),
      'credential.perTeam.fnance: no team is called "fnance". Did you mean "finance"?',
    ],
    [
      'C22 a team’s in clear',
      text('{ type: header, name: X-Key, perTeam: { ops: abc } }'),
      'credential.perTeam.ops: is a secret in clear text',
    ],
    [
      'C23 a team’s password in clear',
      text('{ type: basic, perTeam: { ops: { username: a, password: b } } }'),
      'perTeam.ops.password: is a secret in clear text',
    ],
    ['C41 oauth over plain http', text('{ type: oauth }', 'http://x.example/mcp'), 'credential.type: sends people’s tokens'],
    ['C42 a secret of no client', text('{ type: oauth, clientSecret: "${env:S}" }'), 'clientSecret: is the secret of no client'],
    ['C43 a client of any issuer', text('{ type: oauth, clientId: c }'), 'clientId: is a client of one issuer only'],
    [
      'C44 a secret in clear',
      text('{ type: oauth, issuer: "https://as.example", clientId: c, clientSecret: s }'),
      'clientSecret: is a secret in clear text',
    ],
    [
      'C45 a parameter of the gateway',
      text('{ type: oauth, authorizeParameters: { redirect_uri: "https://e.example" } }'),
      'authorizeParameters.redirect_uri: is decided by the gateway itself',
    ],
    ['C46 an issuer in clear', text('{ type: oauth, issuer: "http://as.example", clientId: c }'), 'issuer: must be an https URL'],
    [
      'C12 password in clear',
      text('{ type: basic, username: a, password: b }'),
      'credential.password: is a secret in clear text',
    ],
    [
      'C13 colon in the user name',
      text('{ type: basic, username: "a:b", password: "${env:P}" }'),
      'credential.username: cannot hold ":"',
    ],
    [
      'C14 unknown reference',
      text('{ type: basic, username: "${USER}", password: "${env:P}" }'),
      'username: ${USER} is not a reference',
    ],
    [
      'C15 mtls without TLS',
      text('{ type: mtls, certificate: "${file:c}", key: "${file:k}" }', 'http://x.example/mcp'),
      'credential.type: is shown in the TLS handshake, so url has to begin with https',
    ],
    ['C16 key in clear', text('{ type: mtls, certificate: "${file:c}", key: abc }'), 'credential.key: is a secret in clear text'],
    [
      'C17 twice',
      text('{ type: basic, username: a, password: "${env:P}" }', undefined, 'headers: { authorization: "${env:A}" }, '),
      'headers.authorization: is also what credential sends',
    ],
    [
      'C30 nowhere to get a token',
      text('{ type: client-credentials, clientId: a, clientSecret: "${env:S}" }'),
      'credential: needs issuer or tokenUrl',
    ],
    [
      'C31 two places',
      text(
        '{ type: client-credentials, issuer: "https://a.b", tokenUrl: "https://a.b/t", clientId: a, clientSecret: "${env:S}" }',
      ),
      'credential.tokenUrl: cannot stand beside issuer',
    ],
    [
      'C32 no TLS',
      text('{ type: client-credentials, tokenUrl: "http://as.example/t", clientId: a, clientSecret: "${env:S}" }'),
      'credential.tokenUrl: must be an https URL',
    ],
    [
      'C33 nothing to show',
      text('{ type: client-credentials, issuer: "https://a.b", clientId: a }'),
      'credential: needs clientSecret or privateKey',
    ],
    [
      'C61 two ways to say who it is',
      text('{ type: client-credentials, issuer: "https://a.b", clientId: a, clientSecret: "${env:S}", assertionFile: t }'),
      'credential.assertionFile: cannot stand beside clientSecret',
    ],
    [
      'C34 a secret in clear',
      text('{ type: client-credentials, issuer: "https://a.b", clientId: a, clientSecret: abc }'),
      'credential.clientSecret: is a secret in clear text',
    ],
    [
      'C35 id of no key',
      text('{ type: client-credentials, issuer: "https://a.b", clientId: a, clientSecret: "${env:S}", privateKeyId: k }'),
      'credential.privateKeyId: is the id of no key',
    ],
    [
      'C36 resource with a fragment',
      text(
        '{ type: client-credentials, issuer: "https://a.b", clientId: a, clientSecret: "${env:S}", resource: "https://r/#x" }',
      ),
      'credential.resource: must be an absolute URI without a fragment',
    ],
    [
      'C24 a header of the gateway’s own',
      text('{ type: header, name: X-Switchyard-User, value: "${env:A}" }'),
      'credential.name: is written by the gateway itself',
    ],
    ['C52 keys over plain http', text('{ type: user-key }', 'http://x.example/mcp'), 'credential.type: sends people’s keys'],
    ['C53 a format without the key', text('{ type: user-key, format: Bearer }'), 'credential.format: has to hold {key} once'],
    ['C54 the key twice', text('{ type: user-key, format: "{key} {key}" }'), 'credential.format: has to hold {key} once'],
    [
      'C55 a reference in the format',
      text('{ type: user-key, format: "Bearer {key}${env:K}" }'),
      'credential.format: cannot hold a reference',
    ],
    ['C56 a line break in the format', text('{ type: user-key, format: "{key}\\nX: y" }'), 'credential.format: holds characters'],
    [
      'C57 help that is no page',
      text('{ type: user-key, helpUrl: "javascript:alert(1)" }'),
      'credential.helpUrl: must be an https URL',
    ],
    [
      'C58 a header of the gateway’s own',
      text('{ type: user-key, name: Host }'),
      'credential.name: is written by the gateway itself',
    ],
    [
      'C59 twice',
      text('{ type: user-key, name: X-Key }', undefined, 'headers: { x-key: "${env:A}" }, '),
      'headers.x-key: is also what credential sends',
    ],
    [
      'C61 an exchange with nobody',
      text('{ type: token-exchange, clientId: a, clientSecret: "${env:S}" }'),
      'credential.issuer: is required but missing',
    ],
    [
      'C62 an exchange in clear',
      text('{ type: token-exchange, issuer: "http://as.example", clientId: a, clientSecret: "${env:S}" }'),
      'credential.issuer: must be an https URL',
    ],
    [
      'C63 nothing to show',
      text('{ type: token-exchange, issuer: "https://as.example", clientId: a }'),
      'credential: needs clientSecret or privateKey',
    ],
    [
      'C64 a secret in clear',
      text('{ type: token-exchange, issuer: "https://as.example", clientId: a, clientSecret: abc }'),
      'credential.clientSecret: is a secret in clear text',
    ],
    [
      'C66 an assertion to nobody',
      text('{ type: id-jag, clientId: a, clientSecret: "${env:S}" }'),
      'credential.issuer: is required but missing',
    ],
    [
      'C67 an assertion in clear',
      text('{ type: id-jag, issuer: "http://as.example", clientId: a, clientSecret: "${env:S}" }'),
      'credential.issuer: must be an https URL',
    ],
    [
      'C68 nothing to show beside an assertion',
      text('{ type: id-jag, issuer: "https://as.example", clientId: a }'),
      'credential: needs clientSecret or privateKey',
    ],
    [
      'C69 an assertion where nobody is at a company',
      text('{ type: id-jag, issuer: "https://as.example", clientId: a, clientSecret: "${env:S}" }').replace(COMPANY, ''),
      'credential.type: is for people who signed in at their company',
    ],
    ['C18 key of another kind', text('{ type: bearer, token: "${env:T}", username: a }'), 'credential.username: unknown key'],
  ];
  it.each(refused)('%s', (_id, given, sentence) => {
    const refusal = () => parseGatewayConfig(given, 'f');
    expect(refusal).toThrow(ConfigError);
    expect(refusal).toThrow(sentence);
  });
});
