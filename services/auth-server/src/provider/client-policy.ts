import { judgeRedirectUri, type RedirectKind } from '@switchyard/oauth';
import { errors, type ClientMetadata } from 'oidc-provider';

/** Metadata of our own that clients may register besides the library's (RFC 7591 §2). */
export const EXTRA_CLIENT_METADATA = ['software_id', 'software_version'] as const;

const GRANT_TYPES = ['authorization_code', 'refresh_token'];
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const REDIRECT_URIS_LIMIT = 20;
const TEXT_LIMIT_CHARACTERS = 200;

// Not used here: what would make this server fetch something (SSRF), what is shown unproxied, and what only OpenID Connect
// features need that are off. RFC 7591 §2: a server ignores metadata that it does not understand.
const IGNORED = [
  'contacts', 'default_acr_values', 'default_max_age', 'id_token_signed_response_alg', 'initiate_login_uri', 'logo_uri',
  'require_auth_time', 'response_modes', 'scope', 'sector_identifier_uri', 'subject_type',
] as const; // prettier-ignore

/** How clients are known by TLS certificates (RFC 8705 §2): only those whose certificates the configuration names. */
export const CERTIFICATE_METHODS = ['tls_client_auth', 'self_signed_tls_client_auth'] as const;

const KEYS = ['jwks', 'jwks_uri', 'token_endpoint_auth_signing_alg'] as const;

/**
 * Applies our rules to the metadata of a client that describes itself, and again whenever it is read: what a later version
 * forbids stops working for clients that registered before.
 * @param metadata as the client gave it; changed in place
 * @param extensionGrantTypes grant types that clients may have too, where they authenticate
 * @throws InvalidClientMetadata (RFC 7591 §3.2.2)
 */
export function applyClientPolicy(metadata: ClientMetadata, extensionGrantTypes: readonly string[] = []): void {
  const fields = metadata as unknown as Record<string, unknown>;
  for (const name of IGNORED) delete fields[name];
  for (const [name, value] of Object.entries(fields)) if (value === null || value === '') delete fields[name];
  for (const name of ['client_name', ...EXTRA_CLIENT_METADATA]) fields[name] = shortText(name, fields[name]);
  if (CERTIFICATE_METHODS.some((method) => method === metadata.token_endpoint_auth_method))
    throw new errors.InvalidClientMetadata(
      'clients that are known by a TLS certificate stand in the configuration of the gateway',
    );
  const authenticates = metadata.token_endpoint_auth_method !== 'none';
  metadata.grant_types = supportedGrantTypes(fields['grant_types'], authenticates ? extensionGrantTypes : []);
  if (!metadata.grant_types.includes('authorization_code')) {
    // No browser is ever sent back to it.
    metadata.redirect_uris = [];
    metadata.response_types = [];
    metadata.application_type = 'native';
    return;
  }
  metadata.application_type = applicationType(fields['redirect_uris']);
  metadata.response_types = ['code'];
}

/** Takes away what only a client shows itself with whose id says who publishes its keys. @param metadata changed in place */
export function dropKeys(metadata: ClientMetadata): void {
  for (const name of KEYS) delete (metadata as unknown as Record<string, unknown>)[name];
}

/** One name to be shown to people: what a client says of itself, on one line. */
function shortText(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new errors.InvalidClientMetadata(`${name} must be text`);
  const text = value.replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  if (text.length > TEXT_LIMIT_CHARACTERS) throw new errors.InvalidClientMetadata(`${name} must have at most 200 characters`);
  return text === '' ? undefined : text;
}

/** Native where any response stays on the machine, so that a loopback redirect may use any port (RFC 8252 §7.3). */
function applicationType(redirectUris: unknown): 'web' | 'native' {
  return redirectKinds(redirectUris).every((kind) => kind === 'web') ? 'web' : 'native';
}

function redirectKinds(redirectUris: unknown): RedirectKind[] {
  if (!isTextList(redirectUris) || redirectUris.length === 0) {
    throw new errors.InvalidClientMetadata('redirect_uris must be a list of at least one URI');
  }
  if (redirectUris.length > REDIRECT_URIS_LIMIT) {
    throw new errors.InvalidClientMetadata(`redirect_uris must be at most ${REDIRECT_URIS_LIMIT}`);
  }
  return redirectUris.map((uri) => {
    const judged = judgeRedirectUri(uri);
    if ('problem' in judged) throw new errors.InvalidClientMetadata(`redirect_uris ${judged.problem}`);
    return judged.kind;
  });
}

/** RFC 7591 §2: the server may leave out what it does not offer, and says in its answer what it registered. */
function supportedGrantTypes(grantTypes: unknown, extensions: readonly string[]): string[] {
  if (grantTypes === undefined) return [...GRANT_TYPES];
  if (!isTextList(grantTypes)) throw new errors.InvalidClientMetadata('grant_types must be a list of texts');
  const supported = [...GRANT_TYPES, DEVICE_GRANT, ...extensions].filter((type) => grantTypes.includes(type));
  if (!supported.includes('authorization_code') && !supported.includes(DEVICE_GRANT)) {
    throw new errors.InvalidClientMetadata(`grant_types must include authorization_code or ${DEVICE_GRANT}`);
  }
  return supported;
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
