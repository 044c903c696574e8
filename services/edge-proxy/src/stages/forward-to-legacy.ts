import {
  type Edit,
  elicitAction,
  errorCodeEdits,
  legacyRequestEdits,
  memberAt,
  META_KEYS,
  modernResultEdits,
  readInputResponses,
  readUrlElicitations,
  splice,
  stringAt,
  toolErrorResponse,
  translateError,
} from '@switchyard/mcp';
import type { Edge } from '../edge.js';
import { type Ending, refused } from '../ending.js';
import type { Call, Round } from '../exchange.js';
import { isPooled, type PooledSession, wantLogLevel } from '../legacy-pool.js';
import { isLogLevel, outranks } from '../log-levels.js';
import { withoutOwnNamespace } from '../own-namespace.js';
import { noteAnswer, recordHop } from '../record.js';
import { Refusal } from '../refusal.js';
import { REQUEST_STATE_MS, type RequestState } from '../request-state.js';
import { RunningCall, SUSPENDED_MS } from '../suspended-calls.js';
import { enterUpstream } from '../upstream-session.js';
import { needsTask, requestAsTask } from '../task-of-legacy.js';
import type { OutboundContext, OutboundRequest, UpstreamAnswer, UpstreamLink, UpstreamMessage } from '../upstream/link.js';
import { capabilityMissing, inputRequired, SERVER_INFO_JSON, undeclaredNeeds } from './input-required.js';
import { addOwnEdits } from './own-edits.js';
import type { Target } from './resolve.js';
import { resumeElsewhere } from './resume-elsewhere.js';

/**
 * Sends a modern client's call to a legacy upstream, on a session that the gateway keeps for such calls. What the upstream asks of the
 * client meanwhile suspends the call: the client is given an `input_required` result, and the upstream's stream is read on when the
 * retry brings the answers (MCP 2026-07-28, "Multi Round-Trip Requests"; MCP 2025-11-25, "Elicitation", "Sampling", "Roots").
 */
export async function forwardToLegacy(
  call: Call,
  target: Target,
  link: UpstreamLink,
  context: OutboundContext,
  standing: PooledSession,
  edge: Edge,
): Promise<Ending> {
  const declined = declinedUrl(call);
  if (declined !== undefined) return declined;
  const running = new RunningCall(target);
  const first = await begin(call, running, { target, link, context, edge }, standing);
  return conclude(call, first, running, edge);
}

/** Goes on with a call that was suspended, with the answers that a retry brings, at this edge or the one where it waits. */
export function resumeCall(
  call: Call,
  target: Target,
  suspended: NonNullable<RequestState['suspended']>,
  edge: Edge,
): Promise<Ending> {
  return suspended.edge === edge.peers.name
    ? goOn(call, suspended.id, edge)
    : resumeElsewhere(call, target.upstream.name, suspended.edge, edge);
}

/** Goes on with a call that waits here. @param id that it waits under */
export async function goOn(round: Round, id: string, edge: Edge): Promise<Ending> {
  const { bytes, envelope } = round.inbound;
  const responses = readInputResponses(bytes, envelope);
  if (responses?.ok === false)
    return refused(new Refusal('invalid_params', `params.inputResponses cannot be read (${responses.fault}).`));
  const running = edge.suspended.take(id);
  if (running === undefined) {
    round.exchange.facts.detail = { ...round.exchange.facts.detail, because: 'not_waiting' };
    return refused(
      new Refusal(
        'request_state_invalid',
        'The call does not wait any more: it was answered, or waited too long. Make the request again without requestState.',
      ),
    );
  }
  running.answer(responses?.answers ?? []);
  return conclude(round, await running.next(round), running, edge);
}

interface Way {
  readonly target: Target;
  readonly link: UpstreamLink;
  readonly context: OutboundContext;
  readonly edge: Edge;
}

type Step = Awaited<ReturnType<RunningCall['next']>>;

