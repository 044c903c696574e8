import type { Envelope } from './envelope.js';
import { membersOf } from './json-walk.js';
import { memberEdits, prependEdit } from './member-edits.js';
import { META_KEYS } from './meta-keys.js';
import type { Edit } from './splice.js';

const NOT_LEGACY = { resultType: undefined, ttlMs: undefined, cacheScope: undefined };
const NOT_LEGACY_META = { [META_KEYS.serverInfo]: undefined, [META_KEYS.subscriptionId]: undefined };

/**
 * The edits that make a modern server's result a legacy one: no type, no cache hints (MCP 2026-07-28, "Results", "Caching"), no
 * description of the server.
 * @throws Error for a result that is not complete: a legacy client would take it for a success without content
 */
export function legacyResultEdits(bytes: Buffer, { resultRange, resultType }: Envelope): Edit[] {
  if (resultType !== undefined && resultType !== 'complete')
    throw new Error(`a result of type "${resultType}" has no legacy form`);
  const members = resultRange && membersOf(bytes, resultRange);
  if (resultRange === undefined || members === undefined) return [];
  const meta = members.findLast(({ key }) => key === '_meta')?.value;
  const metaMembers = meta && membersOf(bytes, meta);
  return [
    ...memberEdits(resultRange, members, NOT_LEGACY),
    ...(meta !== undefined && metaMembers !== undefined ? memberEdits(meta, metaMembers, NOT_LEGACY_META) : []),
  ];
}

/**
 * The edits that give a notification the id of the subscription that it is sent for, or none (MCP 2026-07-28, "Subscriptions").
 * @param subscriptionIdJson JSON text of the id of the client's own `subscriptions/listen` request; absent towards legacy clients
 */
export function subscriptionIdEdits(bytes: Buffer, envelope: Envelope, subscriptionIdJson?: string): Edit[] {
  const { paramsRange, metaRange } = envelope;
  if (metaRange !== undefined)
    return memberEdits(metaRange, membersOf(bytes, metaRange) ?? [], { [META_KEYS.subscriptionId]: subscriptionIdJson });
  if (subscriptionIdJson === undefined) return [];
  const metaJson = `{"${META_KEYS.subscriptionId}":${subscriptionIdJson}}`;
  if (paramsRange !== undefined) return [prependEdit(bytes, paramsRange, '_meta', metaJson)];
  const root = { start: bytes.indexOf('{'), end: bytes.length };
  return memberEdits(root, membersOf(bytes, root) ?? [], { params: `{"_meta":${metaJson}}` });
}
