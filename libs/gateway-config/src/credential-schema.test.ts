import { ConfigError } from '@switchyard/runtime';
import { parseGatewayConfig } from './load.js';

const text = (credential: string, url = 'https://x.example/mcp', more = '') =>
  `teams: { finance: { emails: [a@b.co] }, ops: { claims: [ops] } }\nupstreams:\n  a: { url: "${url}", ${more}credential: ${credential} }\n`;

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
      'C3 mtls',
      '{ type: mtls, certificate: "${file:c.pem}", key: "${secret:k}" }',
      {},
      { kind: 'mtls', owner: 'organisation', settings: { certificate: '${file:c.pem}', key: '${secret:k}' }, teams: {} },
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
    ['C11 half of it', text('{ type: basic, username: a }'), 'credential.password: '],
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
    ['C18 key of another kind', text('{ type: bearer, token: "${env:T}", username: a }'), 'credential.username: unknown key'],
  ];
  it.each(refused)('%s', (_id, given, sentence) => {
    const refusal = () => parseGatewayConfig(given, 'f');
    expect(refusal).toThrow(ConfigError);
    expect(refusal).toThrow(sentence);
  });
});
