import type { Envelope, Range } from './envelope.js';
import { jsonAt, memberAt, membersOf, stringAt } from './json-walk.js';
import { CODES } from './jsonrpc.js';
import { memberEdits } from './member-edits.js';
import { META_KEYS } from './meta-keys.js';
import type { Era } from './revisions/era.js';
import type { Edit } from './splice.js';

/** The extension of the modern era that its clients declare, request by request, to be given tasks ("Tasks"). */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** Whether a legacy server's tool can be called as a task (MCP 2025-11-25, "Tasks", "Tool-Level Negotiation"). */
export type TaskSupport = 'required' | 'optional' | 'forbidden';

/** Text that stands in a message, and where, quotes included. */
export interface TextAt {
  readonly text: string;
  readonly range: Range;
}

function textAt(bytes: Buffer, range: Range | undefined): TextAt | undefined {
  const text = range && stringAt(bytes, range);
  return range === undefined || text === undefined ? undefined : { text, range };
}

/** What a tool of a legacy server says of tasks. @param tool its text, which has passed the gate */
export function taskSupportOf(tool: Buffer): TaskSupport {
  const range = memberAt(tool, { start: 0, end: tool.length }, 'execution', 'taskSupport');
  const support = range && stringAt(tool, range);
  return support === 'required' || support === 'optional' ? support : 'forbidden';
}

/** Whether ClientCapabilities, or what an error says is missing of them, name an extension. */
export function namesExtension(bytes: Buffer, capabilities: Range | undefined, extension: string): boolean {
  return memberAt(bytes, capabilities, 'extensions', extension) !== undefined;
}

/** The id of the task that a call has become; undefined where the result is another (MCP 2025-11-25, "Tasks"; the extension "Tasks"). */
export function createdTaskId(bytes: Buffer, { resultRange, resultType }: Envelope, era: Era): TextAt | undefined {
  if (era === 'legacy') return textAt(bytes, memberAt(bytes, resultRange, 'task', 'taskId'));
  return resultType === 'task' ? textAt(bytes, memberAt(bytes, resultRange, 'taskId')) : undefined;
}

/** The id of the task that a result describes. */
export function describedTaskId(bytes: Buffer, { resultRange }: Envelope): TextAt | undefined {
  return textAt(bytes, memberAt(bytes, resultRange, 'taskId'));
}

/** The id of the task that a message belongs to: in `_meta` of its params or of its result (MCP 2025-11-25, "Tasks"). */
export function relatedTaskId(bytes: Buffer, { paramsRange, resultRange }: Envelope): TextAt | undefined {
  return textAt(bytes, memberAt(bytes, paramsRange ?? resultRange, '_meta', META_KEYS.relatedTask, 'taskId'));
}

/** The edits that take the task out of a message's `_meta`. */
export function unrelatedEdits(bytes: Buffer, { paramsRange, resultRange }: Envelope): Edit[] {
  const meta = memberAt(bytes, paramsRange ?? resultRange, '_meta');
  const members = meta && membersOf(bytes, meta);
  return meta === undefined || members === undefined ? [] : memberEdits(meta, members, { [META_KEYS.relatedTask]: undefined });
}

/** The edits that say of a result to which task it belongs. */
export function relatedEdits(bytes: Buffer, { resultRange }: Envelope, taskId: string): Edit[] {
  const members = resultRange && membersOf(bytes, resultRange);
  if (resultRange === undefined || members === undefined) return [];
  const related = JSON.stringify({ taskId });
  const meta = members.findLast(({ key }) => key === '_meta')?.value;
  const metaMembers = meta && membersOf(bytes, meta);
  return meta === undefined || metaMembers === undefined
    ? memberEdits(resultRange, members, { _meta: `{"${META_KEYS.relatedTask}":${related}}` })
    : memberEdits(meta, metaMembers, { [META_KEYS.relatedTask]: related });
}

/** The edits that make a legacy `tools/call` ask for a task, or ask for none. */
export function taskParamEdits(bytes: Buffer, { paramsRange }: Envelope, taskJson: string | undefined): Edit[] {
  const members = paramsRange && membersOf(bytes, paramsRange);
  return paramsRange === undefined || members === undefined ? [] : memberEdits(paramsRange, members, { task: taskJson });
}

/** Whether a modern server refuses a call because it can only answer it with a task, which the client has not declared to know. */
export function wantsTasks(bytes: Buffer, { errorCode, errorRange }: Envelope): boolean {
  if (errorCode !== CODES.missingClientCapability) return false;
  return namesExtension(bytes, memberAt(bytes, errorRange, 'data', 'requiredCapabilities'), TASKS_EXTENSION);
}

/** How a modern server's task stands. */
export interface TaskState {
  readonly status: string;
  readonly pollIntervalMs: number | undefined;
  /** Of the call's own result, where it is completed. */
  readonly resultRange: Range | undefined;
  /** Of the call's own error, where it is failed. */
  readonly errorRange: Range | undefined;
}

/** Reads what makes or describes a modern server's task; undefined for anything else (the extension "Tasks"). */
export function readTask(bytes: Buffer, { resultRange }: Envelope): TaskState | undefined {
  const status = textAt(bytes, memberAt(bytes, resultRange, 'status'))?.text;
  if (status === undefined) return undefined;
  const interval = memberAt(bytes, resultRange, 'pollIntervalMs');
  const pollIntervalMs = interval && jsonAt(bytes, interval);
  return {
    status,
    pollIntervalMs: typeof pollIntervalMs === 'number' ? pollIntervalMs : undefined,
    resultRange: memberAt(bytes, resultRange, 'result'),
    errorRange: memberAt(bytes, resultRange, 'error'),
  };
}
