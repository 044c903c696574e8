import { renderCircumstances } from '@switchyard/audit';
import type { EventType, Outcome } from '@switchyard/contracts';
import { type Era, METHODS } from '@switchyard/mcp';
import type { Edge } from './edge.js';
import type { Ending } from './ending.js';
import type { Exchange, Round } from './exchange.js';
import { Facts } from './facts.js';
import { LADDER } from './ladder.js';
import type { UpstreamAnswer } from './upstream/link.js';

/** Methods whose every exchange is an event. What is refused is one whatever its method. */
export const EVENT_OF_METHOD: ReadonlyMap<string, EventType> = new Map<string, EventType>([
  ['tools/call', 'tool.called'],
  ['prompts/get', 'prompt.got'],
  ['resources/read', 'resource.read'],
  ['completion/complete', 'completion.made'],
  ['tasks/get', 'task.used'],
  ['tasks/result', 'task.used'],
  ['tasks/update', 'task.used'],
  ['tasks/cancel', 'task.used'],
  ['tools/list', 'capability.listed'],
  ['prompts/list', 'capability.listed'],
  ['resources/list', 'capability.listed'],
  ['resources/templates/list', 'capability.listed'],
  ['initialize', 'session.opened'],
  ['DELETE', 'session.closed'],
]);

/** Stages that refuse before it is known what the caller wants. */
const EVENT_OF_STAGE: Readonly<Record<string, EventType>> = {
  route: 'request.refused',
  authenticate: 'auth.rejected',
  read: 'request.refused',
  classify: 'request.refused',
  session: 'request.refused',
  authorize: 'policy.denied',
};

interface Summary {
  readonly type: EventType;
  readonly outcome: Outcome;
  readonly reason: string;
  readonly status: number;
  readonly code: number;
}

function summarize(exchange: Exchange, ending: Ending): Summary | undefined {
  const own = EVENT_OF_METHOD.get(exchange.facts.method);
  if (ending.kind === 'refused') {
    const { reason, http, code } = ending.refusal;
    const { stage } = LADDER[reason];
    const outcome = reason === 'cancelled' ? 'cancelled' : stage === 'authorize' || stage === 'authenticate' ? 'denied' : 'error';
    // What the gateway has ended had begun.
    const ofStage = exchange.endedBy === undefined ? EVENT_OF_STAGE[stage] : undefined;
    return { type: ofStage ?? own ?? 'request.refused', outcome, reason, status: http, code };
  }
  if (own === undefined) return undefined;
  if (ending.kind === 'response')
    return { type: own, outcome: ending.outcome, reason: ending.reason ?? '', status: ending.status, code: ending.code ?? 0 };
  return { type: own, outcome: 'ok', reason: '', status: ending.kind === 'empty' ? ending.status : 200, code: 0 };
}

/** HTTP methods that a JSON-RPC method has not taken the place of. */
const HTTP_LABELS: ReadonlySet<string> = new Set(['', 'GET', 'DELETE', 'OPTIONS']);

/** Clients make up methods as they like; a metrics label must not follow them. */
function labelOf({ facts: { method } }: Exchange): string {
  return METHODS.has(method) || HTTP_LABELS.has(method) ? method : 'other';
}

/** What every event of an exchange says of its circumstances. */
export function newFacts({
  requestId,
  trace,
  server,
  catalog,
}: Pick<Round['exchange'], 'requestId' | 'trace' | 'server' | 'catalog'>): Facts {
  return new Facts(
    renderCircumstances({ request_id: requestId, trace_id: trace.traceId, server: server.slug, snapshot: catalog.revision }),
  );
}

/**
 * Records an exchange: its event is in the kernel when this resolves, on strict servers on the disk, and only then may the last byte of
 * the answer leave.
 * @throws SpoolFull when the event cannot be kept
 */
export function recordEnding(exchange: Exchange, ending: Ending, edge: Edge): Promise<void> | undefined {
  const durationMicros = edge.clock.monotonicMicros() - exchange.startedAtMicros;
  const summary = summarize(exchange, ending);
  edge.metrics.durations.record(durationMicros / 1e6, labelOf(exchange), summary?.outcome ?? 'ok', summary?.reason ?? '');
  if (summary === undefined) return undefined;
  const { facts } = exchange;
  facts.type = summary.type;
  facts.outcome = summary.outcome;
  facts.reason = summary.reason;
  facts.http_status = summary.status;
  facts.rpc_code = summary.code;
  facts.duration_us = Math.round(durationMicros);
  facts.bytes_out = ending.kind === 'response' ? ending.bytes.length : 0;
  if ((facts.source ?? exchange.server).strict) return recordStrictly(facts, edge);
  return edge.audit.record(facts, facts.who + facts.circumstances);
}

function recordStrictly(facts: Facts, { audit }: Edge): Promise<void> {
  if (facts.intent !== '') facts.detail = { ...facts.detail, intent: facts.intent };
  return audit.recordOnDisk(facts, facts.who + facts.circumstances);
}

/** One exchange with an upstream. */
export interface Hop {
  readonly upstream: string;
  readonly method: string;
  /** The gateway's JSON-RPC id. */
  readonly id: string;
  readonly micros: number;
  readonly answer: UpstreamAnswer;
  /** Spoken with the upstream, where it is not the client's. */
  readonly era?: Era;
  readonly upstreamCapability?: string;
}

const HOP_OUTCOME = { response: 'ok', sessionGone: 'error', refused: 'error' } as const;

/** Records one exchange with an upstream. Does not wait: the event of the whole exchange, which comes later in the same spool, does. */
export function recordHop(call: Round, hop: Hop, edge: Edge): void {
  const { exchange, caller } = call;
  const { answer } = hop;
  const facts = new Facts(exchange.facts.circumstances);
  facts.calledBy(caller);
  facts.type = 'proxy.hop';
  facts.outcome = answer.kind === 'refused' && answer.refusal.reason === 'cancelled' ? 'cancelled' : HOP_OUTCOME[answer.kind];
  facts.reason = answer.kind === 'refused' ? answer.refusal.reason : answer.kind === 'sessionGone' ? 'upstream_session_gone' : '';
  facts.upstream = hop.upstream;
  facts.method = hop.method;
  facts.upstream_capability = hop.upstreamCapability ?? '';
  facts.upstream_rpc_id = hop.id;
  facts.http_status = answer.kind === 'sessionGone' ? 404 : answer.status;
  facts.rpc_code = answer.kind === 'response' ? (answer.message.envelope.errorCode ?? 0) : 0;
  facts.upstream_us = hop.micros;
  facts.bytes_out = answer.kind === 'response' ? answer.message.bytes.length : 0;
  facts.era = hop.era ?? call.inbound.era;
  edge.audit
    .record(facts, facts.who + facts.circumstances)
    .catch((error: unknown) => edge.log.error('a hop was not recorded', { error, request_id: exchange.requestId }));
}
