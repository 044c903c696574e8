// Fields of an event that go together, and keys of its detail that several types have.

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
export const names = (...groups) => groups.flatMap((group) => (FIELDS[group] ?? group).split(' '));

export const EXCHANGE = names(
  'identity',
  'request',
  'principal',
  'attribution',
  'server',
  'client',
  'target',
  'ending',
  'ids',
  'sizes',
  'time',
  'rule',
);
export const CALL = [...EXCHANGE, ...names('tokens')];
export const ADMIN = names('identity', 'request', 'principal', 'reason', 'http_status');
export const SIGN_IN = names('identity', 'request', 'principal', 'client_name', 'reason', 'http_status');

export const BECAUSE = { because: 'What decided within the reason, for example no_rule_grants or scope.' };
export const RESULT = { result: 'What the call has become where it is no plain result: input_required or task.' };
export const INTENT = { intent: 'Event id of the intent that went before, on servers with strict durability.' };
export const CAPTURE = {
  capture: 'redacted or full, where arguments and result were captured; unavailable where they should have been.',
  capture_failed: 'Why they were not: vault_unavailable, key_destroyed or spool_full.',
  payload: 'Id of what was captured, which is kept apart and encrypted.',
  payload_sha256: 'SHA-256 of the ciphertext, in hexadecimal: the chain vouches for it, also once nobody can read it.',
};
export const GRANT = { grant: 'Id of the grant.' };
export const PERSON = { person: 'Subject of the person.' };
export const KEY = {
  key_id: 'Id of the API key.',
  key_name: 'Name of the API key.',
  servers: 'Servers that it opens, separated by spaces.',
  roles: 'Roles that it has, separated by spaces.',
  first: 'true for the key that the gateway makes at its first start.',
};

export const ALERT = {
  alert: 'Name of the rule.',
  kind: 'What kind of rule it is.',
  id: 'Id of this change.',
  count: 'How many of what the rule judges one by one it is about.',
  what: 'The first of them, in one sentence each, separated by line breaks.',
};
