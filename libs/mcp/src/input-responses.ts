import type { Envelope } from './envelope.js';
import { type InputFault, inputFault, MOST_INPUTS } from './input-requests.js';
import { isObjectAt, jsonAt, memberAt, membersOf, sliceAt } from './json-walk.js';
import { type MemberChanges, memberEdits } from './member-edits.js';
import type { Edit } from './splice.js';

/** A client's answer to one input request. */
export interface InputAnswer {
  /** Of the request that it answers. */
  readonly key: string;
  /** JSON text of the bare result: ElicitResult, CreateMessageResult or ListRootsResult. */
  readonly resultJson: string;
}

/** What a retry carries beside the params of the request that it repeats. */
export interface Retry {
  readonly answers: readonly InputAnswer[];
  /** JSON text of the string that the server gave; absent where it gave none. */
  readonly requestStateJson?: string | undefined;
}

/**
 * The edits that make a request the retry of itself (MCP 2026-07-28, "Multi Round-Trip Requests"). Its id, which must be a new one, is
 * the caller's to change. What it carried from an earlier round goes.
 * @param envelope of the request, which has params
 */
export function retryEdits(bytes: Buffer, envelope: Envelope, { answers, requestStateJson }: Retry): Edit[] {
  const map = answers.map(({ key, resultJson }) => `${JSON.stringify(key)}:${resultJson}`);
  return paramsEdits(bytes, envelope, {
    inputResponses: answers.length === 0 ? undefined : `{${map.join(',')}}`,
    requestState: requestStateJson,
  });
}

/**
 * The edits that take away what a modern request has in its params beside what it asks: what makes it a retry, and the wish for a task,
 * which has no meaning there (the extension "Tasks") and another one in the legacy era. None where it has none of them.
 */
export function firstRoundEdits(bytes: Buffer, envelope: Envelope): Edit[] {
  const { inputResponsesRange, requestStateRange, taskRange } = envelope;
  if (inputResponsesRange === undefined && requestStateRange === undefined && taskRange === undefined) return [];
  return paramsEdits(bytes, envelope, { inputResponses: undefined, requestState: undefined, task: undefined });
}

function paramsEdits(bytes: Buffer, { paramsRange }: Envelope, changes: MemberChanges): Edit[] {
  const members = paramsRange && membersOf(bytes, paramsRange);
  if (paramsRange === undefined || members === undefined) throw new Error('a request that is retried has params');
  return memberEdits(paramsRange, members, changes);
}

/**
 * Reads `params.inputResponses` of a retry. Keys that nobody asked for are the reader's to ignore.
 * @returns undefined where the request carries none
 */
export function readInputResponses(
  bytes: Buffer,
  { inputResponsesRange }: Envelope,
): { readonly ok: true; readonly answers: readonly InputAnswer[] } | InputFault | undefined {
  if (inputResponsesRange === undefined) return undefined;
  const members = membersOf(bytes, inputResponsesRange);
  if (members === undefined || members.some(({ value }) => !isObjectAt(bytes, value))) return inputFault('not_an_object');
  if (members.length > MOST_INPUTS) return inputFault('too_many');
  if (new Set(members.map(({ key }) => key)).size < members.length) return inputFault('repeated_key');
  return { ok: true, answers: members.map(({ key, value }) => ({ key, resultJson: sliceAt(bytes, value) })) };
}

/** How a user answered an elicitation; undefined for what is no ElicitResult. */
export function elicitAction(resultJson: string): 'accept' | 'decline' | 'cancel' | undefined {
  const bytes = Buffer.from(resultJson);
  const range = memberAt(bytes, { start: 0, end: bytes.length }, 'action');
  const action = range && jsonAt(bytes, range);
  return action === 'accept' || action === 'decline' || action === 'cancel' ? action : undefined;
}
