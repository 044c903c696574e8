import {
  describedTaskId,
  type Edit,
  methodIn,
  readInputRequired,
  relatedTaskId,
  revisionOf,
  splice,
  TASKS_EXTENSION,
} from '@switchyard/mcp';
import type { Edge } from '../edge.js';
import { type Ending, refused } from '../ending.js';
import type { Call } from '../exchange.js';
import { isPooled } from '../legacy-pool.js';
import { nameOnServer } from '../names.js';
import { noteAnswer, recordHop } from '../record.js';
import { Refusal } from '../refusal.js';
import { canBeAsked } from '../relay-request.js';
import { decide } from '../stages/authorize.js';
import { beginStream, ending, relayNotification } from '../stages/forward.js';
import { capabilityMissing, undeclaredNeeds } from '../stages/input-required.js';
import type { Target } from '../stages/resolve.js';
import { declaresTasks } from '../stages/task-made.js';
import { askAboutTask, relatedTo } from '../task-messages.js';
import { enterUpstream, leaveUpstream } from '../upstream-session.js';
import type { LegacySession, OutboundContext, UpstreamAnswer, UpstreamMessage, UpstreamProfile } from '../upstream/link.js';

/** A task that a caller was given, and the tool whose call became it. */
export interface FoundTask {
  readonly target: Target;
  /** The upstream's own id. */
  readonly id: string;
  /** As the client has it. */
  readonly exposed: string;
}

/** Finds the task that a method is about, from its id alone. Whether the caller may use it is for the stage that decides about its tool. */
export function findTask(call: Call, edge: Edge): FoundTask | Refusal {
  const { exchange, inbound, session } = call;
  const { method, taskId } = inbound.envelope;
  const table = session && revisionOf(session.record.revision);
  if (table !== undefined && methodIn(table, method) === undefined)
    return new Refusal('method_unknown', `Method "${method}" is not known in revision ${table.revision}.`);
  if (inbound.era === 'modern' && !declaresTasks(call))
    return new Refusal('client_capability_missing', `${method} is for clients that declare the extension ${TASKS_EXTENSION}.`, {
      requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } },
    });
  if (taskId === undefined) return new Refusal('invalid_params', `${method} needs a params.taskId that is a string.`);
  const task = edge.tasks.ids.read(call, taskId);
  const upstream = task && exchange.catalog.upstreams.get(task.upstream);
  if (task === undefined || upstream === undefined) return unknown();
  const capability = { kind: 'tool', name: task.tool } as const;
  const sources = exchange.server.sources.filter((source) => source.upstream === task.upstream);
  const isOpen = (source: Target['source']) => decide(call.caller.principal, source, capability, exchange.catalog).allowed;
  const source = sources.find(isOpen) ?? sources[0];
  if (source === undefined) return unknown();
  const exposed = nameOnServer(source, capability);
  exchange.facts.capability = exposed;
  return { target: { source, upstream, capability, exposed }, id: task.id, exposed: taskId };
}

const unknown = () => new Refusal('task_unknown', 'You have no such task here. Call the tool again for another.');

/**
 * Sends what a client says of a task to the task's upstream, and what comes back to the client, with each side's own id of the task
 * (MCP 2025-11-25, "Tasks"; the extension "Tasks" of 2026-07-28). All of these methods may be repeated.
 */
export async function forwardTask(call: Call, task: FoundTask, context: OutboundContext, edge: Edge): Promise<Ending> {
  const { target } = task;
  const link = edge.links.get(target.upstream.name, context.scope);
  const standing = await enterUpstream(call, link, context, edge);
  if (standing instanceof Refusal) return refused(standing);
  if (isOfOtherEra(call, standing)) return refused(unknown());
  const first = await attempt(call, task, context, standing, edge);
  if (first.kind !== 'sessionGone' || call.session === undefined) return taskEnding(call, task, first, edge);
  await leaveUpstream(call.session, link.name, standing);
  const reopened = await enterUpstream(call, link, context, edge);
  if (reopened instanceof Refusal) return refused(reopened);
  if (isOfOtherEra(call, reopened)) return refused(unknown());
  return taskEnding(call, task, await attempt(call, task, context, reopened, edge), edge);
}

