import { randomUUID } from 'node:crypto';
import {
  declares,
  type InputAnswer,
  inputAnswerOf,
  inputNeed,
  type InputRequest,
  legacyServerRequest,
  revisionOf,
} from '@switchyard/mcp';
import type { Edge } from './edge.js';
import type { AskingStream } from './relay-request.js';

/** What the client did not give, in words for whoever made the call. */
export interface Unanswered {
  readonly why: string;
}

/** Asks a legacy client everything that a modern upstream wants before it goes on, side by side (MCP 2026-07-28, "Multi Round-Trip Requests"). */
export async function askInputs(
  stream: AskingStream,
  requests: readonly InputRequest[],
  edge: Edge,
): Promise<readonly InputAnswer[] | Unanswered> {
  const { capabilities } = stream.session.record;
  const missing = requests.map(inputNeed).find((need) => !declares(capabilities, need));
  if (missing !== undefined) return { why: `The server asks for ${missing}, which the client does not support.` };
  const answers = await Promise.all(requests.map((request) => askInput(stream, request, edge)));
  const unanswered = answers.find((answer) => 'why' in answer);
  return unanswered ?? answers.filter((answer): answer is InputAnswer => 'key' in answer);
}

async function askInput(
  { session, origin, send }: AskingStream,
  request: InputRequest,
  edge: Edge,
): Promise<InputAnswer | Unanswered> {
  const client = revisionOf(session.record.revision);
  if (client === undefined) throw new Error('a session has a revision that is not served');
  const answer = await edge.asks.ask({
    session: session.id,
    origin,
    write: (id) => legacyServerRequest(id, request, client, randomUUID()),
    send,
    timeoutMs: edge.limits.callLimitMs,
  });
  if (typeof answer === 'string') return { why: `The client did not answer ${request.method}.` };
  return (
    inputAnswerOf(request.key, answer.bytes, answer.envelope) ?? {
      why: `The client answered ${request.method} with error ${answer.envelope.errorCode ?? ''}.`,
    }
  );
}
