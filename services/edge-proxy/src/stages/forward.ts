import { type Edit, memberAt, META_KEYS, retryEdits, splice } from '@switchyard/mcp';
import { privateScopeEdits } from '../cache-scope.js';
import type { Edge } from '../edge.js';
import { type Ending, refused } from '../ending.js';
import type { Call, Inbound } from '../exchange.js';
import { isPooled } from '../legacy-pool.js';
import { mirroredFields } from '../mirrored-tools.js';
import { outranks } from '../log-levels.js';
import { isOlderClient, olderClientEdits } from '../older-client.js';
import { withoutOwnNamespace } from '../own-namespace.js';
import { noteAnswer, recordHop } from '../record.js';
import { Refusal } from '../refusal.js';
import { enterUpstream, leaveUpstream } from '../upstream-session.js';
import type {
  LegacySession,
  OutboundContext,
  OutboundRequest,
  UpstreamAnswer,
  UpstreamLink,
  UpstreamMessage,
  UpstreamProfile,
} from '../upstream/link.js';
import { RELAYED } from '../relayed.js';
import { requestAsTaskWhereNeeded } from '../task-of-legacy.js';
import type { RequestState } from '../request-state.js';
import { forwardToLegacy, resumeCall } from './forward-to-legacy.js';
import { canBeAsked, relayRequest } from '../relay-request.js';
import type { ClientSession } from '../session-store.js';
import { forwardToModern } from './forward-to-modern.js';
import { isRefusedForFields, refreshTools, sameFields } from './refused-fields.js';
import { addOwnEdits } from './own-edits.js';
import { relayInputRequired, SERVER_INFO_JSON } from './input-required.js';
import { mayBeTask, takeTask, taskProblem } from './task-made.js';
import type { Target } from './resolve.js';

/**
 * Sends a call to its upstream and relays what comes back: notifications as they arrive, then the response. Only what the gateway owns
 * is changed, in the bytes: ids, progress tokens, names. Nothing is sent twice, except where the upstream said that its session had
 * ended, which means that it has not looked at the call (MCP 2025-11-25, "Session Management").
 */
export async function forward(call: Call, target: Target, context: OutboundContext, edge: Edge): Promise<Ending> {
  const link = edge.links.get(target.upstream.name, context.scope);
  const paramHeaders = parameterFields(call, target, edge);
  if (paramHeaders instanceof Refusal) return refused(paramHeaders);
  const retried = call.inbound.envelope.requestStateRange && edge.requestStates.read(call, target.upstream.name);
  if (retried instanceof Refusal) return refused(retried);
  if (retried?.suspended !== undefined) return resumeCall(call, target, retried.suspended, edge);
  const entering = enterUpstream(call, link, context, edge);
  const standing: LegacySession | UpstreamProfile | Refusal = entering instanceof Promise ? await entering : entering;
  if (standing instanceof Refusal) return refused(standing);
  const barred = call.inbound.envelope.taskRange && taskProblem(call, link.name, standing);
  if (barred !== undefined) return refused(barred);
  if (isPooled(standing)) return forwardToLegacy(call, target, link, context, standing, edge);
  if (call.session !== undefined && 'era' in standing && standing.era === 'modern')
    return forwardToModern({ call, session: call.session, target, link, context, standing, edge });
  const first = await attempt(call, target, link, context, standing, edge, paramHeaders, retried);
  if (call.inbound.era === 'modern' && isRefusedForFields(call, first.answer))
    return forwardAnew(call, target, link, context, standing, edge, first, retried);
  if (first.answer.kind !== 'sessionGone' || call.session === undefined) return ending(call, target, first, edge);
  await leaveUpstream(call.session, link.name, standing);
  const reopened = await enterUpstream(call, link, context, edge);
  if (reopened instanceof Refusal) return refused(reopened);
  return ending(call, target, await attempt(call, target, link, context, reopened, edge), edge);
}

/** With fields made from schemas that are looked up anew, once; the upstream has not looked at the call. */
async function forwardAnew(
  call: Call,
  target: Target,
  link: UpstreamLink,
  context: OutboundContext,
  standing: LegacySession | UpstreamProfile,
  edge: Edge,
  first: Attempt,
  retried: RequestState | undefined,
): Promise<Ending> {
  const before = parameterFields(call, target, edge);
  await refreshTools(call, target.upstream.name, edge);
  const fields = parameterFields(call, target, edge);
  if (fields instanceof Refusal) return refused(fields);
  if (before instanceof Refusal || sameFields(before, fields)) return ending(call, target, first, edge);
  return ending(call, target, await attempt(call, target, link, context, standing, edge, fields, retried), edge);
}

