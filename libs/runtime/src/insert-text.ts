import { isDeepStrictEqual } from 'node:util';
import {
  isCollection,
  isMap,
  isPair,
  isSeq,
  parse,
  parseDocument,
  stringify,
  type Document,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { TextChange } from './edit-text.js';

type BlockCollection = YAMLMap | YAMLSeq;

/**
 * Makes a change by adding lines, so that every other byte of the text stays.
 * @returns undefined where that cannot be done: the place is empty, written in flow style, or has something already
 */
export function insertText(text: string, change: TextChange): string | undefined {
  const document = parseDocument(text);
  const addition = additionOf(document, change);
  if (addition === undefined || text.includes('\r')) return undefined;
  const { into, value } = addition;
  const position = endOfLine(text, endOf(into));
  const indent = ' '.repeat(columnOf(text, into.range?.[0] ?? 0));
  const lines = stringify(value, { lineWidth: 0 }).replace(/^(?=.)/gm, indent);
  const before = text.slice(0, position);
  const changed = `${before}${before.endsWith('\n') ? '' : '\n'}${lines}${text.slice(position)}`;
  return meansTheSame(changed, expected(document, change)) ? changed : undefined;
}

/** The nearest collection on the way that is there, and what is new in it. */
function additionOf(
  document: Document,
  { path, value, append }: TextChange,
): { into: BlockCollection; value: unknown } | undefined {
  let missing: unknown = append ? [value] : value;
  for (let length = path.length; length >= 0; length -= 1) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (node !== undefined && (length < path.length || append)) return isOpen(node) ? { into: node, value: missing } : undefined;
    if (node !== undefined) return undefined;
    missing = { [path[length - 1] ?? '']: missing };
  }
  return undefined;
}

const isOpen = (node: unknown): node is BlockCollection =>
  (isMap(node) || isSeq(node)) && node.flow !== true && node.items.length > 0;

/** Where the last thing in a node ends. */
function endOf(node: unknown): number {
  if (isPair(node)) return endOf(node.value ?? node.key);
  if (isCollection(node) && node.flow !== true && node.items.length > 0) return endOf(node.items.at(-1));
  const range =
    typeof node === 'object' && node !== null && 'range' in node ? (node.range as [number, number, number]) : undefined;
  return range?.[1] ?? 0;
}

function endOfLine(text: string, offset: number): number {
  const newline = text.indexOf('\n', Math.max(0, offset - 1));
  return newline < 0 ? text.length : newline + 1;
}

const columnOf = (text: string, offset: number) => offset - (text.lastIndexOf('\n', offset - 1) + 1);

function expected(document: Document, { path, value, append }: TextChange): unknown {
  const copy = document.clone();
  if (append) copy.addIn(path, copy.createNode(value));
  else copy.setIn(path, copy.createNode(value));
  return copy.toJS();
}

function meansTheSame(text: string, value: unknown): boolean {
  return parseDocument(text).errors.length === 0 && isDeepStrictEqual(parse(text), value);
}
