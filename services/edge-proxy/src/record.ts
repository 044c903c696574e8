import { renderCircumstances } from '@switchyard/audit';
import type { EventType, Origin, Outcome } from '@switchyard/contracts';
import { type Era, METHODS } from '@switchyard/mcp';
import type { CapturedCall } from './capture/captured-call.js';
import { keepPayload } from './capture/keep-payload.js';
import { costOf } from './cost.js';
import type { Edge } from './edge.js';
import type { Ending } from './ending.js';
import type { Exchange, Round } from './exchange.js';
import { Facts } from './facts.js';
import { LADDER } from './ladder.js';
import type { Refusal } from './refusal.js';
import { modelTokens, tokensIn } from './tokens.js';
import type { UpstreamAnswer, UpstreamMessage } from './upstream/link.js';

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
  ['GET', 'stream.closed'],
  ['subscriptions/listen', 'stream.closed'],
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
  readonly origin: Origin | '';
}

function summarize(exchange: Exchange, ending: Ending): Summary | undefined {
  const own = EVENT_OF_METHOD.get(exchange.facts.method);
  if (ending.kind === 'refused') {
    const { reason, http, code } = ending.refusal;
    const { stage, origin } = LADDER[reason];
    const outcome = reason === 'cancelled' ? 'cancelled' : stage === 'authorize' || stage === 'authenticate' ? 'denied' : 'error';
    // What the gateway has ended had begun.
    const ofStage = exchange.endedBy === undefined ? EVENT_OF_STAGE[stage] : undefined;
    return { type: ofStage ?? own ?? 'request.refused', outcome, reason, status: http, code, origin };
  }
  if (own === undefined) return undefined;
  if (ending.kind === 'response') {
    const { outcome, reason = '', status, code = 0 } = ending;
    const origin = reason !== '' ? LADDER[reason].origin : outcome === 'error' ? 'upstream' : '';
    return { type: own, outcome, reason, status, code, origin };
  }
  return { type: own, outcome: 'ok', reason: '', status: ending.kind === 'empty' ? ending.status : 200, code: 0, origin: '' };
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
  const endedAtMicros = edge.clock.monotonicMicros();
  const durationMicros = endedAtMicros - exchange.startedAtMicros;
  const summary = summarize(exchange, ending);
  const { outcome = 'ok', reason = '', origin = '' } = summary ?? {};
  edge.metrics.durations.record(durationMicros / 1e6, labelOf(exchange), outcome, reason, origin);
  if (summary === undefined) return undefined;
  const { facts } = exchange;
  if (ending.kind === 'refused') noteInside(facts, ending.refusal, edge);
  if (facts.method === 'tools/call') countCall(exchange, summary.outcome, durationMicros, edge);
  facts.type = summary.type;
  facts.outcome = summary.outcome;
  facts.reason = summary.reason;
  facts.origin = summary.origin;
  facts.http_status = summary.status;
  facts.rpc_code = summary.code;
  facts.duration_us = Math.round(durationMicros);
  facts.bytes_out = ending.kind === 'response' ? ending.bytes.length : 0;
  facts.stage_us = stagesOf(facts, endedAtMicros);
  if (facts.answered) facts.cost_micros = costOf(facts, exchange.catalog);
  if (facts.captured !== undefined) return recordCaptured(exchange, facts.captured, ending, edge);
  return recordFacts(exchange, edge);
}

const isStrict = ({ facts, server }: Exchange) => (facts.source ?? server).strict;

function recordFacts(exchange: Exchange, edge: Edge): Promise<void> {
  const { facts } = exchange;
  return isStrict(exchange) ? recordStrictly(facts, edge) : edge.audit.record(facts, facts.rendered());
}

/** The event refers to what was kept, so that is kept first. @throws SpoolFull also where that was not kept, on strict servers */
async function recordCaptured(exchange: Exchange, captured: CapturedCall, ending: Ending, edge: Edge): Promise<void> {
  const strict = isStrict(exchange);
  const unkept = await keepPayload(captured, exchange.facts, ending, strict, edge);
  await recordFacts(exchange, edge);
  if (unkept !== undefined && strict) throw unkept;
}

/**
 * Records that a standing stream has begun; its end is the event of its exchange. Does not wait: a stream that cannot be recorded is ended
 * by whoever admits, with everything else.
 */
export function recordStream({ facts, requestId }: Exchange, edge: Edge): void {
  const opened = Object.assign(new Facts(facts.circumstances), facts, { type: 'stream.opened' });
  edge.audit
    .record(opened, facts.rendered())
    .catch((error: unknown) => edge.log.error('a stream was not recorded', { error, request_id: requestId }));
}