/** Mcp-Param-* towards the upstream: made anew where the tool's schema is known, else the client's own, which the upstream checks. */
function parameterFields({ inbound, exchange }: Call, { upstream, capability }: Target, edge: Edge) {
  if (inbound.era === 'legacy') return undefined;
  const parameters = inbound.envelope.method === 'tools/call' ? edge.mirrored.of(upstream.name, capability.name) : undefined;
  return parameters === undefined ? exchange.head.paramHeaders : mirroredFields(inbound, exchange.head, parameters);
}

interface Attempt {
  readonly id: string;
  readonly answer: UpstreamAnswer;
}

async function attempt(
  call: Call,
  target: Target,
  link: UpstreamLink,
  context: OutboundContext,
  standing: LegacySession | UpstreamProfile,
  edge: Edge,
  paramHeaders?: Readonly<Record<string, string>>,
  retried?: RequestState,
): Promise<Attempt> {
  const { inbound, exchange, session } = call;
  const { method } = inbound.envelope;
  const id = edge.ids.next();
  const startedAt = edge.clock.monotonicMicros();
  const onServerRequest = session !== undefined && canBeAsked(session) ? asking(call, session, id, edge) : undefined;
  const request: OutboundRequest = {
    ...context,
    era: inbound.era,
    revision: standing.revision,
    method,
    name: inbound.era === 'modern' && method === 'completion/complete' ? undefined : target.capability.name,
    paramHeaders,
    id,
    body: splice(inbound.bytes, outboundEdits(inbound, id, target, retried)),
    session: 'id' in standing ? standing.id : undefined,
    subscriber: method.endsWith('subscribe') ? session?.id : undefined,
    timeoutMs: target.upstream.timeoutMs,
    limitMs: edge.limits.callLimitMs,
    cancellation: exchange.cancellation,
    onNotification: (message) => relayNotification(call, id, message, edge),
    onServerRequest,
    onHeldUp: session && (() => beginStream(call)),
  };
  // Clients of revisions without tasks cannot use tools that are always one.
  const inTask = standing.capabilities.tasks !== undefined && isOlderClient(call);
  const answering = inTask ? requestAsTaskWhereNeeded(call, target, link, request, edge) : link.request(request);
  const answer = await (onServerRequest === undefined ? answering : answering.finally(() => edge.asks.release(id)));
  const micros = noteAnswer(exchange.facts, id, answer, startedAt, edge);
  recordHop(
    call,
    { upstream: target.upstream.name, method, id, micros, answer, upstreamCapability: target.capability.name },
    edge,
  );
  return { id, answer };
}

/** A legacy client that need not wait on a silent connection is given the stream, and with it the id to come back with. */
export function beginStream({ exchange: { reply } }: Call): void {
  if (!reply.streaming && !reply.gone) reply.openStream();
}

/** What the upstream asks meanwhile, the client is asked on the stream of its call. */
function asking(call: Call, session: ClientSession, id: string, edge: Edge): NonNullable<OutboundRequest['onServerRequest']> {
  const { reply } = call.exchange;
  const stream = { session, origin: id, send: (bytes: Buffer) => void reply.message(bytes) };
  return (message, answer) => void relayRequest(stream, message, edge).then(answer);
}

function outboundEdits({ bytes, envelope }: Inbound, id: string, target: Target, retried: RequestState | undefined): Edit[] {
  const edits = addOwnEdits([], envelope, id, target);
  if (retried?.connectUntilMs !== undefined)
    edits.push(...retryEdits(bytes, envelope, { answers: [], requestStateJson: retried.upstream }));
  else if (retried !== undefined && envelope.requestStateRange)
    edits.push({ range: envelope.requestStateRange, text: retried.upstream ?? '""' });
  return edits;
}

/** Passes a notification on to the client of the call that it belongs to; resolves when the client has room for more. @param id the gateway's, which is the progress token as well */
export function relayNotification(
  call: Call,
  id: string,
  { bytes, envelope }: UpstreamMessage,
  edge: Edge,
): Promise<void> | void {
  const { reply } = call.exchange;
  if (envelope.method === 'notifications/progress') {
    const token = call.inbound.envelope.progressToken;
    if (token === undefined || envelope.progressTokenRange === undefined || envelope.progressToken !== id) return;
    return reply.message(splice(bytes, [{ range: envelope.progressTokenRange, text: token }]));
  }
  if (envelope.method === 'notifications/cancelled') edge.asks.withdraw(id, envelope.requestId);
  if (!RELAYED.has(envelope.method)) return;
  edge.lists.heard(call.exchange.facts.upstream, envelope.method);
  if (envelope.method === 'notifications/message' && outranks(call.session?.record.logLevel, bytes)) return;
  return reply.message(bytes);
}

