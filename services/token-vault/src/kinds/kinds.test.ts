import { CLIENT_CERTIFICATES } from '@switchyard/testing';
import { generateKeyPairSync } from 'node:crypto';
import type { CredentialParts } from '../credential.js';
import type { Settings } from './kind.js';
import { kindOf, kindProblems } from './kinds.js';

const { finance, ops } = CLIENT_CERTIFICATES;
const parts = (kind: string, settings: Record<string, string>, teams: CredentialParts['teams'] = {}): CredentialParts => ({
  ...{ headers: {}, env: {} },
  ...{ kind, settings, teams },
});
const encrypted = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'canary' },
}).privateKey;

describe('kinds of credential', () => {
  const shown: [id: string, kind: string, settings: Record<string, string>, expected: object][] = [
    ['K1 header', 'header', { name: 'X-Key', value: 'k' }, { headers: { 'X-Key': 'k' } }],
    // The example of RFC 7617 section 2.
    [
      'K2 basic',
      'basic',
      { username: 'Aladdin', password: 'open sesame' },
      { headers: { Authorization: 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==' } },
    ],
    // The example of RFC 7617 section 2.1.
    [
      'K3 basic in UTF-8',
      'basic',
      { username: 'test', password: '123£' },
      { headers: { Authorization: 'Basic dGVzdDoxMjPCow==' } },
    ],
    [
      'K4 basic, colons in the password',
      'basic',
      { username: 'a', password: 'b:c' },
      { headers: { Authorization: 'Basic YTpiOmM=' } },
    ],
    [
      'K5 mtls',
      'mtls',
      { certificate: finance.certificate, key: finance.key },
      { tlsCertificate: finance.certificate, tlsKey: finance.key },
    ],
  ];
  it.each(shown)('%s: what the upstream is shown', (_id, kind, settings, expected) => {
    expect(kindProblems(parts(kind, settings))).toEqual([]);
    expect(kindOf(kind)?.show(settings)).toEqual(expected);
  });

  const refused: [id: string, kind: string, settings: Settings, sentence: RegExp][] = [
    ['K6 line break in a header', 'header', { name: 'X-Key', value: 'a\ncanary' }, /^the header X-Key would hold characters/],
    ['K7 colon in a user name', 'basic', { username: 'a:canary', password: 'p' }, /^the user name would hold ":"/],
    ['K8 line break in a password', 'basic', { username: 'a', password: 'canary\n' }, /would hold a control character/],
    ['K9 no certificate', 'mtls', { certificate: 'canary', key: finance.key }, /^the client certificate is none in PEM/],
    ['K10 no key', 'mtls', { certificate: finance.certificate, key: 'canary' }, /is no private key in PEM/],
    ['K11 key with a passphrase', 'mtls', { certificate: finance.certificate, key: encrypted }, /without a passphrase/],
    [
      'K12 key of another',
      'mtls',
      { certificate: finance.certificate, key: ops.key },
      /^the key is not that of the client certificate/,
    ],
    ['K13 unknown kind', 'cookie', {}, /does not know credentials of the kind "cookie"/],
    ['K14 name of a property of all objects', 'constructor', {}, /does not know credentials of the kind "constructor"/],
  ];
  it.each(refused)('%s: refused in a sentence without the value', (_id, kind, settings, sentence) => {
    const problems = kindProblems(parts(kind, { ...settings }));
    expect(problems).toEqual([expect.stringMatching(sentence)]);
    expect(JSON.stringify(problems)).not.toMatch(/canary|BEGIN/);
  });

  it('K15 each team’s is checked, with what all have in common', () => {
    const team = (value: string) => ({ emails: [], claims: [], services: [], settings: { value } });
    expect(kindProblems(parts('header', { name: 'X-Key' }, { a: team('fine'), b: team('a\nb') }))).toEqual([
      expect.stringMatching(/^the header X-Key/),
    ]);
  });
});
