import { createdTaskId, requestMessage, scanMessage, splice, taskParamEdits } from '@switchyard/mcp';
import { Cancellation } from './cancellation.js';
import type { Edge } from './edge.js';
import type { Call } from './exchange.js';
import { fetchList } from './methods/fetch-list.js';
import { Refusal } from './refusal.js';
import type { Target } from './stages/resolve.js';
import { answerOfTask, unrelated } from './task-messages.js';
import type { OutboundRequest, UpstreamAnswer, UpstreamLink } from './upstream/link.js';

/** Longest wait for an upstream to take the cancellation of a task. */
const CANCEL_MS = 5_000;

/**
 * Whether a legacy upstream's tool can be called only as a task, which the client does not know how to (MCP 2025-11-25, "Tasks",
 * "Tool-Level Negotiation"). The upstream, which has tasks, is asked for its tools where the tool is not known yet.
 */
export async function needsTask(call: Call, { upstream, capability }: Target, edge: Edge): Promise<boolean> {
  if (call.inbound.envelope.method !== 'tools/call') return false;
  if (edge.tasks.tools.of(upstream.name, capability.name) === undefined)
    await fetchList(call, upstream.name, 'tools', 'kept', edge);
  return edge.tasks.tools.of(upstream.name, capability.name) === 'required';
}

/**
 * Calls a tool of a legacy upstream as a task and waits for its result, for a client that does not know tasks: it is answered as if the
 * call had been a plain one. Who goes away, or waits too long, cancels the task.
 * @param request a `tools/call`
 */
export async function requestAsTask(link: UpstreamLink, request: OutboundRequest, edge: Edge): Promise<UpstreamAnswer> {
  const begun = await link.request({ ...request, body: withTask(request.body) });
  const created = begun.kind === 'response' ? createdTaskId(begun.message.bytes, begun.message.envelope, 'legacy') : undefined;
  if (created === undefined) return begun;
  const { onNotification, onServerRequest } = request;
  const id = edge.ids.next();
  const answer = await link.request({
    ...request,
    method: 'tasks/result',
    id,
    body: requestMessage(id, 'tasks/result', JSON.stringify({ taskId: created.text })),
    // It waits for the end of the task.
    timeoutMs: edge.limits.callLimitMs,
    onNotification: (message) => onNotification(unrelated(message)),
    onServerRequest:
      onServerRequest &&
      ((message, answerTo) => onServerRequest(unrelated(message), (body) => answerTo(answerOfTask(body, created.text)))),
  });
  if (answer.kind === 'response') return { ...answer, message: unrelated(answer.message) };
  if (answer.kind === 'refused')
    cancelTask(link, request, created.text, edge).catch((error: unknown) =>
      edge.log.error('a task was not cancelled', { error, upstream: link.name }),
    );
  // It has begun, so it must not be begun again in another session.
  const gone = `${link.name} ended the session in which the task of this call runs. What became of it is not known.`;
  return answer.kind === 'refused'
    ? answer
    : { kind: 'refused', refusal: new Refusal('upstream_unavailable', gone, { upstream: link.name }), status: 0 };
}

/** The same, for a tool of which it is not known yet whether it needs that. */
export async function requestAsTaskWhereNeeded(
  call: Call,
  target: Target,
  link: UpstreamLink,
  request: OutboundRequest,
  edge: Edge,
): Promise<UpstreamAnswer> {
  return (await needsTask(call, target, edge)) ? requestAsTask(link, request, edge) : link.request(request);
}

function withTask(body: Buffer): Buffer {
  const envelope = scanMessage(body);
  if (!envelope.ok) throw new Error(envelope.message);
  return splice(body, taskParamEdits(body, envelope, '{}'));
}

async function cancelTask(link: UpstreamLink, request: OutboundRequest, taskId: string, edge: Edge): Promise<void> {
  const id = edge.ids.next();
  await link.request({
    ...request,
    method: 'tasks/cancel',
    id,
    body: requestMessage(id, 'tasks/cancel', JSON.stringify({ taskId })),
    timeoutMs: CANCEL_MS,
    limitMs: CANCEL_MS,
    cancellation: new Cancellation(),
    onNotification: () => undefined,
    onServerRequest: undefined,
    onHeldUp: undefined,
  });
}
