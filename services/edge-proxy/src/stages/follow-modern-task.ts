import {
  CODES,
  errorResponse,
  type InputRequest,
  META_KEYS,
  readInputRequired,
  readTask,
  requestMessage,
  resultResponse,
  scanMessage,
  sliceAt,
  type TaskState,
} from '@switchyard/mcp';
import { askInputs } from '../ask-inputs.js';
import { Cancellation } from '../cancellation.js';
import { GATEWAY_INFO } from '../gateway-info.js';
import { recordHop } from '../record.js';
import { Refusal } from '../refusal.js';
import type { UpstreamAnswer, UpstreamMessage } from '../upstream/link.js';
import type { CrossEraCall } from './forward-to-modern.js';

/** Time between two looks at a task whose upstream does not say, and the least and most that it may say. */
const POLL_MS = 1_000;
const LEAST_POLL_MS = 50;
const MOST_POLL_MS = 10_000;
/** Longest wait for an upstream to take the cancellation of a task. */
const CANCEL_MS = 5_000;

const CLIENT_INFO_JSON = JSON.stringify(GATEWAY_INFO);

/** What became of a task: the response that a plain call would have had, or why there is none. */
export type TaskOutcome = UpstreamMessage | Refusal | { readonly why: string };

/**
 * Waits for the end of a task that a modern upstream made of a legacy client's call, and asks the client meanwhile what the task asks for
 * (the extension "Tasks"). The client does not know of the task; when it goes away, or the call has had its time, the task is cancelled.
 * @param created the result that is the task
 * @param capabilitiesJson what the upstream is told of the client, tasks included
 */
export async function followModernTask(
  cross: CrossEraCall,
  taskId: string,
  created: UpstreamMessage,
  capabilitiesJson: string,
  untilMs: number,
): Promise<TaskOutcome> {
  const way: Way = { cross, taskId, capabilitiesJson };
  const outcome = await follow(way, created, untilMs);
  const isOver = !(outcome instanceof Refusal) && 'bytes' in outcome;
  if (!isOver)
    send(way, 'tasks/cancel', '', CANCEL_MS, new Cancellation()).catch((error: unknown) =>
      cross.edge.log.error('a task was not cancelled', { error, upstream: cross.link.name }),
    );
  return outcome;
}

interface Way {
  readonly cross: CrossEraCall;
  readonly taskId: string;
  readonly capabilitiesJson: string;
}

async function follow(way: Way, created: UpstreamMessage, limitMs: number): Promise<TaskOutcome> {
  const { call, edge, target } = way.cross;
  const { cancellation } = call.exchange;
  const upstream = target.upstream.name;
  const asked = new Set<string>();
  let message = created;
  let untilMs = limitMs;
  // One for each look: what listens for the end of the call's own stays until then.
  let look = new Cancellation();
  cancellation.onCancel(() => look.cancel());
  while (edge.clock.now() < untilMs) {
    const state = readTask(message.bytes, message.envelope);
    if (state === undefined) return unreadable(upstream);
    const over = message === created ? undefined : outcomeOf(message, state, upstream);
    if (over !== undefined) return over;
    if (state.status === 'input_required' && message !== created) {
      const askedAt = edge.clock.now();
      const problem = await giveInput(way, message, asked);
      if (problem !== undefined) return problem;
      // How long the client takes to answer is its own time.
      untilMs += edge.clock.now() - askedAt;
    }
    if (!cancellation.cancelled) look = new Cancellation();
    await pause(look, pollMs(state));
    if (cancellation.cancelled) return new Refusal('cancelled', 'The call was cancelled.');
    const answer = await send(way, 'tasks/get', '', target.upstream.timeoutMs, look);
    if (answer.kind !== 'response') return refusalOf(answer);
    // What the upstream says of the task itself is not the call's own error.
    if (answer.message.envelope.errorCode !== undefined) return { why: `${upstream} no longer knows the task of this call.` };
    message = answer.message;
  }
  return new Refusal('upstream_timeout', `The task of this call did not end in the time that calls have.`, { upstream });
}

const pollMs = ({ pollIntervalMs = POLL_MS }: TaskState) => Math.min(MOST_POLL_MS, Math.max(LEAST_POLL_MS, pollIntervalMs));

const refusalOf = (answer: Exclude<UpstreamAnswer, { kind: 'response' }>): Refusal => {
  if (answer.kind === 'refused') return answer.refusal;
  throw new Error('a modern upstream has no session that could be gone');
};

