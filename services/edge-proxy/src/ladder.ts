/**
 * Every refusal that the edge can give, in the order in which the checks run. A reason is the metrics label, the log field, the
 * audit reason, `data.reason` towards the client, and the anchor in docs/errors.md.
 *
 * `http` is the status of the whole answer. 200 means that the refusal travels in band, as a JSON-RPC error: an HTTP status there
 * would end a legacy session or hide the sentence from the model. JSON-RPC codes are the specification's where it has one
 * (MCP 2026-07-28, "Error handling"; JSON-RPC 2.0 §5.1); the gateway's own start at 10400, outside every reserved range.
 */
export const LADDER = {
  host_not_served: { stage: 'route', http: 421, code: -32600 },
  origin_forbidden: { stage: 'route', http: 403, code: -32600 },
  not_found: { stage: 'route', http: 404, code: -32600 },
  method_not_allowed: { stage: 'route', http: 405, code: -32600 },
  shutting_down: { stage: 'route', http: 503, code: 10529 },
  starting_up: { stage: 'route', http: 503, code: 10529 },
  server_unknown: { stage: 'route', http: 404, code: -32600 },
  token_missing: { stage: 'authenticate', http: 401, code: 10401 },
  token_malformed: { stage: 'authenticate', http: 401, code: 10401 },
  token_invalid: { stage: 'authenticate', http: 401, code: 10401 },
  token_expired: { stage: 'authenticate', http: 401, code: 10401 },
  token_wrong_audience: { stage: 'authenticate', http: 401, code: 10401 },
  token_revoked: { stage: 'authenticate', http: 401, code: 10401 },
  key_not_for_server: { stage: 'authenticate', http: 403, code: 10403 },
  authentication_unavailable: { stage: 'authenticate', http: 503, code: 10503 },
  revocation_unknown: { stage: 'authenticate', http: 503, code: 10503 },
  unsupported_media_type: { stage: 'read', http: 415, code: -32600 },
  not_acceptable: { stage: 'read', http: 406, code: -32600 },
  body_too_large: { stage: 'read', http: 413, code: -32600 },
  body_timeout: { stage: 'read', http: 408, code: -32600 },
  parse_error: { stage: 'classify', http: 400, code: -32700 },
  invalid_request: { stage: 'classify', http: 400, code: -32600 },
  header_mismatch: { stage: 'classify', http: 400, code: -32020 },
  invalid_params: { stage: 'classify', http: 400, code: -32602 },
  unsupported_version: { stage: 'classify', http: 400, code: -32022 },
  method_not_found: { stage: 'classify', http: 404, code: -32601 },
  method_unknown: { stage: 'classify', http: 200, code: -32601 },
  session_missing: { stage: 'session', http: 400, code: -32600 },
  session_unknown: { stage: 'session', http: 404, code: -32001 },
  event_unknown: { stage: 'session', http: 404, code: -32600 },
  stream_conflict: { stage: 'session', http: 409, code: -32600 },
  capability_unknown: { stage: 'resolve', http: 200, code: -32602 },
  cursor_invalid: { stage: 'resolve', http: 200, code: -32602 },
  request_state_invalid: { stage: 'resolve', http: 200, code: -32602 },
  task_unknown: { stage: 'resolve', http: 200, code: -32602 },
  call_lost: { stage: 'resolve', http: 200, code: 10410 },
  too_many_subscriptions: { stage: 'resolve', http: 200, code: 10429 },
  era_mismatch: { stage: 'resolve', http: 200, code: 10505 },
  policy_denied: { stage: 'authorize', http: 200, code: 10403 },
  insufficient_scope: { stage: 'authorize', http: 403, code: 10403 },
  audit_unavailable: { stage: 'admit', http: 503, code: 10507 },
  connection_required: { stage: 'lease', http: 200, code: 10401 },
  caller_unproven: { stage: 'lease', http: 200, code: 10403 },
  credential_unavailable: { stage: 'lease', http: 200, code: 10503 },
  credential_rejected: { stage: 'forward', http: 200, code: 10502 },
  upstream_unavailable: { stage: 'forward', http: 200, code: 10503 },
  upstream_timeout: { stage: 'forward', http: 200, code: 10504 },
  upstream_invalid: { stage: 'forward', http: 200, code: 10502 },
  task_not_possible: { stage: 'forward', http: 200, code: -32601 },
  client_capability_missing: { stage: 'forward', http: 400, code: -32021 },
  result_too_large: { stage: 'forward', http: 200, code: 10413 },
  stream_lost: { stage: 'forward', http: 200, code: 10503 },
  cancelled: { stage: 'forward', http: 200, code: 10499 },
  internal: { stage: 'fault', http: 500, code: 10500 },
} as const satisfies Record<string, { stage: string; http: number; code: number }>;

/** Key of a refusal. */
export type Reason = keyof typeof LADDER;
