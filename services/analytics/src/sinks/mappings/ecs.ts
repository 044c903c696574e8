import type { EventType, Outcome } from '@switchyard/contracts';
import type { Mapping } from '../mapping.js';
import { levelOf, SEVERITY_OF_10 } from './event-level.js';
import { happenedAtMs, summaryOf, type ToldEvent } from './told-event.js';

/** Elastic Common Schema 9.4, as one JSON object. What it has no field for is in `switchyard`, by the event's own names. */
export const ecsMapping: Mapping = { contentType: 'application/json', map: (event) => JSON.stringify(ecsOf(event)) };

const VERSION = '9.4.0';
const PREFIX = 'switchyard.';

interface Row {
  readonly category: readonly string[];
  readonly type: readonly string[];
}

const call: Row = { category: ['api'], type: ['access'] };
const credential: Row = { category: ['iam'], type: ['info'] };
const configuration = (type: string): Row => ({ category: ['configuration'], type: [type] });
const iam = (...type: readonly string[]): Row => ({ category: ['iam'], type });
const session = (type: string): Row => ({ category: ['session'], type: [type] });
const authentication = (type: string): Row => ({ category: ['authentication', 'session'], type: [type] });
/** None of the categories is about the trail itself. */
const trail = (type: string): Row => ({ category: [], type: [type] });

/** `event.category` and `event.type` of every type of event: one row. */
export const CATEGORIES: Readonly<Record<EventType, Row>> = {
  'tool.called': call,
  'tool.intended': { category: ['api'], type: ['start'] },
  'prompt.got': call,
  'resource.read': call,
  'completion.made': call,
  'task.used': call,
  'capability.listed': call,
  'session.opened': session('start'),
  'session.closed': session('end'),
  'stream.opened': session('start'),
  'stream.closed': session('end'),
  'policy.denied': call,
  'request.refused': call,
  'proxy.hop': { category: ['api', 'network'], type: ['access'] },
  'event.unreadable': trail('error'),
  'auth.rejected': authentication('start'),
  'auth.signed_in': authentication('start'),
  'auth.signed_out': authentication('end'),
  'auth.token_issued': authentication('info'),
  'auth.identity_asserted': authentication('info'),
  'auth.client_registered': iam('creation', 'admin'),
  'auth.client_deleted': iam('deletion', 'admin'),
  'auth.grant_revoked': authentication('end'),
  'auth.token_revoked': authentication('end'),
  'auth.person_disabled': iam('change', 'user'),
  'auth.person_enabled': iam('change', 'user'),
  'auth.key_created': iam('creation', 'admin'),
  'auth.key_revoked': iam('deletion', 'admin'),
  'auth.signing_key_rotated': configuration('change'),
  'config.applied': configuration('change'),
  'config.rejected': configuration('change'),
  'connection.leased': credential,
  'connection.changed': iam('change'),
  'secret.changed': configuration('change'),
  'sink.replayed': { category: ['api'], type: ['admin'] },
  'vault.key_rotated': configuration('change'),
  'vault.keys_destroyed': configuration('deletion'),
  'payload.read': { category: ['api', 'file'], type: ['access'] },
  'payload.erased': configuration('deletion'),
  'audit.checkpoint_signed': trail('info'),
  'audit.retention_intended': trail('info'),
  'audit.retention_deleted': trail('deletion'),
  'audit.hold_set': configuration('change'),
  'audit.hold_released': configuration('change'),
  'audit.shed': trail('error'),
  'audit.gap_found': trail('error'),
  'audit.gap_closed': trail('info'),
  'audit.rebuild_started': { category: ['api'], type: ['admin'] },
  'alert.fired': trail('info'),
  'alert.resolved': trail('info'),
  'alert.silenced': configuration('change'),
  'alert.undelivered': trail('error'),
};

/** Of types that are newer than this. */
const OTHER: Row = { category: [], type: [] };

/** `event.outcome`, from the view of whoever made the event. */
const OUTCOMES: Readonly<Record<Outcome, string>> = {
  ok: 'success',
  error: 'failure',
  denied: 'failure',
  cancelled: 'unknown',
  pending: 'unknown',
  unknown: 'unknown',
};

/** What the category api says of a decision, beside `event.type`. */
const DECISIONS: Readonly<Partial<Record<Outcome, string>>> = { ok: 'allowed', denied: 'denied' };

type Place = readonly [path: string, told?: (value: never) => unknown];

const NANOSECONDS = 1_000;

/** Where each field is told. What has no row is told as `switchyard.<name>`. */
const PLACES: Readonly<Partial<Record<keyof ToldEvent, readonly Place[]>>> = {
  event_id: [['event.id']],
  tenant: [['organization.id']],
  type: [['event.action']],
  occurred_at: [],
  recorded_at: [['event.created']],
  emitter: [['service.node.name']],
  epoch: [['service.ephemeral_id']],
  sequence: [['event.sequence', whole]],
  request_id: [['http.request.id']],
  trace_id: [['trace.id']],
  principal_issuer: [['user.domain']],
  principal_subject: [['user.id']],
  principal_name: [['user.name'], ['related.user', (name: string) => [name]]],
  client_name: [['user_agent.name']],
  client_version: [['user_agent.version']],
  outcome: [['switchyard.outcome']],
  reason: [['event.reason']],
  http_status: [['http.response.status_code']],
  rpc_code: [['error.code', String]],
  bytes_in: [['http.request.body.bytes']],
  bytes_out: [['http.response.body.bytes']],
  duration_us: [['event.duration', (us: number) => us * NANOSECONDS]],
  rule: [['rule.name']],
  model_tokens_in: [['gen_ai.usage.input_tokens']],
  model_tokens_out: [['gen_ai.usage.output_tokens']],
};

function ecsOf(event: ToldEvent): Record<string, unknown> {
  const { type = '', outcome = '', capability, capability_kind: kind } = event;
  const row = own(CATEGORIES, type) ?? OTHER;
  const decision = row.category.includes('api') ? own(DECISIONS, outcome) : undefined;
  const level = levelOf(event);
  const told: Record<string, unknown> = {
    // A document of a data stream begins with it.
    '@timestamp': new Date(happenedAtMs(event)).toISOString(),
    ecs: { version: VERSION },
    message: summaryOf(event),
    event: {
      kind: 'event',
      category: row.category,
      type: decision === undefined ? row.type : [...row.type, decision],
      outcome: own(OUTCOMES, outcome) ?? 'unknown',
      severity: SEVERITY_OF_10[level],
      module: 'switchyard',
      dataset: 'switchyard.audit',
      provider: 'switchyard',
    },
    log: { level },
    service: { name: 'switchyard', type: 'switchyard' },
    observer: { vendor: 'Switchyard', product: 'Switchyard', type: 'gateway' },
  };
  for (const [name, value] of Object.entries(event)) {
    for (const [path, tell] of PLACES[name as keyof ToldEvent] ?? [[PREFIX + name] as Place]) {
      const said: unknown = tell === undefined ? value : tell(value as never);
      if (said === undefined) put(told, PREFIX + name, value);
      else put(told, path, said);
    }
  }
  if (kind === 'tool' && capability !== undefined) put(told, 'gen_ai.tool.name', capability);
  return told;
}

function whole(text: string): number | undefined {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

const own = <Value>(table: Readonly<Record<string, Value>>, key: string) => (Object.hasOwn(table, key) ? table[key] : undefined);

function put(into: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split('.');
  const last = names.pop() ?? '';
  let at = into;
  for (const name of names) at = (at[name] ??= {}) as Record<string, unknown>;
  at[last] = value;
}
