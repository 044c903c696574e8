import { randomUUID } from 'node:crypto';
import {
  declares,
  downgradeInput,
  type InputAnswer,
  inputAnswerOf,
  inputNeed,
  type InputRequest,
  legacyServerRequest,
  splice,
} from '@switchyard/mcp';
import type { Edge } from './edge.js';
import { type AskingStream, clientOf, lacking } from './relay-request.js';
import type { ClientSession } from './session-store.js';

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
  const forms: InputRequest[] = [];
  for (const request of requests) {
    const form = formOf(request, stream.session);
    if ('why' in form) return form;
    forms.push(form);
  }
  const answers = await Promise.all(forms.map((request) => askInput(stream, request, edge)));
  const unanswered = answers.find((answer) => 'why' in answer);
  return unanswered ?? answers.filter((answer): answer is InputAnswer => 'key' in answer);
}

/** In the words of the client's revision. */
function formOf(request: InputRequest, session: ClientSession): InputRequest | Unanswered {
  if (request.paramsJson === undefined) return request;
  const bytes = Buffer.from(request.paramsJson);
  const form = downgradeInput(bytes, { start: 0, end: bytes.length }, request.method, clientOf(session));
  if (!form.ok) return { why: lacking(session, form.lacks) };
  return form.edits.length === 0 ? request : { ...request, paramsJson: splice(bytes, form.edits).toString('utf8') };
}

async function askInput(
  { session, origin, send }: AskingStream,
  request: InputRequest,
  edge: Edge,
): Promise<InputAnswer | Unanswered> {
  const client = clientOf(session);
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