/** HTTP statuses that modern JSON-RPC errors travel with (MCP 2026-07-28, "Error handling"). */
const MODERN_ERROR_STATUS: Readonly<Record<number, number>> = { [-32601]: 404, [-32020]: 400, [-32021]: 400 };

/**
 * Errors that speak of the hop between gateway and upstream, and mean nothing to the client. What it declared was passed on as it is; so
 * were its header fields for a tool that is not known.
 */
const isInnerHop = (code: number, { inbound }: Call, { upstream }: Target, edge: Edge): boolean =>
  code === -32022 ||
  (code === -32021 && inbound.era === 'legacy') ||
  (code === -32020 &&
    inbound.era === 'modern' &&
    (inbound.envelope.method !== 'tools/call' || edge.mirrored.knows(upstream.name)));

/** What the client is answered. @param owned further edits of a result: of what the gateway owns in it */
export function ending(
  call: Call,
  target: Target,
  { answer }: Pick<Attempt, 'answer'>,
  edge: Edge,
  owned?: readonly Edit[],
): Ending {
  const upstream = target.upstream.name;
  if (answer.kind === 'refused') {
    edge.lists.failed(upstream, answer.refusal.reason);
    return refused(answer.refusal);
  }
  if (answer.kind === 'sessionGone')
    return refused(new Refusal('upstream_unavailable', `${upstream} ends its sessions as soon as they are open.`, { upstream }));
  const message = owned === undefined ? withoutOwnNamespace(answer.message) : answer.message;
  const { bytes, envelope } = message;
  const code = envelope.errorCode;
  if (code !== undefined && isInnerHop(code, call, target, edge)) {
    return refused(
      new Refusal(
        'upstream_invalid',
        `${upstream} refused what the gateway, not your client, wrote around the request (error ${code}).`,
        { upstream },
      ),
    );
  }
  if (envelope.resultType === 'input_required' && call.inbound.era === 'modern')
    return relayInputRequired(call, upstream, message, edge);
  const task = mayBeTask(call, envelope) ? takeTask(call, target, message, edge) : undefined;
  if (task instanceof Refusal) return refused(task);
  if (task === undefined && envelope.resultType !== undefined && envelope.resultType !== 'complete') {
    return refused(
      new Refusal(
        'upstream_invalid',
        `${upstream} answered with a result of type "${envelope.resultType.slice(0, 64)}", which the gateway does not know.`,
        { upstream },
      ),
    );
  }
  const status = call.inbound.era === 'modern' && code !== undefined ? (MODERN_ERROR_STATUS[code] ?? 200) : 200;
  const wraps = call.inbound.era === 'legacy' && edge.toolForms.wrapsLegacy(upstream, target.capability.name);
  const edits = resultEdits(call, message, wraps);
  if (task !== undefined) edits.push(task);
  if (owned !== undefined) edits.push(...owned);
  const own = splice(bytes, edits);
  const failed = code !== undefined || envelope.resultIsError === true;
  return { kind: 'response', status, bytes: own, outcome: failed ? 'error' : 'ok', ...(code !== undefined && { code }) };
}

const SERVER_INFO = Buffer.from(META_KEYS.serverInfo);

/** The client's own id; and a result's server is the gateway, as the client sees it (MCP 2026-07-28, "Results"). */
function resultEdits(call: Call, message: UpstreamMessage, wraps: boolean): Edit[] {
  const { bytes, envelope } = message;
  const edits: Edit[] = envelope.idRange ? [{ range: envelope.idRange, text: call.inbound.envelope.id }] : [];
  if (wraps || isOlderClient(call)) edits.push(...olderClientEdits(call, message, wraps));
  if (call.inbound.era === 'legacy' || envelope.resultRange === undefined) return edits;
  if (call.inbound.envelope.method === 'resources/read') edits.push(...privateScopeEdits(call, message));
  if (!bytes.includes(SERVER_INFO)) return edits;
  const range = memberAt(bytes, envelope.resultRange, '_meta', META_KEYS.serverInfo);
  if (range !== undefined) edits.push({ range, text: SERVER_INFO_JSON });
  return edits;
}
