import { errorResponse } from '@switchyard/mcp';
import { bearerChallenge, dpopChallenge, MCP_SCOPE, protectedResourceMetadataUrl } from '@switchyard/oauth';
import type { Ending } from '../ending.js';
import type { Exchange } from '../exchange.js';
import type { Reason } from '../ladder.js';
import type { Refusal } from '../refusal.js';

const ALLOW = 'GET, POST, DELETE, OPTIONS';

/** Turns how an exchange ended into bytes: the one place where refusals become HTTP and JSON-RPC. */
export function renderEnding(exchange: Exchange, ending: Ending): void {
  const { reply } = exchange;
  if (ending.kind === 'response') reply.json(ending.status, ending.bytes, ending.headers);
  else if (ending.kind === 'empty') reply.empty(ending.status, ending.headers);
  else if (ending.kind === 'refused')
    reply.json(ending.refusal.http, refusalBody(exchange, ending.refusal), refusalHeaders(exchange, ending.refusal));
}

/** The JSON-RPC message that an exchange ended with; undefined where there is none. */
export function endingBytes(exchange: Exchange, ending: Ending): Buffer | undefined {
  if (ending.kind === 'response') return ending.bytes;
  return ending.kind === 'refused' ? refusalBody(exchange, ending.refusal) : undefined;
}

function refusalBody(exchange: Exchange, refusal: Refusal): Buffer {
  const data = { reason: refusal.reason, ...refusal.data, request_id: exchange.requestId };
  return errorResponse(exchange.facts.client_rpc_id || 'null', refusal.code, refusal.message, data);
}

const NO_CREDENTIALS_SENT = 'token_missing';
const NOT_ENOUGH = 'insufficient_scope';

/** The rest of the body is not read, or the edge is about to end: either way the connection cannot be used again. */
const ENDS_CONNECTION: ReadonlySet<Reason> = new Set<Reason>([
  'unsupported_media_type',
  'body_too_large',
  'body_timeout',
  'shutting_down',
]);

function refusalHeaders(exchange: Exchange, refusal: Refusal): Record<string, string> {
  const retryAfter = refusal.data.retry_after_seconds;
  return {
    ...((refusal.http === 401 || refusal.reason === NOT_ENOUGH) && { 'www-authenticate': challenge(exchange, refusal) }),
    ...(refusal.http === 405 && { allow: ALLOW }),
    ...(ENDS_CONNECTION.has(refusal.reason) && { connection: 'close' }),
    ...(typeof retryAfter === 'number' && { 'retry-after': String(retryAfter) }),
  };
}

/** Error codes of challenges, where they are not `invalid_token` (RFC 6750 §3.1, RFC 9449 §7.1). */
const ERRORS: Readonly<Partial<Record<Reason, string>>> = {
  insufficient_scope: 'insufficient_scope',
  proof_invalid: 'invalid_dpop_proof',
  proof_nonce_missing: 'use_dpop_nonce',
};

/** Who gets these has to use the scheme DPoP. */
const ABOUT_PROOFS: ReadonlySet<Reason> = new Set<Reason>([
  'token_bound',
  'proof_required',
  'proof_invalid',
  'proof_nonce_missing',
]);
const DPOP_SCHEME = /^DPoP /i;

/** RFC 6750 §3, RFC 9728 §5.1. A request without credentials is told no error. */
function challenge(exchange: Exchange, refusal: Refusal): string {
  const { slug } = exchange.server;
  const resourceMetadataUrl = protectedResourceMetadataUrl({
    publicUrl: exchange.catalog.publicUrl,
    ...(slug !== '' && { slug }),
  });
  const { reason, message: description, data } = refusal;
  const error = ERRORS[reason] ?? 'invalid_token';
  // All that the operation needs, in one challenge; what else the client has, it adds by itself.
  const scope = Array.isArray(data.required_scopes) ? data.required_scopes.join(' ') : MCP_SCOPE;
  const facts = { resourceMetadataUrl, scope, ...(reason === NO_CREDENTIALS_SENT ? {} : { error, description }) };
  if (ABOUT_PROOFS.has(reason) || DPOP_SCHEME.test(exchange.head.authorization ?? '')) return dpopChallenge(facts);
  return reason === NOT_ENOUGH ? bearerChallenge(facts) : `${bearerChallenge(facts)}, ${dpopChallenge()}`;
}
