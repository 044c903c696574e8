import { createPublicKey } from 'node:crypto';
import type { ServiceClientConfig } from '@switchyard/gateway-config';
import type { ClientMetadata } from 'oidc-provider';
import { issuedMetadata, selfSignedMetadata } from '../clients/certificate-metadata.js';

/** Services of the configuration, by client id. Secrets and keys are resolved. */
export type ServiceClients = ReadonlyMap<string, ServiceClientConfig>;

/** What everything that a service is given counts as: it is revoked as one. */
export const serviceGrantId = (clientId: string) => `service.${clientId}`;

/** A client that gets tokens in its own name, and no others (RFC 6749 §4.4). */
export function serviceClientMetadata(service: ServiceClientConfig): ClientMetadata {
  return {
    client_id: service.clientId,
    client_name: service.name,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    ...credentialOf(service),
    ...(bindsTokens(service) ? { tls_client_certificate_bound_access_tokens: true } : {}),
  };
}

/** Whether a service may have tokens for a server. @param slug absent: the gateway as a whole */
export function mayReach({ servers }: ServiceClientConfig, slug: string | undefined): boolean {
  return servers.includes('*') || (slug !== undefined && servers.includes(slug));
}

/** Who is known by a certificate has it at hand whenever a token is used. */
const bindsTokens = ({ certificate, certificateSubject, certificateBoundTokens }: ServiceClientConfig) =>
  certificateBoundTokens ?? (certificate !== undefined || certificateSubject !== undefined);

function credentialOf(service: ServiceClientConfig): Partial<ClientMetadata> {
  const { clientSecret, publicKey, jwks, jwksUri, certificate, certificateSubject } = service;
  if (certificate !== undefined) return selfSignedMetadata(certificate);
  if (certificateSubject !== undefined) return issuedMetadata(certificateSubject);
  if (clientSecret !== undefined) return { token_endpoint_auth_method: 'client_secret_basic', client_secret: clientSecret };
  const keys = publicKey === undefined ? jwks?.keys : [{ ...createPublicKey(publicKey).export({ format: 'jwk' }) }];
  return {
    token_endpoint_auth_method: 'private_key_jwt',
    ...(keys === undefined ? { jwks_uri: jwksUri } : { jwks: { keys } }),
  };
}
