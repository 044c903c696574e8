// Events that the engine makes up itself: 90 days of a company with 5,000 callers, 300 tools on 40 upstreams and 12 servers. Callers and
// tools are as unequal as they are in life (Zipf's law, exponent 1). Equal numbers make equal events.

const DAYS = 90;
/** When the first one happened. */
export const firstDay = Date.UTC(2026, 0, 1);
export const lastDay = firstDay + DAYS * 86_400_000;
const blockRows = 1_000_000;

/** Rank of a thing among `count`, by Zipf: a number that is evenly spread between 0 and 1, as a power of their count. */
const zipf = (count, salt) => `toUInt32(pow(${count}, ${uniform(salt)}))`;
const uniform = (salt) => `((cityHash64(number, ${salt}) % 4294967296) / 4294967296)`;

const columns = {
  event_id: `concat('edge-', toString(n % 4), '/1767225600000/', toString(intDiv(n, 4) + 1))`,
  tenant: `'default'`,
  type: `multiIf(kind < 70, 'tool.called', kind < 90, 'proxy.hop', kind < 95, 'capability.listed', kind < 97, 'policy.denied', 'auth.token_issued')`,
  occurred_at: `toDateTime64(${firstDay / 1000}, 3, 'UTC') + toIntervalMillisecond(intDiv(n * ${DAYS * 86_400_000}, {rows:UInt64}))`,
  emitter: `concat('edge-', toString(n % 4))`,
  epoch: '1767225600000',
  sequence: 'intDiv(n, 4) + 1',
  request_id: `lower(hex(cityHash64(intDiv(n, 2), 7)))`,
  trace_id: `concat(lower(hex(cityHash64(intDiv(n, 2), 8))), lower(hex(cityHash64(intDiv(n, 2), 9))))`,
  principal_issuer: `'https://login.example.com'`,
  principal_subject: `concat('user-', toString(person))`,
  principal_name: `concat('user', toString(person), '@example.com')`,
  principal_kind: `'user'`,
  client_id: `concat('https://client.example/', toString(person % 7))`,
  client_name: `['claude-code', 'cursor', 'vscode', 'chatgpt'][person % 4 + 1]`,
  client_version: `'2.1.4'`,
  server: `concat('server-', toString(tool % 12))`,
  upstream: `concat('upstream-', toString(tool % 40))`,
  capability_kind: `'tool'`,
  capability: `concat('tool_', toString(tool))`,
  upstream_capability: 'capability',
  method: `'tools/call'`,
  era: `'modern'`,
  revision: `'2026-07-28'`,
  outcome: `multiIf(type = 'policy.denied', 'denied', luck < 4, 'error', luck < 5, 'cancelled', 'ok')`,
  reason: `multiIf(outcome = 'denied', 'policy_denied', luck < 2, 'upstream_timeout', '')`,
  http_status: '200',
  rpc_code: `if(outcome = 'error', -32603, 0)`,
  client_rpc_id: 'toString(n % 1000)',
  upstream_rpc_id: 'toString(n)',
  bytes_in: 'toUInt32(200 + pow(5000, r1))',
  bytes_out: 'toUInt32(300 + pow(200000, r2))',
  duration_us: 'toUInt32(3000 + pow(3000000, r3))',
  upstream_us: 'toUInt32(duration_us * 0.9)',
  snapshot: `'sha256-abcdef0123'`,
  teams: `[concat('team-', toString(person % 25))]`,
  attempt: '1',
  rule: `concat('servers.server-', toString(tool % 12), '.access[', toString(person % 5), ']')`,
  origin: `multiIf(outcome = 'denied', 'policy', outcome = 'error', ['upstream', 'gateway', 'client'][n % 3 + 1], '')`,
  stage_us: `map('authenticate', 12, 'resolve', 5, 'forward', upstream_us)`,
  arguments_tokens: 'intDiv(bytes_in, 4)',
  result_tokens: 'intDiv(bytes_out, 4)',
  cost_micros: 'if(tool % 3 = 0, 500, 0)',
  session_id: 'lower(hex(cityHash64(person, intDiv(n, 50000))))',
  ingested_at: 'occurred_at + toIntervalMillisecond(700)',
};

const source = `SELECT number AS n, ${zipf(5_000, 1)} AS person, ${zipf(300, 2)} AS tool, ${uniform(3)} AS r1, ${uniform(4)} AS r2, ${uniform(5)} AS r3,
  cityHash64(number, 6) % 100 AS kind, cityHash64(number, 10) % 100 AS luck FROM numbers({from:UInt64}, {count:UInt64})`;

/**
 * Fills `events`, and what is made from it when rows are inserted; goes on where a generation before was ended. Merges wait until it is done:
 * they would take half of the time.
 * @param engine chDB or a server, with the tables of analytics
 * @param onProgress told how many there are; returns whether to go on
 */
export async function generateEvents(engine, rows, onProgress) {
  const names = Object.keys(columns);
  const values = names.map((name) => `${columns[name]} AS ${name}`);
  await engine.command('SYSTEM STOP MERGES events');
  const [{ there }] = await engine.query('SELECT toUInt64(count()) AS there FROM events');
  for (let from = Number(there); from < rows; from += blockRows) {
    await engine.command(
      `INSERT INTO events (${names.join(', ')}) SELECT ${names.join(', ')} FROM (SELECT ${values.join(', ')} FROM (${source}))
       SETTINGS max_threads = 2, max_block_size = ${blockRows}, max_insert_block_size = ${blockRows}, min_insert_block_size_rows = ${blockRows},
         min_insert_block_size_bytes = 0, async_insert = 0`,
      { rows, from, count: Math.min(blockRows, rows - from) },
    );
    if (!onProgress(Math.min(from + blockRows, rows))) return;
  }
}
