-- Events of before, with the time at which they arrived. Copying them twice changes nothing that can be read.
INSERT INTO events
(
    event_id, tenant, type, occurred_at, emitter, epoch, sequence, request_id, trace_id, principal_issuer,
    principal_subject, principal_name, principal_kind, client_id, client_name, client_version, server, upstream,
    capability_kind, capability, upstream_capability, method, era, revision, outcome, reason, http_status, rpc_code,
    client_rpc_id, upstream_rpc_id, bytes_in, bytes_out, duration_us, upstream_us, snapshot, detail, teams, on_behalf_of,
    attempt, rule, origin, stage_us, arguments_tokens, result_tokens, model_tokens_in, model_tokens_out, cost_micros,
    recorded_at, session_id, chain, ingested_at
)
SELECT
    event_id, tenant, type, occurred_at, emitter, epoch, sequence, request_id, trace_id, principal_issuer,
    principal_subject, principal_name, principal_kind, client_id, client_name, client_version, server, upstream,
    capability_kind, capability, upstream_capability, method, era, revision, outcome, reason, http_status, rpc_code,
    client_rpc_id, upstream_rpc_id, bytes_in, bytes_out, duration_us, upstream_us, snapshot, detail, teams, on_behalf_of,
    attempt, rule, origin, stage_us, arguments_tokens, result_tokens, model_tokens_in, model_tokens_out, cost_micros,
    recorded_at, session_id, chain, ingested_at
FROM events_before_0010
