import {
  capabilitiesFor,
  CODES,
  createdTaskId,
  downgradeResult,
  type Edit,
  encodeHeaderValue,
  type Envelope,
  errorCodeEdits,
  errorResponse,
  legacyResultEdits,
  missingCapabilities,
  modernRequestEdits,
  readInputRequired,
  type Retry,
  resultResponse,
  retryEdits,
  revisionOf,
  scanMessage,
  splice,
  TASKS_EXTENSION,
  toolErrorResponse,
  translateError,
  wantsTasks,
} from '@switchyard/mcp';
import { askInputs } from '../ask-inputs.js';
import type { Edge } from '../edge.js';
import { answered, type Ending, refused } from '../ending.js';
import type { Call } from '../exchange.js';
import { GATEWAY_INFO } from '../gateway-info.js';
import { fetchList } from '../methods/fetch-list.js';
import { overlongField } from '../mirrored-tools.js';
import { withoutOwnNamespace } from '../own-namespace.js';
import { noteAnswer, recordHop } from '../record.js';
import { Refusal } from '../refusal.js';
import type { ClientSession } from '../session-store.js';
import type { ToolNote } from '../tool-forms.js';
import type { LegacySession, OutboundContext, UpstreamAnswer, UpstreamLink, UpstreamMessage } from '../upstream/link.js';
import { hasSubscriptions } from '../upstream-subscription.js';
import { CARRIED_CAPABILITIES } from '../upstream/profile.js';
import { followModernTask, pause } from './follow-modern-task.js';
import { beginStream, relayNotification } from './forward.js';
import { addOwnEdits } from './own-edits.js';
import { isRefusedForFields, refreshTools, sameFields } from './refused-fields.js';
import type { Target } from './resolve.js';

/** A legacy client's call, and the modern upstream that it is for. */
export interface CrossEraCall {
  readonly call: Call;
  readonly session: ClientSession;
  readonly target: Target;
  readonly link: UpstreamLink;
  readonly context: OutboundContext;
  readonly standing: LegacySession;
  readonly edge: Edge;
}

/** Times that an upstream may ask for more before it answers. */
const MOST_ROUNDS = 10;
/** How long a client waits on a silent connection. Modern upstreams cannot let go of one, so the gateway gives the client what to come back with. */
const HELD_UP_MS = 1_000;
/** Pause before the retry of a call that its upstream only wants to see again. */
const PACE_MS = 250;

/**
 * Makes a legacy client's call of a modern upstream: the request describes itself; what the upstream asks for before it goes on the
 * client is asked in the middle of its call; the result is put in the words of the client's revision (MCP 2026-07-28, "Multi Round-Trip
 * Requests", "Versioning and compatibility").
 */
export async function forwardToModern(cross: CrossEraCall): Promise<Ending> {
  const { call, edge, target, session } = cross;
  const { method } = call.inbound.envelope;
  if (method === 'resources/subscribe' || method === 'resources/unsubscribe') return endSubscription(cross);
  let note = method === 'tools/call' ? await noteOf(cross) : undefined;
  const overlong = overlongField(fieldsOf(cross, note));
  if (overlong !== undefined) return refused(overlong);
  let isFresh = false;
  let retry: Retry | undefined;
  let withTasks = false;
  // Each round is bounded by the call's limit, and so are all together; how long the client takes to answer is its own time.
  let until = edge.clock.now() + edge.limits.callLimitMs;
  for (let round = 0; round <= MOST_ROUNDS && edge.clock.now() < until; round += 1) {
    const { id, answer } = await attempt(cross, note, retry, withTasks);
    if (answer.kind === 'refused') return refused(answer.refusal);
    if (!isFresh && isRefusedForFields(call, answer)) {
      isFresh = true;
      const before = fieldsOf(cross, note);
      await refreshTools(call, target.upstream.name, edge);
      note = edge.toolForms.get(target.upstream.name, target.capability.name);
      if (!sameFields(before, fieldsOf(cross, note))) continue;
    }
    if (answer.kind === 'sessionGone') throw new Error('a modern upstream has no session that could be gone');
    const { bytes, envelope } = answer.message;
    // It has not begun: the tool can only be called by clients that know tasks, which the gateway does in their stead.
    if (!withTasks && method === 'tools/call' && wantsTasks(bytes, envelope)) {
      withTasks = true;
      continue;
    }
    if (envelope.errorCode !== undefined) return errorEnding(cross, answer.message, envelope.errorCode);
    const created = withTasks ? createdTaskId(bytes, envelope, 'modern') : undefined;
    if (created !== undefined) {
      const outcome = await followModernTask(cross, created.text, answer.message, capabilitiesJson(cross, true), until);
      if (outcome instanceof Refusal) return refused(outcome);
      if ('why' in outcome) return failed(cross, outcome.why);
      const { errorCode } = outcome.envelope;
      return errorCode === undefined ? resultEnding(cross, outcome, note) : errorEnding(cross, outcome, errorCode);
    }
    if (envelope.resultType === undefined || envelope.resultType === 'complete') return resultEnding(cross, answer.message, note);
    const wanted = envelope.resultType === 'input_required' ? readInputRequired(bytes, envelope) : undefined;
    if (wanted?.ok !== true) return refused(unreadable(target.upstream.name, envelope.resultType));
    if (wanted.requests.length === 0) await pause(call.exchange.cancellation, PACE_MS);
    const stream = { session, origin: id, send: (message: Buffer) => void call.exchange.reply.message(message) };
    call.exchange.cancellation.onCancel(() => edge.asks.release(id));
    const askedAt = edge.clock.now();
    const answers = await askInputs(stream, wanted.requests, edge);
    until += edge.clock.now() - askedAt;
    if (call.exchange.cancellation.cancelled) return refused(new Refusal('cancelled', 'The call was cancelled.'));
    if ('why' in answers) return failed(cross, answers.why);
    retry = { answers, requestStateJson: wanted.requestStateJson };
  }
  return failed(cross, `${target.upstream.name} asked for more input again and again, and was given up.`);
}

