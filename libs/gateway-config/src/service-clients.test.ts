import { ConfigError } from '@switchyard/runtime';
import { parseGatewayConfig } from './index.js';

const SERVERS = `
upstreams: { up: { url: "https://up.example/mcp" } }
servers: { work: { sources: [{ upstream: up }], access: [{ everyone: true }] } }
`;
const parse = (services: string, rest = 'teams: { robots: { emails: [a@example.com] } }') =>
  parseGatewayConfig(`identity:\n  services: ${services}\n${rest}\n${SERVERS}`, 'switchyard.yaml');
const secret = 'clientSecret: "${env:S}"';

describe('identity.services', () => {
  it('takes services with keys and secrets; the name is the client id unless given', () => {
    const { services } = parse(
      `{ a: { ${secret}, servers: [work] }, b: { clientId: b-1, publicKey: "\${file:b.pem}", servers: ["*"], teams: [robots] } }`,
    ).identity;
    expect(services).toEqual([
      { name: 'a', clientId: 'a', clientSecret: '${env:S}', servers: ['work'], teams: [] },
      { name: 'b', clientId: 'b-1', publicKey: '${file:b.pem}', servers: ['*'], teams: ['robots'] },
    ]);
  });

  it('counts as a member of a team', () => {
    expect(() => parse(`{ a: { ${secret}, servers: [work], teams: [robots] } }`, 'teams: { robots: {} }')).not.toThrow();
  });

  it.each<[id: string, services: string, message: string]>([
    [
      'S1 no credential',
      '{ a: { servers: [work] } }',
      'identity.services.a: needs publicKey, jwks, jwksUri, clientSecret, certificate or certificateSubject.',
    ],
    [
      'S2 two credentials',
      `{ a: { ${secret}, publicKey: "\${file:x}", servers: [work] } }`,
      'identity.services.a.clientSecret: cannot stand beside publicKey.',
    ],
    ['S3 a secret in clear text', '{ a: { clientSecret: abc, servers: [work] } }', 'is a secret in clear text.'],
    ['S4 a secret of two places', '{ a: { clientSecret: "${secret:x}${env:Y}", servers: [work] } }', 'is resolved in two places'],
    ['S5 a private key', '{ a: { publicKey: "-----BEGIN PRIVATE KEY-----", servers: [work] } }', 'is a private key'],
    ['S6 no PEM', '{ a: { publicKey: abc, servers: [work] } }', 'is not a public key in PEM.'],
    ['S7 a private JWK', '{ a: { jwks: { keys: [{ kty: EC, d: x }] }, servers: [work] } }', 'holds a private or shared key'],
    ['S8 keys without TLS', '{ a: { jwksUri: "http://keys.example/", servers: [work] } }', 'must be an https URL'],
    ['S9 an unknown server', `{ a: { ${secret}, servers: [wrok] } }`, 'no server is called "wrok". Did you mean "work"?'],
    [
      'S10 an unknown team',
      `{ a: { ${secret}, servers: [work], teams: [robot] } }`,
      'no team is called "robot". Did you mean "robots"?',
    ],
    ['S11 no server', `{ a: { ${secret}, servers: [] } }`, 'identity.services.a.servers: is empty'],
    ['S12 an id that is a person’s', `{ usr_a: { ${secret}, servers: [work] } }`, 'must not begin with "usr_"'],
    [
      'S13 an id that is a URL',
      `{ a: { clientId: "https://x.example/c", ${secret}, servers: [work] } }`,
      'identity.services.a.clientId: must be',
    ],
    [
      'S14 one id twice',
      `{ a: { ${secret}, servers: [work] }, b: { clientId: a, ${secret}, servers: [work] } }`,
      'identity.services.b.clientId: "a" is another service’s already.',
    ],
  ])('%s', (_id, services, message) => {
    expect(() => parse(services)).toThrow(ConfigError);
    expect(() => parse(services)).toThrow(message);
  });

  it('S15: keys without TLS on a loopback host, only while the gateway is on one', () => {
    const services = '{ a: { jwksUri: "http://127.0.0.1:9/", servers: [work] } }';
    expect(() => parse(services)).not.toThrow();
    const oidc = 'mode: oidc\n  oidc: { issuer: "https://i.example", clientId: c, clientSecret: "${env:S}" }';
    const text = `gateway: { publicUrl: "https://mcp.example.com" }\nidentity:\n  ${oidc}\n  services: ${services}\n${SERVERS}`;
    expect(() => parseGatewayConfig(text, 'f')).toThrow('identity.services.a.jwksUri: is without TLS');
  });
});