/** The upstream has been exchanged for one of the other era: what it began before has no meaning there. */
const isOfOtherEra = ({ session }: Call, standing: LegacySession | UpstreamProfile): boolean =>
  session === undefined ? isPooled(standing) : 'era' in standing && standing.era === 'modern';

async function attempt(
  call: Call,
  task: FoundTask,
  context: OutboundContext,
  standing: LegacySession | UpstreamProfile,
  edge: Edge,
): Promise<UpstreamAnswer> {
  const { inbound, exchange, session } = call;
  const { upstream, capability } = task.target;
  const { method } = inbound.envelope;
  const link = edge.links.get(upstream.name, context.scope);
  const id = edge.ids.next();
  const startedAt = edge.clock.monotonicMicros();
  if (session !== undefined) edge.tasks.own.remember(session, upstream.name, task.id, { exposed: task.exposed });
  const mayAsk = method === 'tasks/result' && session !== undefined && canBeAsked(session);
  const send = (bytes: Buffer) => void exchange.reply.message(bytes);
  const onServerRequest = mayAsk ? askAboutTask({ session, origin: id, send }, task, edge) : undefined;
  const answer = await link
    .request({
      ...context,
      era: inbound.era,
      revision: standing.revision,
      method,
      name: task.id,
      id,
      body: splice(inbound.bytes, outboundEdits(call, task, id)),
      session: 'id' in standing ? standing.id : undefined,
      // It waits for the end of the task.
      timeoutMs: method === 'tasks/result' ? edge.limits.callLimitMs : upstream.timeoutMs,
      limitMs: edge.limits.callLimitMs,
      cancellation: exchange.cancellation,
      onNotification: (message) => relayOwn(call, task, id, message, edge),
      onServerRequest,
      onHeldUp: session && (() => beginStream(call)),
    })
    .finally(() => edge.asks.release(id));
  const micros = noteAnswer(exchange.facts, id, answer, startedAt, edge);
  recordHop(call, { upstream: upstream.name, method, id, micros, answer, upstreamCapability: capability.name }, edge);
  return answer;
}

function outboundEdits({ inbound: { envelope } }: Call, task: FoundTask, id: string): Edit[] {
  const edits: Edit[] = [];
  if (envelope.idRange) edits.push({ range: envelope.idRange, text: id });
  if (envelope.progressTokenRange) edits.push({ range: envelope.progressTokenRange, text: id });
  if (envelope.taskIdRange) edits.push({ range: envelope.taskIdRange, text: JSON.stringify(task.id) });
  return edits;
}

/** What the upstream says while the client waits for a task: of this task, or of another of the client's. */
function relayOwn(call: Call, task: FoundTask, id: string, message: UpstreamMessage, edge: Edge): Promise<void> | void {
  const { session, exchange } = call;
  const own = session && edge.tasks.own.notice(session, task.target.upstream.name, message);
  if (own !== undefined) return exchange.reply.message(own);
  return relayNotification(call, id, relatedTo(message, task.id, task.exposed), edge);
}

function taskEnding(call: Call, task: FoundTask, answer: UpstreamAnswer, edge: Edge): Ending {
  const { method } = call.inbound.envelope;
  if (answer.kind !== 'response') return ending(call, task.target, { answer }, edge);
  const { bytes, envelope } = answer.message;
  const asked = method === 'tasks/get' && envelope.inputRequestsRange ? readInputRequired(bytes, envelope) : undefined;
  const undeclared = asked?.ok === true && call.inbound.era === 'modern' ? undeclaredNeeds(call, asked.requests) : [];
  if (undeclared.length > 0) return refused(capabilityMissing(task.target.upstream.name, undeclared));
  const found = method === 'tasks/result' ? relatedTaskId(bytes, envelope) : describedTaskId(bytes, envelope);
  const edits = found === undefined ? [] : [{ range: found.range, text: JSON.stringify(task.exposed) }];
  return ending(call, task.target, { answer }, edge, edits);
}
