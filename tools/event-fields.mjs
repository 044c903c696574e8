// Which fields of events go together.

/** Fields that go together. */
const FIELDS = {
  identity: 'event_id tenant type occurred_at emitter epoch sequence outcome recorded_at chain severity',
  request: 'request_id trace_id',
  principal: 'principal_issuer principal_subject principal_name principal_kind client_id',
  attribution: 'teams on_behalf_of',
  server: 'server snapshot',
  client: 'client_name client_version era revision session_id',
  target: 'upstream capability_kind capability upstream_capability method',
  ending: 'reason origin http_status rpc_code',
  ids: 'client_rpc_id upstream_rpc_id',
  sizes: 'bytes_in bytes_out',
  time: 'duration_us upstream_us stage_us',
  tokens: 'arguments_tokens result_tokens model_tokens_in model_tokens_out cost_micros',
};

/** The fields of some groups, and fields by their own names. */
export const names = (...groups) => groups.flatMap((group) => (FIELDS[group] ?? group).split(' '));

/** Of what administrators do. */
export const ADMIN = names('identity', 'request', 'principal', 'reason', 'http_status');
