import { DPOP_ALGORITHMS } from './dpop-proof.js';
import { ACCOUNT_SCOPE } from './scopes.js';

/** The gateway as a whole (`/mcp`), or one virtual server of it. */
export interface ResourceOptions {
  /** Origin of the gateway, without a trailing slash. */
  readonly publicUrl: string;
  /** Virtual server; absent for `/mcp`. */
  readonly slug?: string;
}

const resourcePath = (slug: string | undefined) => (slug === undefined ? '/mcp' : `/mcp/${slug}`);

/**
 * The one spelling of a protected resource: what clients call, what tokens carry as `aud` (RFC 8707 §2).
 * @returns for example `https://mcp.example.com/mcp/work`
 */
export function resourceUrl(o: ResourceOptions): string {
  return `${o.publicUrl}${resourcePath(o.slug)}`;
}

/**
 * Where the metadata of a protected resource is served: the well-known part goes between origin and path (RFC 9728 §3.1).
 * @returns for example `https://mcp.example.com/.well-known/oauth-protected-resource/mcp/work`
 */
export function protectedResourceMetadataUrl(o: ResourceOptions): string {
  return `${o.publicUrl}/.well-known/oauth-protected-resource${resourcePath(o.slug)}`;
}

/** Metadata document of a protected resource (RFC 9728 §2). */
export interface ProtectedResourceMetadata {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly scopes_supported: readonly string[];
  readonly bearer_methods_supported: readonly string[];
  readonly dpop_signing_alg_values_supported?: readonly string[];
  /** Whether tokens are taken that are bound to TLS certificates (RFC 8705 §3). */
  readonly tls_client_certificate_bound_access_tokens?: true;
  /** Whether no other tokens will do. */
  readonly dpop_bound_access_tokens_required?: true;
}

/**
 * Metadata document of a protected resource (RFC 9728 §2).
 * @param o.scopes scopes that a client should ask for; never `offline_access`, which is between client and authorization server
 */
export function protectedResourceMetadata(
  o: ResourceOptions & {
    readonly scopes: readonly string[];
    readonly requireDpop?: boolean;
    readonly takesCertificates?: boolean;
  },
): ProtectedResourceMetadata {
  return {
    resource: resourceUrl(o),
    authorization_servers: [o.publicUrl],
    scopes_supported: [...o.scopes],
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: DPOP_ALGORITHMS,
    ...(o.takesCertificates === true ? { tls_client_certificate_bound_access_tokens: true } : {}),
    ...(o.requireDpop === true ? { dpop_bound_access_tokens_required: true } : {}),
  };
}

/** The gateway's own API as a protected resource: what tokens with which people manage their sign-ins are for. */
export const apiResourceUrl = (publicUrl: string): string => `${publicUrl}/api`;

/** Where its metadata is served (RFC 9728 §3.1). */
export const apiMetadataUrl = (publicUrl: string): string => `${publicUrl}/.well-known/oauth-protected-resource/api`;

/** Its metadata document (RFC 9728 §2). */
export const apiMetadata = (publicUrl: string): ProtectedResourceMetadata => ({
  resource: apiResourceUrl(publicUrl),
  authorization_servers: [publicUrl],
  scopes_supported: [ACCOUNT_SCOPE],
  bearer_methods_supported: ['header'],
});
