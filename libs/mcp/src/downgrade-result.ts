import type { Envelope, Range } from './envelope.js';
import { elementsOf, isObjectAt, type Member, membersOf, sliceAt, stringAt } from './json-walk.js';
import { memberEdits } from './member-edits.js';
import type { ContentType, RevisionTable } from './revisions/revision-table.js';
import type { Edit } from './splice.js';

/**
 * The edits that make a result one that a client of a revision can take: content of types that it does not know becomes text or an
 * embedded resource, structured content that is no object is wrapped ("Tools", "Prompts", "Schema" of each revision). None for results
 * that can stay as they are.
 * @param method that the result answers; only results of tools/call and prompts/get ever change
 * @param wrapsOutput whether the client was shown a wrapped output schema for the tool (`downgradeTool`)
 */
export function downgradeResult(
  bytes: Buffer,
  { resultRange }: Envelope,
  method: string,
  client: RevisionTable,
  wrapsOutput = false,
): Edit[] {
  const members = resultRange && membersOf(bytes, resultRange);
  if (resultRange === undefined || members === undefined) return [];
  if (method === 'tools/call') return toolResultEdits(bytes, resultRange, members, client, wrapsOutput);
  if (method !== 'prompts/get') return [];
  const messages = valueOf(members, 'messages');
  return ((messages && elementsOf(bytes, messages)) ?? []).flatMap((message, index) => {
    const content = valueOf(membersOf(bytes, message) ?? [], 'content');
    return content === undefined ? [] : blockEdits(bytes, content, client, index);
  });
}

const valueOf = (members: readonly Member[], name: string): Range | undefined =>
  members.findLast(({ key }) => key === name)?.value;

function toolResultEdits(
  bytes: Buffer,
  result: Range,
  members: readonly Member[],
  client: RevisionTable,
  wrapsOutput: boolean,
): Edit[] {
  const content = valueOf(members, 'content');
  const blocks = content && elementsOf(bytes, content);
  const edits = (blocks ?? []).flatMap((block, index) => blockEdits(bytes, block, client, index));
  const structured = valueOf(members, 'structuredContent');
  if (structured === undefined || client.structuredContent === 'any') return edits;
  const isObject = isObjectAt(bytes, structured);
  if (wrapsOutput || !isObject) edits.push(insertion(structured.start, '{"result":'), insertion(structured.end, '}'));
  const isReadable = isObject && client.structuredContent === 'object';
  if (isReadable || (blocks ?? []).some((block) => typeOf(bytes, block) === 'text')) return edits;
  // Who cannot read the structure reads its text.
  const block = textBlock(sliceAt(bytes, structured), '');
  if (content === undefined || blocks === undefined)
    return [...edits, ...memberEdits(result, members, { content: `[${block}]` })];
  const last = blocks.at(-1);
  return [...edits, last === undefined ? insertion(content.start + 1, block) : insertion(last.end, `,${block}`)];
}

const insertion = (at: number, text: string): Edit => ({ range: { start: at, end: at }, text });

function typeOf(bytes: Buffer, block: Range): string | undefined {
  const type = valueOf(membersOf(bytes, block) ?? [], 'type');
  return type && stringAt(bytes, type);
}

function blockEdits(bytes: Buffer, block: Range, client: RevisionTable, index: number): Edit[] {
  const members = membersOf(bytes, block) ?? [];
  const typeRange = valueOf(members, 'type');
  const type = typeRange && stringAt(bytes, typeRange);
  if (client.contentTypes.has(type as ContentType)) return [];
  return [{ range: block, text: replacement(bytes, block, members, type, index) }];
}

function replacement(bytes: Buffer, block: Range, members: readonly Member[], type: string | undefined, index: number): string {
  const textOf = (name: string): string | undefined => {
    const range = valueOf(members, name);
    return range && stringAt(bytes, range);
  };
  const kept = ['annotations', '_meta'].flatMap((name) => {
    const range = valueOf(members, name);
    return range !== undefined && isObjectAt(bytes, range) ? [`,"${name}":${sliceAt(bytes, range)}`] : [];
  });
  const data = textOf('data');
  if (type === 'audio' && data !== undefined) {
    const mimeType = textOf('mimeType') ?? 'application/octet-stream';
    const resource = { uri: `urn:switchyard:audio:${index}`, mimeType, blob: data };
    return `{"type":"resource","resource":${JSON.stringify(resource)}${kept.join('')}}`;
  }
  const uri = textOf('uri');
  if (type === 'resource_link' && uri !== undefined) {
    const lines = [`${textOf('title') ?? textOf('name') ?? 'Resource'}: ${uri}`, textOf('description')];
    return textBlock(lines.filter((line) => line !== undefined).join('\n'), kept.join(''));
  }
  return textBlock(sliceAt(bytes, block), '');
}

const textBlock = (text: string, more: string): string => `{"type":"text","text":${JSON.stringify(text)}${more}}`;
