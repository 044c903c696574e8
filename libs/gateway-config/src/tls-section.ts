import { z } from 'zod';
import { cidr } from './cidr.js';

const path = z.string().min(1);

const clientCertificates = z
  .strictObject({
    authorities: path
      .optional()
      .describe(
        'File of the certificate authorities (PEM, one or several) that issue certificates of clients. Needed for `certificateSubject`; without it certificates only bind tokens, and show who has a certificate that is configured itself.',
      ),
    listen: z
      .strictObject({
        host: z.string().min(1).default('0.0.0.0').describe('Address that the listener binds to.'),
        port: z.int().min(0).max(65_535).describe('Port of the listener. 0 picks a free one.'),
      })
      .optional()
      .describe(
        'A listener of its own that asks clients for certificates, so that browsers are not asked at the public one. Unless given, the public one asks.',
      ),
  })
  .describe('Asks clients for certificates (mutual TLS). Who has none is served all the same, and cannot use what needs one.');

/** How the public listener speaks TLS. */
export const tlsSection = z
  .strictObject({
    certificate: path.describe('File of the certificate and what it was issued by (PEM), the certificate first.'),
    key: path.describe('File of its private key (PEM, not encrypted).'),
    minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2').describe('Oldest version that is spoken.'),
    clientCertificates: clientCertificates.optional(),
  })
  .describe(
    'Terminates TLS at the public listener itself. The files are read again when they change; connections that stand go on. Relative paths start from the folder of this file. Unless given, something in front of the gateway has to terminate TLS, except on loopback.',
  );

/** How the public listener speaks TLS. */
export type TlsConfig = z.output<typeof tlsSection>;

/** Whose word counts for which certificate a client has shown. */
export const certificateProxiesSection = z
  .strictObject({
    addresses: z.array(cidr).min(1).describe('Addresses of the proxies, as CIDR.'),
    verified: z
      .boolean()
      .describe(
        'Whether the proxies let only certificates pass that an authority of yours has issued. Where not, certificates only bind tokens, and show who has a certificate that is configured itself.',
      ),
  })
  .describe(
    'Proxies that terminate TLS in front of the gateway and name the client’s certificate in the field Client-Cert (RFC 9440). They must take that field away from what clients send. From every other address it is ignored.',
  );

/** Whose word counts for which certificate a client has shown. */
export type CertificateProxiesConfig = z.output<typeof certificateProxiesSection>;
