import type { Range } from './envelope.js';
import type { Member } from './json-walk.js';
import type { Edit } from './splice.js';

/** What becomes of members of one object: JSON text to hold, or undefined to go. */
export type MemberChanges = Readonly<Record<string, string | undefined>>;

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * The edits that make an object hold some members and lose others. Members that are not named stay as they are. One that stands twice
 * stands once afterwards. New members come last.
 * @param object where the object stands @param members its members, as `membersOf` gives them
 */
export function memberEdits(object: Range, members: readonly Member[], changes: MemberChanges): Edit[] {
  const edits: Edit[] = [];
  const placed = new Set<string>();
  const stays = members.map(({ key, value }) => {
    if (!Object.hasOwn(changes, key)) return true;
    const text = changes[key];
    if (text === undefined || placed.has(key)) return false;
    placed.add(key);
    edits.push({ range: value, text });
    return true;
  });
  const firstStaying = stays.indexOf(true);
  members.forEach(({ keyRange, value }, index) => {
    if (stays[index] === true) return;
    const before = members[index - 1];
    const after = members[index + 1];
    // With a member before it that stays, a member takes the comma before it along; else the one after it.
    if (before !== undefined && firstStaying >= 0 && firstStaying < index)
      edits.push({ range: { start: before.value.end, end: value.end }, text: '' });
    else edits.push({ range: { start: keyRange.start, end: after?.keyRange.start ?? value.end }, text: '' });
  });
  return [...insertion(object, members[stays.lastIndexOf(true)], changes, placed), ...edits];
}

function insertion(object: Range, last: Member | undefined, changes: MemberChanges, placed: ReadonlySet<string>): Edit[] {
  const added = Object.entries(changes).filter(([key, text]) => text !== undefined && !placed.has(key));
  if (added.length === 0) return [];
  const text = added.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',');
  const at = last?.value.end ?? object.start + 1;
  return [{ range: { start: at, end: at }, text: last === undefined ? text : `,${text}` }];
}

/** The edit that puts a member in front of all others of an object, without looking at them. It must not be there yet. */
export function prependEdit(bytes: Buffer, object: Range, key: string, json: string): Edit {
  let next = object.start + 1;
  while ((bytes[next] ?? CLOSE_BRACE) <= 0x20) next += 1;
  const isEmpty = bytes[next] === CLOSE_BRACE;
  if (bytes[object.start] !== OPEN_BRACE) throw new Error('no object stands here');
  const at = object.start + 1;
  return { range: { start: at, end: at }, text: `${JSON.stringify(key)}:${json}${isEmpty ? '' : ','}` };
}
