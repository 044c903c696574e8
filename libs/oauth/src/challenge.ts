import { DPOP_ALGORITHMS } from './dpop-proof.js';

/** What a 401 or 403 tells an OAuth client. */
export interface BearerChallenge {
  /** Absolute URL of the metadata document of the resource (RFC 9728 §5.1). */
  readonly resourceMetadataUrl: string;
  /** RFC 6750 §3.1 error code; absent where the request carried no credential at all. */
  readonly error?: string;
  /** One sentence for the developer of the client. */
  readonly description?: string;
  /** Scopes that this operation needs, separated by spaces. */
  readonly scope?: string;
}

// RFC 6750 §3 allows printable ASCII without `"` and `\` in these values.
const quoted = (name: string, text: string) => `${name}="${text.replace(/[^\x20-\x7e]|["\\]/g, '')}"`;

/**
 * Value of a `WWW-Authenticate` header (RFC 6750 §3, RFC 9728 §5.1).
 * @returns for example `Bearer error="invalid_token", resource_metadata="https://…"`
 */
export function bearerChallenge(o: BearerChallenge): string {
  return `Bearer ${parametersOf(o).join(', ')}`;
}

/**
 * The same for tokens that are bound to a key (RFC 9449 §7.1). @param o absent beside another challenge, which says the rest
 * @returns for example `DPoP algs="ES256"`
 */
export function dpopChallenge(o?: BearerChallenge): string {
  return `DPoP ${[...(o === undefined ? [] : parametersOf(o)), quoted('algs', DPOP_ALGORITHMS.join(' '))].join(', ')}`;
}

function parametersOf(o: BearerChallenge): string[] {
  return [
    o.error === undefined ? [] : [quoted('error', o.error)],
    o.description === undefined ? [] : [quoted('error_description', o.description)],
    o.scope === undefined ? [] : [quoted('scope', o.scope)],
    [quoted('resource_metadata', o.resourceMetadataUrl)],
  ].flat();
}
