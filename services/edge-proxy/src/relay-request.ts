import {
  CODES,
  declares,
  downgradeInput,
  errorResponse,
  type InputMethod,
  inputNeed,
  isInputMethod,
  revisionOf,
  type RevisionTable,
  sliceAt,
  splice,
} from '@switchyard/mcp';
import type { NoAnswer } from './client-asks.js';
import type { Edge } from './edge.js';
import type { ClientSession } from './session-store.js';
import type { UpstreamMessage } from './upstream/link.js';

/** Where a client hears what an upstream asks. */
export interface AskingStream {
  readonly session: ClientSession;
  /** Names the call or stream that the asking belongs to, among all of this edge. */
  readonly origin: string;
  readonly send: (bytes: Buffer) => void;
}

const WHY: Readonly<Record<NoAnswer, string>> = {
  late: 'The client did not answer in time.',
  gone: 'The client is no longer there to answer.',
  withdrawn: 'The request was withdrawn.',
  too_many: 'The client is being asked too much at once.',
};

/** Whether a session's client has said that it can be asked anything. */
export function canBeAsked({ record: { capabilities } }: ClientSession): boolean {
  return capabilities.elicitation !== undefined || capabilities.sampling !== undefined || capabilities.roots !== undefined;
}

/**
 * Asks a legacy client what a legacy upstream asks, under an id of the gateway's own. What the client has not declared it is not asked.
 * @returns the response for the upstream, under the id that it asked with; never rejects
 */
export async function relayRequest(stream: AskingStream, message: UpstreamMessage, edge: Edge): Promise<Buffer> {
  const { bytes, envelope } = message;
  const { session, origin, send } = stream;
  const refusal = refusalOf(session, message);
  if (refusal !== undefined) return refusal;
  const form = downgradeInput(bytes, envelope.paramsRange, envelope.method as InputMethod, clientOf(session));
  if (!form.ok) return errorResponse(envelope.id, CODES.invalidParams, lacking(session, form.lacks));
  const answer = await edge.asks.ask({
    session: session.id,
    origin,
    upstreamId: envelope.id,
    write: (id) => splice(bytes, [...(envelope.idRange ? [{ range: envelope.idRange, text: id }] : []), ...form.edits]),
    send,
    timeoutMs: edge.limits.callLimitMs,
  });
  if (typeof answer === 'string') return errorResponse(envelope.id, CODES.serverError, WHY[answer]);
  const { idRange } = answer.envelope;
  return splice(answer.bytes, idRange ? [{ range: idRange, text: envelope.id }] : []);
}

/** What the client's revision has. */
export function clientOf({ record: { revision } }: ClientSession): RevisionTable {
  const client = revisionOf(revision);
  if (client === undefined) throw new Error('a session has a revision that is not served');
  return client;
}

/** Why a client cannot be asked, for whoever asks. */
export const lacking = ({ record: { revision } }: ClientSession, what: string): string =>
  `The client speaks revision ${revision}, which has no ${what.replace(/^an? /, '')}.`;

/** MCP 2025-11-25, "Elicitation", "Error Handling": an undeclared mode is a fault in the params, an undeclared capability a missing method. */
function refusalOf({ record: { capabilities } }: ClientSession, { bytes, envelope }: UpstreamMessage): Buffer | undefined {
  const { id, method, paramsRange } = envelope;
  if (!isInputMethod(method)) return errorResponse(id, CODES.methodNotFound, `The gateway does not take ${method} requests.`);
  const [capability = ''] = method.split('/');
  if (capabilities[capability] === undefined)
    return errorResponse(id, CODES.methodNotFound, `The client does not support ${capability} (${method}).`);
  const need = inputNeed({ key: '', method, paramsJson: paramsRange && sliceAt(bytes, paramsRange) });
  return declares(capabilities, need)
    ? undefined
    : errorResponse(id, CODES.invalidParams, `The client does not support ${need} (${method}).`);
}
