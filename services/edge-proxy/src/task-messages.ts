import { type Edit, relatedEdits, relatedTaskId, scanMessage, splice, unrelatedEdits } from '@switchyard/mcp';
import type { Edge } from './edge.js';
import { type AskingStream, relayRequest } from './relay-request.js';
import type { OutboundRequest, UpstreamMessage } from './upstream/link.js';

type OnServerRequest = NonNullable<OutboundRequest['onServerRequest']>;

function changed(message: UpstreamMessage, edits: readonly Edit[]): UpstreamMessage {
  if (edits.length === 0) return message;
  const bytes = splice(message.bytes, edits);
  return { bytes, envelope: envelopeOf(bytes) };
}

function envelopeOf(bytes: Buffer): UpstreamMessage['envelope'] {
  const envelope = scanMessage(bytes);
  if (!envelope.ok) throw new Error(envelope.message);
  return envelope;
}

/** A message that belongs to one task, under the task's id on the other side. Of others nothing is said: which task it is of goes. */
export function relatedTo(message: UpstreamMessage, from: string, to: string): UpstreamMessage {
  const related = relatedTaskId(message.bytes, message.envelope);
  if (related === undefined) return message;
  return related.text === from ? changed(message, [{ range: related.range, text: JSON.stringify(to) }]) : unrelated(message);
}

/** The message without the task that it belongs to (MCP 2025-11-25, "Tasks", "Related Task Metadata"). */
export const unrelated = (message: UpstreamMessage): UpstreamMessage =>
  relatedTaskId(message.bytes, message.envelope) === undefined
    ? message
    : changed(message, unrelatedEdits(message.bytes, message.envelope));

/** An answer, put to the task that it was asked for. @param body a whole response */
export function answerOfTask(body: Buffer, taskId: string): Buffer {
  return splice(body, relatedEdits(body, envelopeOf(body), taskId));
}

/** Asks the client what an upstream asks for the sake of one of its tasks, under each side's id of the task. */
export function askAboutTask(
  stream: AskingStream,
  task: { readonly id: string; readonly exposed: string },
  edge: Edge,
): OnServerRequest {
  return (message, answer) =>
    void relayRequest(stream, relatedTo(message, task.id, task.exposed), edge).then((body) =>
      answer(answerOfTask(body, task.id)),
    );
}
