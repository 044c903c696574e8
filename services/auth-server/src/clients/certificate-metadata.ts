import { X509Certificate } from 'node:crypto';
import type { CertificateSubject } from '@switchyard/gateway-config';
import type { ClientMetadata } from 'oidc-provider';

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Why certificates (PEM) cannot be what a client is known by; undefined where they can. */
export function refuseCertificates(pem: string): string | undefined {
  const found = pem.match(PEM) ?? [];
  return found.length > 0 && found.every(isReadable)
    ? undefined
    : 'is not a certificate that can be used. Give it as PEM, beginning with -----BEGIN CERTIFICATE-----.';
}

function isReadable(pem: string): boolean {
  try {
    return new X509Certificate(pem).publicKey.asymmetricKeyType !== undefined;
  } catch {
    // The one way in which it fails: this is no certificate.
    return false;
  }
}

/** A client that is known by certificates themselves (RFC 8705 §2.2). @param pem what `refuseCertificates` lets pass */
export function selfSignedMetadata(pem: string): Partial<ClientMetadata> {
  const keys = (pem.match(PEM) ?? []).map((text) => {
    const certificate = new X509Certificate(text);
    return { ...certificate.publicKey.export({ format: 'jwk' }), x5c: [certificate.raw.toString('base64')] };
  });
  return { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys } };
}

/** A client that is known by what an authority says in its certificate (RFC 8705 §2.1). */
export function issuedMetadata({ dn, dns, uri, ip, email }: CertificateSubject): Partial<ClientMetadata> {
  const subject = {
    tls_client_auth_subject_dn: dn,
    tls_client_auth_san_dns: dns,
    tls_client_auth_san_uri: uri,
    tls_client_auth_san_ip: ip,
    tls_client_auth_san_email: email,
  };
  const given = Object.entries(subject).filter(([, value]) => value !== undefined);
  return { token_endpoint_auth_method: 'tls_client_auth', ...Object.fromEntries(given) };
}
