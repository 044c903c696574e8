import type { X509Certificate } from 'node:crypto';

/** Metadata of clients that says whom their certificate was issued to (RFC 8705 §2.1.2). */
const MATCHES: Readonly<Record<string, (certificate: X509Certificate, expected: string) => boolean>> = {
  tls_client_auth_subject_dn: ({ subject }, expected) => sameName(subject, expected),
  tls_client_auth_san_dns: (certificate, expected) =>
    certificate.checkHost(expected, { subject: 'never', wildcards: false })?.toLowerCase() === expected.toLowerCase(),
  tls_client_auth_san_email: (certificate, expected) => certificate.checkEmail(expected, { subject: 'never' }) !== undefined,
  tls_client_auth_san_ip: (certificate, expected) => certificate.checkIP(expected) !== undefined,
  tls_client_auth_san_uri: ({ subjectAltName = '' }, expected) => urisIn(subjectAltName).includes(expected),
};

/** Whether a certificate was issued to whom a client says it is. @param property of the client's metadata */
export function subjectMatches(certificate: X509Certificate, property: string, expected: string): boolean {
  return MATCHES[property]?.(certificate, expected) === true;
}

/** @param subject one relative name on each line, the first one first @param expected as RFC 4514 writes it: the last one first */
function sameName(subject: string | undefined, expected: string): boolean {
  const given = (subject ?? '').split('\n').map(normalized);
  const wanted = partsOf(expected, ',').map(normalized).reverse();
  return given.length === wanted.length && given.every((part, index) => part !== undefined && part === wanted[index]);
}

const NAMES: Readonly<Record<string, string>> = { EMAIL: 'EMAILADDRESS', E: 'EMAILADDRESS', S: 'ST' };

/** A relative name in one spelling; undefined where it is none. Values are compared as they are, more strictly than RFC 4517 §4.2.15 asks. */
function normalized(relativeName: string): string | undefined {
  const parts = partsOf(relativeName, '+').map((part) => {
    const at = part.indexOf('=');
    const type = part.slice(0, Math.max(0, at)).trim().toUpperCase();
    return at < 1 ? undefined : JSON.stringify([NAMES[type] ?? type, unescaped(part.slice(at + 1))]);
  });
  return parts.includes(undefined) ? undefined : parts.sort().join('+');
}

/** Splits where a character is not escaped (RFC 4514 §2.4). */
function partsOf(text: string, separator: ',' | '+'): string[] {
  const parts = [''];
  for (const [piece] of text.matchAll(/\\[\s\S]|[\s\S]/g)) {
    if (piece === separator) parts.push('');
    else parts[parts.length - 1] += piece;
  }
  return parts;
}

const ESCAPED = /(?:\\[0-9A-Fa-f]{2})+|\\([\s\S])/g;

function unescaped(value: string): string {
  const trimmed = value.trim().replace(/\\$/, '\\ ');
  return trimmed.replace(ESCAPED, (run, character: string | undefined) =>
    character === undefined ? Buffer.from(run.replaceAll('\\', ''), 'hex').toString('utf8') : character,
  );
}

/** A name as node:crypto prints it: in quotes, as JSON, where it holds what could be mistaken for another. */
const ALTERNATIVE_NAME = /([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/y;

function urisIn(alternativeNames: string): string[] {
  const uris: string[] = [];
  ALTERNATIVE_NAME.lastIndex = 0;
  for (let found; (found = ALTERNATIVE_NAME.exec(alternativeNames)) !== null;) {
    const [, kind, value = ''] = found;
    if (kind === 'URI') uris.push(value.startsWith('"') ? String(JSON.parse(value)) : value);
  }
  return uris;
}
