import type { Envelope, Range } from './envelope.js';
import { type InputRequest, isInputMethod } from './input-requests.js';
import type { InputAnswer } from './input-responses.js';
import { isObjectAt, memberAt, membersOf, sliceAt, stringAt } from './json-walk.js';
import { requestMessage } from './jsonrpc.js';
import { type MemberChanges, memberEdits } from './member-edits.js';
import { META_KEYS } from './meta-keys.js';
import type { RevisionTable } from './revisions/revision-table.js';
import { splice } from './splice.js';

/** An input request that a legacy server made, and the id under which it will speak of it again. */
export interface AskedByLegacy {
  readonly request: InputRequest;
  /** Of an elicitation by URL; stays with the gateway, for the modern era has none (MCP 2025-11-25, "Elicitation"). */
  readonly elicitationId?: string | undefined;
}

/** An object's text with some of its members changed. */
export function changedText(bytes: Buffer, object: Range, changes: MemberChanges): string {
  const own = bytes.subarray(object.start, object.end);
  const range = { start: 0, end: own.length };
  return splice(own, memberEdits(range, membersOf(own, range) ?? [], changes)).toString('utf8');
}

/**
 * What a legacy server's request asks for, as a modern server would: without progress token and task, which have no meaning there.
 * @param key names the request in the result that will carry it
 * @returns undefined for requests of other methods (`ping`, tasks) and for what has no proper params
 */
export function inputRequestOf(
  bytes: Buffer,
  { method, paramsRange, metaRange }: Envelope,
  key: string,
): AskedByLegacy | undefined {
  if (!isInputMethod(method)) return undefined;
  if (paramsRange === undefined) return method === 'roots/list' ? { request: { key, method } } : undefined;
  const idRange = memberAt(bytes, paramsRange, 'elicitationId');
  const meta =
    metaRange && changedText(bytes, metaRange, { progressToken: undefined, [META_KEYS.relatedTask]: undefined }).trim();
  const paramsJson = changedText(bytes, paramsRange, {
    task: undefined,
    elicitationId: undefined,
    ...(meta !== undefined && { _meta: isEmptyObject(meta) ? undefined : meta }),
  });
  return { request: { key, method, paramsJson }, elicitationId: idRange && stringAt(bytes, idRange) };
}

const isEmptyObject = (text: string): boolean => /^\{\s*\}$/.test(text);

/**
 * The request with which a legacy server asks for the same (MCP 2025-11-25, "Elicitation", "Sampling", "Roots").
 * @param idText JSON text of an id that is fresh on the way to that client
 * @param client what the client's revision has; its form elicitations say no mode where there is no other
 * @param elicitationId for an elicitation by URL, which must have one
 */
export function legacyServerRequest(
  idText: string,
  { method, paramsJson }: InputRequest,
  client: RevisionTable,
  elicitationId: string,
): Buffer {
  if (paramsJson === undefined || method !== 'elicitation/create') return requestMessage(idText, method, paramsJson);
  const bytes = Buffer.from(paramsJson);
  const object = { start: 0, end: bytes.length };
  if (isUrlMode(bytes, object)) {
    return requestMessage(idText, method, changedText(bytes, object, { elicitationId: JSON.stringify(elicitationId) }));
  }
  return requestMessage(
    idText,
    method,
    client.elicitationNamesMode ? paramsJson : changedText(bytes, object, { mode: undefined }),
  );
}

/** Whether the params of an elicitation want the user to go to a URL. */
export function isUrlMode(bytes: Buffer, params: Range): boolean {
  const mode = memberAt(bytes, params, 'mode');
  return mode !== undefined && stringAt(bytes, mode) === 'url';
}

/**
 * A legacy client's response to such a request, as an entry of `inputResponses`.
 * @returns undefined for an error: the modern era has no answer that says so, the request is not retried
 */
export function inputAnswerOf(key: string, bytes: Buffer, { resultRange }: Envelope): InputAnswer | undefined {
  if (resultRange === undefined || !isObjectAt(bytes, resultRange)) return undefined;
  return { key, resultJson: sliceAt(bytes, resultRange) };
}