/** A session that the upstream has ended is opened anew, once: it has not looked at the call (MCP 2025-11-25, "Session Management"). */
async function begin(call: Call, running: RunningCall, way: Way, standing: PooledSession): Promise<Step> {
  const { link, context, edge } = way;
  await send(call, running, way, standing);
  const step = await running.next(call);
  if ('length' in step || step.kind !== 'sessionGone') return step;
  await edge.pool.leave(standing);
  const reopened = await enterUpstream(call, link, context, edge);
  if (reopened instanceof Refusal) return { kind: 'refused', refusal: reopened, status: 0 };
  if (!isPooled(reopened)) return step;
  running.begin();
  await send(call, running, way, reopened);
  return running.next(call);
}

async function send(call: Call, running: RunningCall, way: Way, standing: PooledSession): Promise<void> {
  const { target, link, context, edge } = way;
  const { inbound } = call;
  const level = logLevelOf(call);
  await wantLogLevel(standing, level, link, context, edge);
  const asTask = standing.capabilities.tasks !== undefined && (await needsTask(call, target, edge));
  const id = edge.ids.next();
  const startedAt = edge.clock.monotonicMicros();
  const { method } = inbound.envelope;
  const done = edge.pool.use(standing);
  // A server that keeps no sessions could not tell which call an answer is for.
  const canAsk = standing.id !== undefined || target.upstream.transport.case === 'stdio';
  const request: OutboundRequest = {
    ...context,
    era: 'legacy',
    revision: standing.revision,
    method,
    id,
    body: splice(inbound.bytes, requestEdits(call, id, target)),
    session: standing.id,
    timeoutMs: target.upstream.timeoutMs,
    limitMs: edge.limits.callLimitMs,
    cancellation: running.cancellation,
    onNotification: (message) => {
      edge.lists.heard(link.name, message.envelope.method);
      return relayNotification(running.round, id, message);
    },
    onServerRequest: canAsk && !edge.suspended.full ? (message, answer) => void running.ask(message).then(answer) : undefined,
  };
  const answering = asTask ? requestAsTask(link, request, edge) : link.request(request);
  running.follow(
    answering.finally(done).then((answer) => {
      const round = running.round ?? call;
      const micros = noteAnswer(round.exchange.facts, id, answer, startedAt, edge);
      const hop = {
        upstream: link.name,
        method,
        id,
        micros,
        answer,
        upstreamCapability: target.capability.name,
        era: 'legacy' as const,
      };
      recordHop(round, hop, edge);
      return answer;
    }),
  );
}

const requestEdits = ({ inbound: { bytes, envelope } }: Call, id: string, target: Target): Edit[] =>
  addOwnEdits(legacyRequestEdits(bytes, envelope), envelope, id, target);

function logLevelOf({ inbound: { bytes, envelope } }: Round): string | undefined {
  const range = memberAt(bytes, envelope.metaRange, META_KEYS.logLevel);
  const level = range && stringAt(bytes, range);
  return isLogLevel(level) ? level : undefined;
}

/** Between rounds nobody listens. Log messages are for requests that ask for them (MCP 2026-07-28, "Logging"). */
function relayNotification(round: Round | undefined, id: string, { bytes, envelope }: UpstreamMessage): Promise<void> | void {
  if (round === undefined) return;
  const { reply } = round.exchange;
  if (envelope.method === 'notifications/progress') {
    const token = round.inbound.envelope.progressToken;
    if (token === undefined || envelope.progressTokenRange === undefined || envelope.progressToken !== id) return;
    return reply.message(splice(bytes, [{ range: envelope.progressTokenRange, text: token }]));
  }
  if (envelope.method !== 'notifications/message') return;
  const level = logLevelOf(round);
  return level === undefined || outranks(level, bytes) ? undefined : reply.message(bytes);
}

