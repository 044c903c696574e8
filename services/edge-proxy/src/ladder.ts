import type { Origin } from '@switchyard/contracts';

/**
 * Every refusal that the edge can give, in the order in which the checks run. A reason is the metrics label, the log field, the
 * audit reason, `data.reason` towards the client, and the anchor in docs/errors.md.
 *
 * `http` is the status of the whole answer. 200 means that the refusal travels in band, as a JSON-RPC error: an HTTP status there
 * would end a legacy session or hide the sentence from the model. JSON-RPC codes are the specification's where it has one
 * (MCP 2026-07-28, "Error handling"; JSON-RPC 2.0 §5.1); the gateway's own start at 10400, outside every reserved range.
 * `origin` is where the failure comes from, as events say it: the client, what the organisation has decided, the gateway, an upstream.
 */
export const LADDER = {
  host_not_served: { stage: 'route', http: 421, code: -32600, origin: 'client' },
  origin_forbidden: { stage: 'route', http: 403, code: -32600, origin: 'policy' },
  not_found: { stage: 'route', http: 404, code: -32600, origin: 'client' },
  method_not_allowed: { stage: 'route', http: 405, code: -32600, origin: 'client' },
  shutting_down: { stage: 'route', http: 503, code: 10529, origin: 'gateway' },
  starting_up: { stage: 'route', http: 503, code: 10529, origin: 'gateway' },
  server_unknown: { stage: 'route', http: 404, code: -32600, origin: 'client' },
  token_missing: { stage: 'authenticate', http: 401, code: 10401, origin: 'client' },
  token_malformed: { stage: 'authenticate', http: 401, code: 10401, origin: 'client' },
  token_invalid: { stage: 'authenticate', http: 401, code: 10401, origin: 'client' },
  token_expired: { stage: 'authenticate', http: 401, code: 10401, origin: 'client' },
  token_wrong_audience: { stage: 'authenticate', http: 401, code: 10401, origin: 'client' },
  token_revoked: { stage: 'authenticate', http: 401, code: 10401, origin: 'client' },
  token_bound: { stage: 'authenticate', http: 401, code: 10401, origin: 'client' },
  certificate_missing: { stage: 'authenticate', http: 401, code: 10401, origin: 'client' },
  certificate_mismatch: { stage: 'authenticate', http: 401, code: 10401, origin: 'client' },
  proof_required: { stage: 'authenticate', http: 401, code: 10401, origin: 'client' },
  proof_invalid: { stage: 'authenticate', http: 401, code: 10401, origin: 'client' },
  proof_nonce_missing: { stage: 'authenticate', http: 401, code: 10401, origin: 'client' },
  key_not_for_server: { stage: 'authenticate', http: 403, code: 10403, origin: 'policy' },
  authentication_unavailable: { stage: 'authenticate', http: 503, code: 10503, origin: 'gateway' },
  revocation_unknown: { stage: 'authenticate', http: 503, code: 10503, origin: 'gateway' },
  unsupported_media_type: { stage: 'read', http: 415, code: -32600, origin: 'client' },
  not_acceptable: { stage: 'read', http: 406, code: -32600, origin: 'client' },
  body_too_large: { stage: 'read', http: 413, code: -32600, origin: 'client' },
  body_timeout: { stage: 'read', http: 408, code: -32600, origin: 'client' },
  parse_error: { stage: 'classify', http: 400, code: -32700, origin: 'client' },
  invalid_request: { stage: 'classify', http: 400, code: -32600, origin: 'client' },
  header_mismatch: { stage: 'classify', http: 400, code: -32020, origin: 'client' },
  invalid_params: { stage: 'classify', http: 400, code: -32602, origin: 'client' },
  unsupported_version: { stage: 'classify', http: 400, code: -32022, origin: 'client' },
  method_not_found: { stage: 'classify', http: 404, code: -32601, origin: 'client' },
  method_unknown: { stage: 'classify', http: 200, code: -32601, origin: 'client' },
  session_missing: { stage: 'session', http: 400, code: -32600, origin: 'client' },
  session_unknown: { stage: 'session', http: 404, code: -32001, origin: 'client' },
  event_unknown: { stage: 'session', http: 404, code: -32600, origin: 'client' },
  stream_conflict: { stage: 'session', http: 409, code: -32600, origin: 'client' },
  capability_unknown: { stage: 'resolve', http: 200, code: -32602, origin: 'client' },
  cursor_invalid: { stage: 'resolve', http: 200, code: -32602, origin: 'client' },
  request_state_invalid: { stage: 'resolve', http: 200, code: -32602, origin: 'client' },
  task_unknown: { stage: 'resolve', http: 200, code: -32602, origin: 'client' },
  call_lost: { stage: 'resolve', http: 200, code: 10410, origin: 'gateway' },
  too_many_subscriptions: { stage: 'resolve', http: 200, code: 10429, origin: 'policy' },
  era_mismatch: { stage: 'resolve', http: 200, code: 10505, origin: 'upstream' },
  policy_denied: { stage: 'authorize', http: 200, code: 10403, origin: 'policy' },
  insufficient_scope: { stage: 'authorize', http: 403, code: 10403, origin: 'policy' },
  audit_unavailable: { stage: 'admit', http: 503, code: 10507, origin: 'gateway' },
  connection_required: { stage: 'lease', http: 200, code: 10401, origin: 'client' },
  caller_unproven: { stage: 'lease', http: 200, code: 10403, origin: 'gateway' },
  credential_unavailable: { stage: 'lease', http: 200, code: 10503, origin: 'gateway' },
  credential_rejected: { stage: 'forward', http: 200, code: 10502, origin: 'upstream' },
  upstream_unavailable: { stage: 'forward', http: 200, code: 10503, origin: 'upstream' },
  upstream_timeout: { stage: 'forward', http: 200, code: 10504, origin: 'upstream' },
  upstream_invalid: { stage: 'forward', http: 200, code: 10502, origin: 'upstream' },
  task_not_possible: { stage: 'forward', http: 200, code: -32601, origin: 'client' },
  client_capability_missing: { stage: 'forward', http: 400, code: -32021, origin: 'client' },
  result_too_large: { stage: 'forward', http: 200, code: 10413, origin: 'policy' },
  stream_lost: { stage: 'forward', http: 200, code: 10503, origin: 'gateway' },
  cancelled: { stage: 'forward', http: 200, code: 10499, origin: 'client' },
  state_unavailable: { stage: 'fault', http: 503, code: 10503, origin: 'gateway' },
  internal: { stage: 'fault', http: 500, code: 10500, origin: 'gateway' },
} as const satisfies Record<string, { stage: string; http: number; code: number; origin: Origin }>;

/** Key of a refusal. */
export type Reason = keyof typeof LADDER;
