// What the columns of generated events are made of: a company of 5,000 callers with 300 tools on 12 servers and 40 upstreams, for 90 days.
// Callers, servers and tools are as unequal as they are in life (Zipf's law, exponent 1); most happens by day and in the middle of the week;
// upstreams fail in bursts of an hour. Nearly every request is two events, as an edge writes them: its hop, and the call itself. Equal
// numbers make equal events.

export const DAYS = 90;
const DAY_MS = 86_400_000;

const uniform = (of, salt) => `((cityHash64(${of}, ${salt}) % 4294967296) / 4294967296)`;
/** Rank of a thing among `count`, from 1, by Zipf: a number that is evenly spread between 0 and 1, as a power of their count. */
const zipf = (count, of, salt) => `toUInt32(pow(${count}, ${uniform(of, salt)}))`;

/** How much busier 13:00 UTC is than the mean, and Wednesday: below 1, so that time never runs backwards. */
const byDay = { share: 0.7, periodMs: DAY_MS, peakMs: 13 * 3_600_000 };
const byWeek = { share: 0.2, periodMs: 7 * DAY_MS, peakMs: 2.5 * DAY_MS };
/** Gathers what is evenly spread around a peak. */
const gathered = (time, { share, periodMs, peakMs }) =>
  `${time} - ${(share * periodMs) / (2 * Math.PI)} * sin(${(2 * Math.PI) / periodMs} * (${time} - ${peakMs}))`;

/** What follows from the number of an event, each from those before it. */
const SOURCES = {
  even: `n * (${DAYS * DAY_MS} / {rows:Float64})`,
  by_week: gathered('even', byWeek),
  at: `{first:Int64} + toInt64(${gathered('by_week', byDay)})`,
  request: 'intDiv(n, 2)',
  is_second: 'n % 2',
  person: zipf(5_000, 'request', 1),
  place: zipf(12, 'request', 2),
  tool: `(place - 1) * 25 + ${zipf(25, 'request', 3)}`,
  kind: 'cityHash64(request, 4) % 200',
  r1: uniform('request', 5),
  r2: uniform('request', 6),
  r3: uniform('request', 7),
  needle: 'cityHash64(request, 8) % 4000000',
  is_burst: `cityHash64(tool % 40, intDiv(at, 3600000), 9) % 40 = 0`,
  fails: `cityHash64(request, 10) % 1000 < if(is_burst, 600, 15)`,
  edge: 'request % 4',
  is_legacy: 'person % 5 > 1',
};

const HOP = `type = 'proxy.hop'`;
const CALL = `type = 'tool.called'`;
const AUTH = `type = 'auth.token_issued'`;
const named = `type IN ('tool.called', 'policy.denied')`;
/** What only edges say. */
const ofEdge = (expression, empty = `''`) => `if(${AUTH}, ${empty}, ${expression})`;
/** 32 bytes as no codec makes them less. */
const digest = (salt) => `base64URLEncode(concat(sipHash128(n, ${salt}), sipHash128(n, ${salt + 1})))`;