const unreadable = (upstream: string) =>
  new Refusal('upstream_invalid', `${upstream} describes a task in a way that cannot be read.`, { upstream });

/** The response that the call would have had without the task; undefined while the task is not over. */
function outcomeOf({ bytes, envelope }: UpstreamMessage, state: TaskState, upstream: string): TaskOutcome | undefined {
  const { status, resultRange, errorRange } = state;
  if (status === 'working' || status === 'input_required') return undefined;
  if (status === 'cancelled') return { why: `${upstream} cancelled the task of this call.` };
  if (status === 'completed' && resultRange !== undefined)
    return messageOf(resultResponse(envelope.id, sliceAt(bytes, resultRange)));
  if (status !== 'failed') return unreadable(upstream);
  if (errorRange === undefined) return messageOf(errorResponse(envelope.id, CODES.internalError, 'The task failed.'));
  return messageOf(Buffer.from(`{"jsonrpc":"2.0","id":${envelope.id},"error":${sliceAt(bytes, errorRange)}}`));
}

function messageOf(bytes: Buffer): UpstreamMessage {
  const envelope = scanMessage(bytes);
  if (!envelope.ok) throw new Error(envelope.message);
  return { bytes, envelope };
}

/** Asks the client what the task has not asked for before: its keys are good for as long as it lives. */
async function giveInput(way: Way, { bytes, envelope }: UpstreamMessage, asked: Set<string>): Promise<TaskOutcome | undefined> {
  const { call, target } = way.cross;
  const { exchange } = call;
  const wanted = readInputRequired(bytes, envelope);
  if (!wanted.ok) return unreadable(target.upstream.name);
  const fresh = wanted.requests.filter(({ key }) => !asked.has(key));
  if (fresh.length === 0) return undefined;
  for (const { key } of fresh) asked.add(key);
  const answers = await ask(way, fresh);
  if (exchange.cancellation.cancelled) return new Refusal('cancelled', 'The call was cancelled.');
  if ('why' in answers) return answers;
  const responses = answers.map(({ key, resultJson }) => `${JSON.stringify(key)}:${resultJson}`);
  const more = `"inputResponses":{${responses.join(',')}},`;
  const answer = await send(way, 'tasks/update', more, target.upstream.timeoutMs, exchange.cancellation);
  if (answer.kind !== 'response') return refusalOf(answer);
  return answer.message.envelope.errorCode === undefined
    ? undefined
    : { why: `${target.upstream.name} did not take the answers for the task of this call.` };
}

function ask({ cross: { call, session, edge } }: Way, requests: readonly InputRequest[]): ReturnType<typeof askInputs> {
  const { reply, cancellation } = call.exchange;
  const origin = edge.ids.next();
  cancellation.onCancel(() => edge.asks.release(origin));
  return askInputs({ session, origin, send: (bytes) => void reply.message(bytes) }, requests, edge);
}

/** @param moreJson text of members of params beside the task's id, each with a comma after it */
async function send(
  { cross, taskId, capabilitiesJson }: Way,
  method: string,
  moreJson: string,
  timeoutMs: number,
  cancellation: Cancellation,
): Promise<UpstreamAnswer> {
  const { call, target, link, context, standing, edge } = cross;
  const id = edge.ids.next();
  const startedAt = edge.clock.monotonicMicros();
  const meta = `{"${META_KEYS.protocolVersion}":"${standing.revision}","${META_KEYS.clientCapabilities}":${capabilitiesJson},"${META_KEYS.clientInfo}":${CLIENT_INFO_JSON}}`;
  const answer = await link.request({
    ...context,
    era: 'modern',
    revision: standing.revision,
    method,
    name: taskId,
    id,
    body: requestMessage(id, method, `{"taskId":${JSON.stringify(taskId)},${moreJson}"_meta":${meta}}`),
    timeoutMs,
    limitMs: timeoutMs,
    cancellation,
    onNotification: () => undefined,
  });
  const micros = Math.round(edge.clock.monotonicMicros() - startedAt);
  const { name } = target.capability;
  recordHop(call, { upstream: link.name, method, id, micros, answer, upstreamCapability: name, era: 'modern' }, edge);
  return answer;
}

/** Waits, or until nobody wants the call any more. */
export const pause = (cancellation: Cancellation, ms: number) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    cancellation.onCancel(() => {
      clearTimeout(timer);
      resolve();
    });
  });