function conclude(call: Round, step: Step, running: RunningCall, edge: Edge): Ending {
  if (!('length' in step)) return ending(call, step, running, edge);
  const suspended = { id: edge.suspended.suspend(running), edge: edge.peers.name };
  return inputRequired(call, step, edge.requestStates.seal(call, running.target.upstream.name, { suspended }, SUSPENDED_MS));
}

function ending(call: Round, answer: UpstreamAnswer, running: RunningCall, edge: Edge): Ending {
  const upstream = running.target.upstream.name;
  if (answer.kind === 'refused') return refused(answer.refusal);
  if (answer.kind === 'sessionGone')
    return refused(new Refusal('upstream_unavailable', `${upstream} ends its sessions as soon as they are open.`, { upstream }));
  const message = withoutOwnNamespace(answer.message);
  const { bytes, envelope } = message;
  if (envelope.errorCode !== undefined && running.undeclared.length > 0)
    return refused(capabilityMissing(upstream, running.undeclared));
  if (envelope.errorCode !== undefined) return errorEnding(call, upstream, message, envelope.errorCode, edge);
  const hints = { serverInfoJson: SERVER_INFO_JSON };
  const own = splice(bytes, [
    ...ownId(call, message),
    ...modernResultEdits(bytes, envelope, call.inbound.envelope.method, hints),
  ]);
  return { kind: 'response', status: 200, bytes: own, outcome: envelope.resultIsError === true ? 'error' : 'ok' };
}

const ownId = (call: Round, { envelope }: UpstreamMessage): Edit[] =>
  envelope.idRange ? [{ range: envelope.idRange, text: call.inbound.envelope.id }] : [];

const METHOD_NOT_FOUND = -32601;

function errorEnding(call: Round, upstream: string, message: UpstreamMessage, code: number, edge: Edge): Ending {
  const { bytes, envelope } = message;
  const verdict = translateError(code, 'legacy', 'modern');
  if (verdict.kind === 'url_elicitations') {
    const asked = askForUrls(call, upstream, message, edge);
    if (asked !== undefined) return asked;
  }
  const sent = verdict.kind === 'relay' ? code : verdict.kind === 'recode' ? verdict.code : -32603;
  const uri = call.inbound.envelope.method === 'resources/read' ? call.inbound.envelope.uri : undefined;
  const edits = sent === code ? [] : errorCodeEdits(bytes, envelope, sent, sent === -32602 ? uri : undefined);
  const status = sent === METHOD_NOT_FOUND ? 404 : 200;
  return { kind: 'response', status, bytes: splice(bytes, [...ownId(call, message), ...edits]), outcome: 'error', code: sent };
}

/** The upstream has ended the call, and wants it again when the user has been to some URLs. */
function askForUrls(call: Round, upstream: string, { bytes, envelope }: UpstreamMessage, edge: Edge): Ending | undefined {
  const asked = readUrlElicitations(bytes, envelope)?.map(({ request }) => request);
  if (asked === undefined) return undefined;
  const undeclared = undeclaredNeeds(call, asked);
  if (undeclared.length > 0) return refused(capabilityMissing(upstream, undeclared));
  return inputRequired(call, asked, edge.requestStates.seal(call, upstream, {}, REQUEST_STATE_MS));
}

/** The retry of a call that was to wait for URLs, where the user would not go there: asking the upstream again would bring the same. */
function declinedUrl(call: Call): Ending | undefined {
  const { bytes, envelope } = call.inbound;
  const responses = readInputResponses(bytes, envelope);
  if (responses === undefined) return undefined;
  if (!responses.ok) return refused(new Refusal('invalid_params', `params.inputResponses cannot be read (${responses.fault}).`));
  if (responses.answers.every(({ resultJson }) => elicitAction(resultJson) === 'accept')) return undefined;
  const text = 'The user declined what the upstream needs for this call.';
  if (envelope.method === 'tools/call')
    return { kind: 'response', status: 200, bytes: toolErrorResponse(envelope.id, text, 'modern'), outcome: 'error' };
  return refused(new Refusal('upstream_invalid', text));
}