/** The era has no such request: the gateway keeps what its client subscribes to, and listens for it (MCP 2026-07-28, "Subscriptions"). */
function endSubscription({ call, target, standing }: CrossEraCall): Ending {
  const upstream = target.upstream.name;
  return hasSubscriptions(standing)
    ? answered(resultResponse(call.inbound.envelope.id, '{}'))
    : refused(new Refusal('method_unknown', `${upstream} does not tell when its resources change.`, { upstream }));
}

const unreadable = (upstream: string, type: string) =>
  new Refusal(
    'upstream_invalid',
    `${upstream} answered with a result of type "${type.slice(0, 64)}" that the gateway cannot carry on.`,
    {
      upstream,
    },
  );

/** A tool that no list has named yet is looked up, for its arguments may have to stand in header fields. */
async function noteOf({ call, target, edge }: CrossEraCall): Promise<ToolNote | undefined> {
  const upstream = target.upstream.name;
  const { name } = target.capability;
  const known = edge.toolForms.get(upstream, name);
  if (known !== undefined) return known;
  await fetchList(call, upstream, 'tools', 'recent', edge);
  return edge.toolForms.get(upstream, name);
}

async function attempt(
  cross: CrossEraCall,
  note: ToolNote | undefined,
  retry: Retry | undefined,
  withTasks: boolean,
): Promise<{ id: string; answer: UpstreamAnswer }> {
  const { call, target, link, context, standing, edge } = cross;
  const { envelope } = call.inbound;
  const id = edge.ids.next();
  const startedAt = edge.clock.monotonicMicros();
  const heldUp = setTimeout(() => beginStream(call), HELD_UP_MS);
  const answering = link.request({
    ...context,
    era: 'modern',
    revision: standing.revision,
    method: envelope.method,
    name: envelope.method === 'completion/complete' ? undefined : target.capability.name,
    paramHeaders: fieldsOf(cross, note),
    id,
    body: requestBody(cross, id, retry, withTasks),
    timeoutMs: target.upstream.timeoutMs,
    limitMs: edge.limits.callLimitMs,
    cancellation: call.exchange.cancellation,
    onNotification: (message) => relayNotification(call, id, message, edge),
  });
  const answer = await answering.finally(() => clearTimeout(heldUp));
  const micros = noteAnswer(call.exchange.facts, id, answer, startedAt, edge);
  const hop = { upstream: link.name, method: envelope.method, id, micros, answer, era: 'modern' as const };
  recordHop(call, { ...hop, upstreamCapability: target.capability.name }, edge);
  return { id, answer };
}

/** What the upstream is told of the client. @param withTasks whether the gateway will wait for a task in its stead */
function capabilitiesJson({ session, standing }: CrossEraCall, withTasks: boolean): string {
  const upstream = revisionOf(standing.revision);
  if (upstream === undefined) throw new Error(`revision ${standing.revision} is not spoken`);
  const capabilities = capabilitiesFor(session.record.capabilities, upstream, CARRIED_CAPABILITIES);
  return JSON.stringify(withTasks ? { ...capabilities, extensions: { [TASKS_EXTENSION]: {} } } : capabilities);
}

