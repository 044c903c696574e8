import { identityReferences, parseGatewayConfig } from './index.js';

const text = (secret: string, key = '${env:K}') => `
identity:
  mode: oidc
  providers:
    a: { issuer: "https://a.example", clientId: id, clientSecret: "${secret}" }
    b: { issuer: "https://b.example", clientId: id, privateKey: "${key}" }
  services: { s: { clientSecret: "\${secret:service}", servers: [w] }, t: { publicKey: "\${env:PUBLIC}", servers: [w] } }
  clients: { c: { redirectUris: ["https://c.example/"], clientSecret: "\${secret:idp}" }, d: { redirectUris: ["https://d.example/"] } }
upstreams: { u: { url: "https://u.example/mcp" } }
servers: { w: { sources: [{ upstream: u }], access: [{ everyone: true }] } }
`;

describe('what the section identity takes from the vault', () => {
  const rows: [id: string, secret: string, key: string, expected: string[]][] = [
    ['IR1 each text once', '${secret:idp}', '${secret:key}', ['${secret:idp}', '${secret:key}', '${secret:service}']],
    ['IR2 what the vault does not resolve is not its', '${env:IDP}', '${file:key.pem}', ['${secret:service}', '${secret:idp}']],
    ['IR3 a text around a reference', 'x-${secret:idp}', '${env:K}', ['x-${secret:idp}', '${secret:service}', '${secret:idp}']],
  ];
  it.each(rows)('%s', (_id, secret, key, expected) => {
    expect(identityReferences(parseGatewayConfig(text(secret, key), 'f'))).toEqual(expected);
  });
});
