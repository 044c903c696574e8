import { type Edit, elementsOf, memberAt, memberEdits, membersOf, type Range, scanMessage, splice } from '@switchyard/mcp';
import type { UpstreamMessage } from './upstream/link.js';

/** Keys of `_meta` under which the gateway alone speaks (MCP 2026-07-28, "_meta"). */
export const OWN_NAMESPACE = 'dev.switchyard/';

const AS_WRITTEN = Buffer.from(OWN_NAMESPACE);
const ESCAPE = Buffer.from('\\u');

/** Lists of a result whose items have a `_meta` of their own. */
const LISTS: ReadonlySet<string> = new Set(['content', 'contents', 'tools', 'prompts', 'resources', 'resourceTemplates']);

/** What an upstream says in the gateway's name is taken out of its result. Most results hold nothing of the kind, and stay as they are. */
export function withoutOwnNamespace(message: UpstreamMessage): UpstreamMessage {
  const { bytes, envelope } = message;
  const { resultRange } = envelope;
  if (resultRange === undefined || !(bytes.includes(AS_WRITTEN) || bytes.includes(ESCAPE))) return message;
  const edits = [...metaEdits(bytes, resultRange), ...itemEdits(bytes, resultRange)];
  if (edits.length === 0) return message;
  const own = splice(bytes, edits);
  const scanned = scanMessage(own);
  if (!scanned.ok) throw new Error(scanned.message);
  return { bytes: own, envelope: scanned };
}

function itemEdits(bytes: Buffer, result: Range): Edit[] {
  const lists = (membersOf(bytes, result) ?? []).filter(({ key }) => LISTS.has(key));
  return lists.flatMap(({ value }) => (elementsOf(bytes, value) ?? []).flatMap((item) => metaEdits(bytes, item)));
}

function metaEdits(bytes: Buffer, object: Range): Edit[] {
  const meta = memberAt(bytes, object, '_meta');
  const members = meta && membersOf(bytes, meta);
  const ours = members?.filter(({ key }) => key.startsWith(OWN_NAMESPACE)) ?? [];
  if (meta === undefined || members === undefined || ours.length === 0) return [];
  return memberEdits(meta, members, Object.fromEntries(ours.map(({ key }) => [key, undefined])));
}
