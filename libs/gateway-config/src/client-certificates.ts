import { z } from 'zod';
import type { PlacedProblem } from './placed-problem.js';
import { holdsReference } from './secret-reference.js';

const endpointsUrl = z.string().refine((text) => URL.parse(text)?.protocol === 'https:' && URL.parse(text)?.origin === text, {
  message: 'must be an https origin: no path, no trailing slash. Write for example https://mtls.example.com.',
});

/** Whether, and where, tokens are bound to certificates. */
export const clientCertificateTokens = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe('Whether clients may show TLS certificates. The edges have to get them: see `tls` and `certificateProxies`.'),
    endpointsUrl: endpointsUrl
      .optional()
      .describe(
        'Origin at which clients are asked for certificates, where that is not `gateway.publicUrl`; the metadata says so (`mtls_endpoint_aliases`).',
      ),
  })
  .prefault({})
  .describe(
    'TLS certificates of clients, to identify themselves by and to bind tokens to (RFC 8705). Stolen, such a token opens nothing.',
  );

const KINDS = ['dn', 'dns', 'uri', 'ip', 'email'] as const;

/** What a certificate must say of whom it was issued to, exactly one of these (RFC 8705 §2.1.2). */
const certificateSubject = z
  .strictObject({
    dn: z.string().min(1).optional().describe('Its subject, as RFC 4514 writes it, for example `CN=billing,O=Example,C=DE`.'),
    dns: z.string().min(1).optional().describe('A host among its alternative names.'),
    uri: z.string().min(1).optional().describe('A URI among them, for example of SPIFFE.'),
    ip: z.union([z.ipv4(), z.ipv6()]).optional().describe('An address among them.'),
    email: z.string().min(1).optional().describe('An e-mail address among them.'),
  })
  .refine((subject) => KINDS.filter((kind) => subject[kind] !== undefined).length === 1, {
    message: 'must name exactly one of dn, dns, uri, ip and email. Keep one of them.',
  });

/** What a client may be known by its certificate by, in the configuration. */
export const certificateKeys = {
  certificate: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Instead of it: the certificate (PEM, or a reference to it; several while one replaces another) that the client shows when it connects (self_signed_tls_client_auth). Needs `identity.clientCertificates`.',
    ),
  certificateSubject: certificateSubject
    .optional()
    .describe(
      'Instead of it: what the certificate says that the client shows, issued by an authority that the edges or their proxies know (tls_client_auth). Needs `identity.clientCertificates`.',
    ),
  certificateBoundTokens: z
    .boolean()
    .optional()
    .describe(
      'Whether its tokens are bound to the certificate that it shows. Unless given: where it is known by a certificate. Needs `identity.clientCertificates`.',
    ),
};

/** How a client is known by its certificate. */
export interface CertificateKeys {
  readonly certificate?: string | undefined;
  readonly certificateSubject?: CertificateSubject | undefined;
  readonly certificateBoundTokens?: boolean | undefined;
}

/** Exactly one of them is there. */
export type CertificateSubject = { readonly [Kind in (typeof KINDS)[number]]?: string | undefined };

/** What is wrong with a certificate as it is written, before it is resolved. */
export function refuseCertificate(text: string): string | undefined {
  if (text.includes('PRIVATE KEY')) return 'holds a private key, which only the client should have. Give its certificate.';
  return holdsReference(text) || text.includes('-----BEGIN CERTIFICATE-----')
    ? undefined
    : 'is not a certificate in PEM. Begin with -----BEGIN CERTIFICATE-----, or refer to a file with ${file:PATH}.';
}

/** Clients that need certificates, where none are taken. */
export function needlessCertificates(identity: {
  readonly clientCertificates: { readonly enabled: boolean };
  readonly services: readonly (CertificateKeys & { readonly name: string })[];
  readonly clients: readonly (CertificateKeys & { readonly clientId: string })[];
}): PlacedProblem[] {
  if (identity.clientCertificates.enabled) return [];
  const message = 'needs certificates of clients, which are not taken. Add identity.clientCertificates: { enabled: true }.';
  const keysOf = (section: string, name: string, keys: CertificateKeys) => {
    const key = (['certificate', 'certificateSubject'] as const).find((one) => keys[one] !== undefined);
    const named = key ?? (keys.certificateBoundTokens === true ? 'certificateBoundTokens' : undefined);
    return named === undefined ? [] : [{ path: ['identity', section, name, named], message }];
  };
  return [
    ...identity.services.flatMap((service) => keysOf('services', service.name, service)),
    ...identity.clients.flatMap((app) => keysOf('clients', app.clientId, app)),
  ];
}
