import type { Envelope, Range } from './envelope.js';
import { elementsOf, type Member, membersOf } from './json-walk.js';
import { memberEdits } from './member-edits.js';
import { META_KEYS } from './meta-keys.js';
import { REVISION_2026_07_28 } from './revisions/2026-07-28.js';
import type { Edit } from './splice.js';

/** What a modern server says of a result beside its content. */
export interface ResultHints {
  /** JSON text of the Implementation object that the client sees: the gateway's. */
  readonly serverInfoJson?: string | undefined;
  /** How long a client may keep the result, where its method has cache hints; 0 if absent. */
  readonly ttlMs?: number | undefined;
  /** `public` only where it is known that no caller sees anything else; `private` if absent. */
  readonly cacheScope?: 'private' | 'public' | undefined;
}

/**
 * The edits that make a legacy server's result a modern one: its type, cache hints where the method has them, the server's description
 * (MCP 2026-07-28, "Results", "Caching"). What the server wrote under these names is replaced: no legacy result means it.
 * @param method that the result answers
 */
export function modernResultEdits(bytes: Buffer, { resultRange }: Envelope, method: string, hints: ResultHints = {}): Edit[] {
  const members = resultRange && membersOf(bytes, resultRange);
  if (resultRange === undefined || members === undefined) return [];
  const changes: Record<string, string | undefined> = {
    resultType: '"complete"',
    inputRequests: undefined,
    requestState: undefined,
  };
  if (REVISION_2026_07_28.cacheableRequests.has(method)) {
    changes['ttlMs'] = String(hints.ttlMs ?? 0);
    changes['cacheScope'] = JSON.stringify(hints.cacheScope ?? 'private');
  }
  // Legacy clients take a tool's result without content for one with none; modern ones do not.
  if (method === 'tools/call' && !members.some(({ key }) => key === 'content')) changes['content'] = '[]';
  const found = members.filter(({ key }) => key === '_meta');
  const meta = found[0]?.value;
  const metaMembers = found.length === 1 && meta !== undefined ? membersOf(bytes, meta) : undefined;
  if (meta === undefined || metaMembers === undefined) {
    changes['_meta'] = hints.serverInfoJson && `{"${META_KEYS.serverInfo}":${hints.serverInfoJson}}`;
    return [...memberEdits(resultRange, members, changes), ...toolEdits(bytes, members, method)];
  }
  const metaChanges = { [META_KEYS.serverInfo]: hints.serverInfoJson, [META_KEYS.subscriptionId]: undefined };
  return [
    ...memberEdits(resultRange, members, changes),
    ...memberEdits(meta, metaMembers, metaChanges),
    ...toolEdits(bytes, members, method),
  ];
}

/** Tools of the modern era say nothing of tasks: those are an extension (MCP 2026-07-28, "Tools"). */
function toolEdits(bytes: Buffer, members: readonly Member[], method: string): Edit[] {
  const tools = method === 'tools/list' ? members.findLast(({ key }) => key === 'tools')?.value : undefined;
  const items = tools && elementsOf(bytes, tools);
  return (items ?? []).flatMap((item) => modernToolEdits(bytes, item));
}

/** The edits that make one item of a legacy `tools/list` a modern one. @param tool where the item stands */
export function modernToolEdits(bytes: Buffer, tool: Range): Edit[] {
  const members = membersOf(bytes, tool);
  return members === undefined ? [] : memberEdits(tool, members, { execution: undefined });
}
