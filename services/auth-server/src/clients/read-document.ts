import type { SmallAnswer } from './fetch-small.js';

/** What of a client's description is used. The rest is left out, as RFC 7591 §2 has it. */
const USED = [
  'client_id',
  'client_name',
  'client_uri',
  'redirect_uris',
  'grant_types',
  'token_endpoint_auth_method',
  'token_endpoint_auth_signing_alg',
  'jwks',
  'jwks_uri',
  'software_id',
  'software_version',
] as const;

/** Why a client's description cannot be used. Each is told to the client, and recorded. */
export type DocumentFault =
  | 'redirected'
  | 'bad_status'
  | 'not_json'
  | 'other_client_id'
  | 'holds_secret'
  | 'shared_secret_auth'
  | 'incomplete'
  | 'bad_keys';

const AUTH_METHODS = new Set(['none', 'private_key_jwt']);
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

type Fields = Record<string, unknown>;

/**
 * Reads the answer to a request for a client's description (OAuth Client ID Metadata Document, draft-00 §4).
 * @returns the client's metadata, or what is wrong
 */
export function readDocument(
  clientId: string,
  { status, fields, body }: SmallAnswer,
): { readonly metadata: Fields } | { readonly fault: DocumentFault } {
  if (status >= 300 && status < 400) return { fault: 'redirected' };
  if (status !== 200) return { fault: 'bad_status' };
  if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(String(fields['content-type']))) return { fault: 'not_json' };
  const document = parsed(body);
  if (document === undefined) return { fault: 'not_json' };
  const fault = faultOf(clientId, document);
  if (fault !== undefined) return { fault };
  const used = Object.fromEntries(USED.filter((name) => document[name] !== undefined).map((name) => [name, document[name]]));
  return { metadata: { token_endpoint_auth_method: 'none', ...used } };
}

function faultOf(clientId: string, document: Fields): DocumentFault | undefined {
  if (document['client_id'] !== clientId) return 'other_client_id';
  if ('client_secret' in document || 'client_secret_expires_at' in document) return 'holds_secret';
  const method = document['token_endpoint_auth_method'];
  if (method !== undefined && !AUTH_METHODS.has(String(method))) return 'shared_secret_auth';
  // MCP 2025-11-25, "Client ID Metadata Documents": these are the least that there must be.
  if (typeof document['client_name'] !== 'string' || !Array.isArray(document['redirect_uris'])) return 'incomplete';
  return keyFault(document, method === 'private_key_jwt');
}

function keyFault({ jwks, jwks_uri: jwksUri }: Fields, needsKeys: boolean): DocumentFault | undefined {
  if (jwks === undefined && jwksUri === undefined) return needsKeys ? 'bad_keys' : undefined;
  if (jwksUri !== undefined) return jwks === undefined && isHttps(jwksUri) ? undefined : 'bad_keys';
  const keys = (jwks as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'object' && key !== null)) return 'bad_keys';
  return keys.some((key: Fields) => PRIVATE_MEMBERS.some((name) => name in key)) ? 'holds_secret' : undefined;
}

const isHttps = (value: unknown) => typeof value === 'string' && URL.parse(value)?.protocol === 'https:';

function parsed(body: Buffer): Fields | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
  } catch {
    // Whatever it is instead, the client is told that it is no JSON object.
    return undefined;
  }
}
