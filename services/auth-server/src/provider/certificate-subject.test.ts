import { CLIENT_CERTIFICATES } from '@switchyard/testing';
import { X509Certificate } from 'node:crypto';
import { subjectMatches } from './certificate-subject.js';

const DN = 'tls_client_auth_subject_dn';
const URI = 'tls_client_auth_san_uri';

/** As node:crypto prints them. */
const certificate = (facts: { readonly subject?: string; readonly subjectAltName?: string }) => facts as X509Certificate;

describe('whom a certificate was issued to (RFC 8705 §2.1.2)', () => {
  it.each<[id: string, subject: string, expected: string, matches: boolean]>([
    ['one name', 'CN=a', 'CN=a', true],
    ['the other way round', 'C=DE\nO=Acme\nCN=a', 'CN=a,O=Acme,C=DE', true],
    ['spaces after commas, types in lower case', 'C=DE\nO=Acme\nCN=a', 'cn=a, o=Acme, c=DE', true],
    ['as it stands in the certificate', 'C=DE\nO=Acme\nCN=a', 'C=DE,O=Acme,CN=a', false],
    ['an escaped comma', 'O=Acme\\, Inc.\nCN=a', 'CN=a,O=Acme\\, Inc.', true],
    ['an escaped comma as hex', 'O=Acme\\, Inc.\nCN=a', 'CN=a,O=Acme\\2C Inc.', true],
    ['a comma that is not escaped', 'O=Acme\\, Inc.\nCN=a', 'CN=a,O=Acme, Inc.', false],
    ['names in one value', 'O=Acme\\,CN=a', 'CN=a,O=Acme', false],
    ['several values of one name', 'C=DE\nOU=x + CN=a', 'CN=a+OU=x,C=DE', true],
    ['letters beyond ASCII', 'CN=J\\C3\\BCrgen', 'CN=Jürgen', true],
    ['another value', 'CN=ab', 'CN=a', false],
    ['another case', 'CN=A', 'CN=a', false],
    ['one name less', 'C=DE\nCN=a', 'CN=a', false],
    ['one name more', 'CN=a', 'CN=a,C=DE', false],
    ['a new line in a value', 'CN=a\\0AO=Acme', 'O=Acme,CN=a', false],
    ['nothing', '', 'CN=a', false],
    ['what is no name', 'a', 'a', false],
  ])('distinguished name: %s', (_id, subject, expected, matches) => {
    expect(subjectMatches(certificate({ subject }), DN, expected)).toBe(matches);
  });

  it.each<[id: string, names: string | undefined, matches: boolean]>([
    ['the only one', 'URI:spiffe://x/a', true],
    ['among others', 'DNS:a.example, URI:spiffe://x/a, IP Address:10.0.0.1', true],
    ['in quotes', 'DNS:a, URI:"spiffe://x/a"', true],
    ['inside another name', 'DNS:"a, URI:spiffe://x/a"', false],
    ['longer', 'URI:spiffe://x/ab', false],
    ['none', undefined, false],
  ])('URI: %s', (_id, subjectAltName, matches) => {
    const facts = subjectAltName === undefined ? {} : { subjectAltName };
    expect(subjectMatches(certificate(facts), URI, 'spiffe://x/a')).toBe(matches);
  });

  it('hosts, addresses and e-mail addresses are looked for among alternative names alone, and not everything is a property', () => {
    const real = new X509Certificate(CLIENT_CERTIFICATES.ops.certificate);
    for (const name of ['dns', 'email', 'ip']) {
      const expected = name === 'ip' ? '10.0.0.1' : 'gateway-ops';
      expect(subjectMatches(real, `tls_client_auth_san_${name}`, expected)).toBe(false);
    }
    expect(subjectMatches(real, DN, 'CN=gateway-ops')).toBe(true);
    expect(subjectMatches(real, 'client_name', 'gateway-ops')).toBe(false);
  });
});