function requestBody(cross: CrossEraCall, id: string, retry: Retry | undefined, withTasks: boolean): Buffer {
  const { call, session, target, standing } = cross;
  const { bytes, envelope } = call.inbound;
  const edits: Edit[] = modernRequestEdits(bytes, envelope, {
    protocolVersion: standing.revision,
    clientCapabilitiesJson: capabilitiesJson(cross, withTasks),
    clientInfoJson: JSON.stringify(GATEWAY_INFO),
    logLevel: session.record.logLevel,
  });
  const body = splice(bytes, addOwnEdits(edits, envelope, id, target));
  return retry === undefined ? body : splice(body, retryEdits(body, envelopeOf(body), retry));
}

function envelopeOf(bytes: Buffer): Envelope {
  const envelope = scanMessage(bytes);
  if (!envelope.ok) throw new Error(envelope.message);
  return envelope;
}

/** MCP 2026-07-28, "x-mcp-header". Absent and null arguments have no field. */
function fieldsOf({ call }: CrossEraCall, note: ToolNote | undefined): Record<string, string> | undefined {
  if (note === undefined || note.parameters.length === 0) return undefined;
  const { bytes, envelope } = call.inbound;
  const { argumentsRange } = envelope;
  const given: unknown = argumentsRange && JSON.parse(bytes.toString('utf8', argumentsRange.start, argumentsRange.end));
  const fields: Record<string, string> = {};
  for (const { header, path } of note.parameters) {
    const value = path.reduce<unknown>(
      (inner, key) =>
        typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key) ? Reflect.get(inner, key) : undefined,
      given,
    );
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      fields[`mcp-param-${header.toLowerCase()}`] = encodeHeaderValue(String(value));
  }
  return fields;
}

function resultEnding({ call, session }: CrossEraCall, message: UpstreamMessage, note: ToolNote | undefined): Ending {
  const { bytes, envelope } = withoutOwnNamespace(message);
  const client = revisionOf(session.record.revision);
  if (client === undefined) throw new Error('a session has a revision that is not served');
  const edits = legacyResultEdits(bytes, envelope);
  if (envelope.idRange) edits.push({ range: envelope.idRange, text: call.inbound.envelope.id });
  const legacy = splice(bytes, edits);
  const { method } = call.inbound.envelope;
  const own = splice(legacy, downgradeResult(legacy, envelopeOf(legacy), method, client, note?.wrapsOutput));
  return { kind: 'response', status: 200, bytes: own, outcome: envelope.resultIsError === true ? 'error' : 'ok' };
}

function errorEnding(cross: CrossEraCall, { bytes, envelope }: UpstreamMessage, code: number): Ending {
  const verdict = translateError(code, 'modern', 'legacy');
  const upstream = cross.target.upstream.name;
  if (verdict.kind === 'inner_hop' && verdict.problem === 'missing_capability') {
    const missing = Object.keys(Object(missingCapabilities(bytes, envelope)) as object).join(', ');
    return failed(cross, `${upstream} needs a client that supports ${missing.slice(0, 64) || 'more'}, which yours does not.`);
  }
  if (verdict.kind === 'inner_hop')
    return refused(
      new Refusal('upstream_invalid', `${upstream} did not take what the gateway sent (error ${code}).`, { upstream }),
    );
  const edits: Edit[] = verdict.kind === 'recode' ? errorCodeEdits(bytes, envelope, verdict.code) : [];
  if (envelope.idRange) edits.push({ range: envelope.idRange, text: cross.call.inbound.envelope.id });
  const own = splice(bytes, edits);
  return { kind: 'response', status: 200, bytes: own, outcome: 'error', code: verdict.kind === 'recode' ? verdict.code : code };
}

/** A tool's failure is told to the model, any other to the client. */
function failed({ call }: CrossEraCall, message: string): Ending {
  const { id, method } = call.inbound.envelope;
  if (method === 'tools/call')
    return { kind: 'response', status: 200, bytes: toolErrorResponse(id, message, 'legacy'), outcome: 'error' };
  const bytes = errorResponse(id, CODES.internalError, message);
  return { kind: 'response', status: 200, bytes, outcome: 'error', code: CODES.internalError };
}