/** Columns that a line of an edge fills, as expressions over the above and the columns before. */
export const COLUMNS = {
  type: `multiIf(kind < 176, if(is_second, 'tool.called', 'proxy.hop'), kind < 190, if(is_second, 'capability.listed', 'proxy.hop'),
    kind < 195, if(is_second, 'policy.denied', 'auth.token_issued'), if(is_second, 'session.closed', 'session.opened'))`,
  event_id: `concat('edge-', toString(edge + 1), '/', toString({first:Int64}), '/', toString(sequence))`,
  tenant: `'default'`,
  occurred_at: `fromUnixTimestamp64Milli(at, 'UTC')`,
  emitter: `concat('edge-', toString(edge + 1))`,
  epoch: 'toUInt64({first:Int64})',
  sequence: 'intDiv(request, 4) * 2 + is_second + 1',
  request_id: `lower(hex(sipHash128(if(kind < 190, request, n), 11)))`,
  trace_id: `lower(hex(sipHash128(if(kind < 190, request, n), 12)))`,
  principal_issuer: `'https://login.example.com'`,
  principal_subject: `concat('00u', lower(hex(cityHash64(person, 13))))`,
  principal_name: `concat('user', toString(person), '@example.com')`,
  principal_kind: `if(person % 50 = 1, 'service', 'user')`,
  client_id: `concat('https://client.example/', toString(person % 7))`,
  client_name: `if(${HOP}, '', ['claude-code', 'cursor', 'vscode', 'chatgpt'][person % 4 + 1])`,
  client_version: ofEdge(`if(${HOP}, '', '2.1.4')`),
  server: `concat('server-', toString(place))`,
  upstream: `if(${HOP} OR ${named}, concat('upstream-', toString(tool % 40)), '')`,
  capability_kind: `if(${named}, 'tool', '')`,
  capability: `if(${named}, multiIf(needle = 7, 'payroll_export_everything', concat('tool_', toString(tool))), '')`,
  upstream_capability: `if(${CALL}, capability, if(${HOP} AND kind < 176, concat('tool_', toString(tool)), ''))`,
  method: `multiIf(kind < 176 OR type = 'policy.denied', 'tools/call', kind < 190, 'tools/list', type = 'session.opened', 'initialize', type = 'session.closed', 'DELETE', '')`,
  era: ofEdge(`if(is_legacy, 'legacy', 'modern')`),
  revision: ofEdge(`if(${HOP}, '', if(is_legacy, '2025-11-25', '2026-07-28'))`),
  outcome: `multiIf(type = 'policy.denied', 'denied', fails AND kind < 176, if(r1 < 0.05, 'cancelled', 'error'), 'ok')`,
  reason: `multiIf(outcome = 'denied', 'policy_denied', outcome = 'cancelled', 'cancelled',
    outcome = 'ok' OR r2 < 0.3, '', needle % 1000000 = 11, 'upstream_certificate_expired', r2 < 0.6, 'upstream_timeout', 'upstream_unreachable')`,
  http_status: `multiIf(outcome = 'denied', 403, outcome = 'error' AND reason != '', 502, 200)`,
  rpc_code: `if(outcome = 'error', -32603, 0)`,
  client_rpc_id: ofEdge(`if(${HOP}, '', toString(request % 1000))`),
  upstream_rpc_id: `if(kind < 190, concat('"', lower(hex(toUInt32({first:Int64} % 4294967296))), '-', toString(request), '"'), '')`,
  bytes_in: ofEdge(`if(${HOP}, 0, toUInt32(200 + pow(5000, r1)))`, 0),
  bytes_out: ofEdge('toUInt32(300 + pow(200000, r2) + is_second * 40)', 0),
  upstream_us: `if(kind < 190, toUInt32(2500 + pow(3000000, r3)), 0)`,
  duration_us: ofEdge(`if(${HOP}, 0, toUInt32(upstream_us + 300 + pow(2000, r1)))`, 0),
  snapshot: ofEdge(`concat('sha256-', lower(hex(cityHash64(intDiv(at, ${DAY_MS}), 14))))`),
  detail: `multiIf(outcome = 'denied', map('because', 'no_rule_grants'), needle = 13 AND is_second, map('because', 'Session of legal-hold-4711 has ended'), map())`,
  teams: ofEdge(
    `if(person % 10 = 0, [concat('team-', toString(person % 25)), 'on-call'], [concat('team-', toString(person % 25))])`,
    '[]',
  ),
  attempt: `if(${HOP}, 1, 0)`,
  rule: ofEdge(`concat('servers.', server, '.access[', toString(person % 5), ']')`),
  origin: `multiIf(outcome = 'denied', 'policy', outcome = 'error', if(r1 < 0.9, 'upstream', 'gateway'), outcome = 'cancelled', 'client', '')`,
  stage_us: `CAST(if(${HOP} OR type = 'auth.token_issued', map(), map('upstream', upstream_us, 'render', toUInt32(40 + pow(400, r2)))), 'Map(String, UInt32)')`,
  arguments_tokens: `if(${CALL}, intDiv(bytes_in - 150, 4), 0)`,
  result_tokens: `if(${CALL}, intDiv(bytes_out - 80, 4), 0)`,
  cost_micros: `if(${CALL} AND tool % 3 = 0, 500, 0)`,
  session_id: ofEdge(`if(is_legacy, substring(base64URLEncode(sipHash128(person, intDiv(at, 14400000), 15)), 1, 22), '')`),
  chain: digest(16),
  // One insert takes what has come in 0.4 s.
  ingested_at: `fromUnixTimestamp64Milli(intDiv(at + 1000, 400) * 400, 'UTC')`,
};

/** SELECT of `count` events from number `from` on. Parameters: rows, first, from, count. */
export function selectEvents(names = Object.keys(COLUMNS)) {
  const made = Object.entries({ ...SOURCES, ...COLUMNS }).map(([name, expression]) => `${expression} AS ${name}`);
  return `SELECT ${names.join(', ')} FROM (SELECT number AS n, ${made.join(',\n  ')}
  FROM numbers({from:UInt64}, {count:UInt64}))`;
}
