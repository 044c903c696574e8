import { parseGatewayConfig } from './index.js';

const REST = `
upstreams: { up: { url: "https://up.example/mcp" } }
servers: { work: { sources: [{ upstream: up }], access: [{ everyone: true }] } }
`;
const parse = (identity: string, gateway = '{}') =>
  parseGatewayConfig(`gateway: ${gateway}\nidentity: ${identity}\n${REST}`, 'switchyard.yaml');
const enabled = 'clientCertificates: { enabled: true }';
const service = (text: string) => `{ ${enabled}, services: { a: { ${text}, servers: [work] } } }`;
const app = (text: string) => `{ ${enabled}, clients: { a: { redirectUris: ["http://localhost/cb"], ${text} } } }`;

describe('certificates of clients', () => {
  it('takes services and apps that are known by them', () => {
    const { services } = parse(service('certificateSubject: { dn: "CN=a,O=Acme" }')).identity;
    expect(services).toEqual([
      { name: 'a', clientId: 'a', certificateSubject: { dn: 'CN=a,O=Acme' }, servers: ['work'], teams: [] },
    ]);
    expect(parse(app('certificate: "${file:a.pem}"')).identity.clients[0]?.certificate).toBe('${file:a.pem}');
  });

  it('has the public URL speak https where the listener speaks TLS', () => {
    const { gateway } = parse('{}', '{ tls: { certificate: a.crt, key: a.key } }');
    expect([gateway.publicUrl, gateway.tls?.minVersion]).toEqual(['https://localhost:8080', 'TLSv1.2']);
  });

  it.each<[id: string, identity: string, gateway: string, message: string]>([
    [
      'CC1 where none are taken',
      '{ services: { a: { certificate: "${file:a}", servers: [work] } } }',
      '{}',
      'switchyard.yaml:2:43: identity.services.a.certificate: needs certificates of clients, which are not taken. Add identity.clientCertificates',
    ],
    [
      'CC2 bound tokens where none are taken',
      '{ clients: { a: { redirectUris: ["http://localhost/cb"], certificateBoundTokens: true } } }',
      '{}',
      'identity.clients.a.certificateBoundTokens: needs certificates',
    ],
    ['CC3 what is none', service('certificate: abc'), '{}', 'identity.services.a.certificate: is not a certificate in PEM.'],
    ['CC4 a private key', app('certificate: "-----BEGIN PRIVATE KEY-----"'), '{}', 'holds a private key'],
    ['CC5 two subjects', service('certificateSubject: { dn: CN=a, dns: a.example }'), '{}', 'must name exactly one of dn, dns'],
    ['CC6 no subject', service('certificateSubject: {}'), '{}', 'must name exactly one of dn, dns'],
    ['CC7 beside a secret', app('clientSecret: "${env:S}", certificate: "${file:a}"'), '{}', 'cannot stand beside clientSecret.'],
    ['CC8 a certificate of the vault', service('certificate: "${secret:a}"'), '{}', 'cannot be a secret of the token vault'],
    [
      'CC9 another origin without TLS',
      '{ clientCertificates: { endpointsUrl: "http://a.example" } }',
      '{}',
      'must be an https origin',
    ],
    [
      'CC10 http with TLS',
      '{}',
      '{ publicUrl: "http://localhost:1", tls: { certificate: a, key: b } }',
      'gateway.publicUrl: begins with http',
    ],
    ['CC11 TLS 1.1', '{}', '{ tls: { certificate: a, key: b, minVersion: TLSv1.1 } }', 'gateway.tls.minVersion'],
    ['CC12 any proxy', '{}', '{ certificateProxies: { addresses: [0.0.0.0/0], verified: true } }', 'allows every address'],
    [
      'CC13 proxies that say nothing of authorities',
      '{}',
      '{ certificateProxies: { addresses: [10.0.0.1/32] } }',
      'certificateProxies.verified: is required',
    ],
  ])('%s', (_id, identity, gateway, message) => {
    expect(() => parse(identity, gateway)).toThrow(message);
  });
});