/** What only the gateway knows of a refusal. */
function noteInside(facts: Facts, { inside: { because, severity, keyId } }: Refusal, edge: Edge): void {
  if (because === undefined) return;
  facts.detail = { ...facts.detail, because, ...(keyId !== undefined && { key_id: keyId }) };
  facts.severity = severity ?? '';
  if (because === 'unknown_key') edge.metrics.unknownKeys.count();
}

/** Times that are known anyway: of what was waited for, of the upstream, and from its answer on. */
function stagesOf({ waited, upstream_us: upstream, answeredAtMicros }: Facts, endedAtMicros: number): Facts['stage_us'] {
  const render = answeredAtMicros === 0 ? 0 : endedAtMicros - answeredAtMicros;
  return waited === undefined ? { upstream, render } : { ...waited, upstream, render };
}

/**
 * What the event of an exchange says of its upstream's answer.
 * @param startedAtMicros when the upstream was asked
 * @returns microseconds that the answer took
 */
export function noteAnswer(facts: Facts, id: string, answer: UpstreamAnswer, startedAtMicros: number, edge: Edge): number {
  facts.answeredAtMicros = edge.clock.monotonicMicros();
  const micros = Math.round(facts.answeredAtMicros - startedAtMicros);
  facts.attempts += 1;
  facts.upstream_us = micros;
  facts.upstream_rpc_id = id;
  if (answer.kind === 'response') noteTokens(facts, answer.message);
  return micros;
}

function noteTokens(facts: Facts, { bytes, envelope }: UpstreamMessage): void {
  facts.answered = true;
  facts.result_tokens = tokensIn(envelope.resultRange);
  if (envelope.resultMetaRange === undefined) return;
  const reported = modelTokens(bytes, envelope);
  facts.model_tokens_in = reported.in;
  facts.model_tokens_out = reported.out;
}

function recordStrictly(facts: Facts, { audit }: Edge): Promise<void> {
  if (facts.intent !== '') facts.detail = { ...facts.detail, intent: facts.intent };
  return audit.recordOnDisk(facts, facts.rendered());
}

function countCall({ facts, server }: Exchange, outcome: Outcome, durationMicros: number, { metrics }: Edge): void {
  // A name that leads to no upstream is one that the client has made up.
  metrics.toolCalls.count(server.slug, facts.upstream === '' ? undefined : facts.capability, outcome);
  if (facts.upstream_us > 0) metrics.ownTime.record(Math.max(0, durationMicros - facts.upstream_us) / 1e6);
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

function originOf(answer: UpstreamAnswer): Origin | '' {
  if (answer.kind === 'refused') return LADDER[answer.refusal.reason].origin;
  return answer.kind === 'sessionGone' ? 'upstream' : '';
}

/** Records one exchange with an upstream. Does not wait: the event of the whole exchange, which comes later in the same spool, does. */
export function recordHop(call: Round, hop: Hop, edge: Edge): void {
  const { exchange, caller } = call;
  const { answer } = hop;
  const facts = new Facts(exchange.facts.circumstances);
  facts.calledBy(caller, exchange.catalog);
  facts.rule = exchange.facts.rule;
  facts.session = exchange.facts.session;
  facts.client_name = exchange.facts.client_name;
  facts.client_version = exchange.facts.client_version;
  facts.revision = exchange.facts.revision;
  facts.capability_kind = exchange.facts.capability_kind;
  facts.capability = exchange.facts.capability;
  facts.type = 'proxy.hop';
  facts.outcome = answer.kind === 'refused' && answer.refusal.reason === 'cancelled' ? 'cancelled' : HOP_OUTCOME[answer.kind];
  facts.reason = answer.kind === 'refused' ? answer.refusal.reason : answer.kind === 'sessionGone' ? 'upstream_session_gone' : '';
  facts.origin = originOf(answer);
  facts.attempt = Math.max(1, exchange.facts.attempts);
  facts.upstream = hop.upstream;
  facts.method = hop.method;
  facts.upstream_capability = hop.upstreamCapability ?? '';
  facts.upstream_rpc_id = hop.id;
  facts.http_status = answer.kind === 'sessionGone' ? 404 : answer.status;
  facts.rpc_code = answer.kind === 'response' ? (answer.message.envelope.errorCode ?? 0) : 0;
  facts.upstream_us = hop.micros;
  facts.bytes_out = answer.kind === 'response' ? answer.message.bytes.length : 0;
  facts.era = hop.era ?? call.inbound.era;
  edge.metrics.upstreams
    .of(hop.upstream)
    .of(facts.outcome)
    .record(hop.micros / 1e6);
  edge.audit
    .record(facts, facts.rendered())
    .catch((error: unknown) => edge.log.error('a hop was not recorded', { error, request_id: exchange.requestId }));
}
