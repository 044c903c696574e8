import { createdTaskId, type Edit, type Envelope, namesExtension, TASKS_EXTENSION } from '@switchyard/mcp';
import type { Edge } from '../edge.js';
import type { Call } from '../exchange.js';
import { Refusal } from '../refusal.js';
import type { LegacySession, UpstreamMessage, UpstreamProfile } from '../upstream/link.js';
import type { Target } from './resolve.js';

/** The first revision with sessions that has tasks. */
const FIRST_WITH_TASKS = '2025-11-25';

/** Whether a modern client says in this request that it knows tasks (the extension "Tasks"). */
export const declaresTasks = ({ inbound: { bytes, envelope } }: Call): boolean =>
  namesExtension(bytes, envelope.clientCapabilitiesRange, TASKS_EXTENSION);

/** Whether a result may be a task: a modern one says so, a legacy one can be one only if the call asked for it. */
export const mayBeTask = ({ inbound }: Call, { resultType }: Envelope): boolean =>
  inbound.era === 'modern' ? resultType === 'task' : inbound.envelope.taskRange !== undefined;

/**
 * A call has become a task of the upstream's: its id is sealed to the caller before it leaves.
 * @returns the edit that does so; undefined where the result is no task
 */
export function takeTask(
  call: Call,
  { upstream, capability }: Target,
  message: UpstreamMessage,
  edge: Edge,
): Edit | Refusal | undefined {
  const { inbound, session, exchange } = call;
  const { bytes, envelope } = message;
  const isCall = inbound.envelope.method === 'tools/call';
  const created = isCall ? createdTaskId(bytes, envelope, inbound.era) : undefined;
  if (created === undefined) return undefined;
  if (inbound.era === 'modern' && !declaresTasks(call))
    return new Refusal('upstream_invalid', `${upstream.name} began a task for a client that does not know tasks.`, {
      upstream: upstream.name,
    });
  const { text: id, range } = created;
  const exposed = edge.tasks.ids.seal(call, { upstream: upstream.name, tool: capability.name, id });
  const theirs = inbound.envelope.progressToken;
  const progress = theirs === undefined ? undefined : { ours: envelope.id, theirs };
  if (session !== undefined) edge.tasks.own.remember(session, upstream.name, id, { exposed, progress });
  exchange.facts.detail = { ...exchange.facts.detail, result: 'task' };
  return { range, text: JSON.stringify(exposed) };
}

/** Why a legacy call cannot be made a task, as its params want; undefined where it can. */
export function taskProblem(
  { inbound, session }: Call,
  upstream: string,
  standing: LegacySession | UpstreamProfile,
): Refusal | undefined {
  if (inbound.era === 'modern' || session === undefined) return undefined;
  const isModern = 'era' in standing && standing.era === 'modern';
  if (!isModern && session.record.revision >= FIRST_WITH_TASKS) return undefined;
  const why = isModern
    ? `${upstream} is of a revision whose tasks are others`
    : `tasks came with revision ${FIRST_WITH_TASKS}, and your session is of an older one`;
  return new Refusal('task_not_possible', `The call cannot be made a task: ${why}. Call the tool without "task".`, { upstream });
}
