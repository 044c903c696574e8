import type { Range } from './envelope.js';
import { CLOSE_BRACE, CLOSE_BRACKET, COMMA, JsonScanner, OPEN_BRACE, OPEN_BRACKET, QUOTE } from './json-scanner.js';

/** One item of a list result: where its text stands, and the member that names it. */
export interface ListItem {
  readonly range: Range;
  /** Decoded value of the naming member; undefined where it is missing or not a string. */
  readonly name: string | undefined;
  readonly nameRange: Range | undefined;
}

/** What a page of a list holds. */
export interface ListPage {
  readonly items: readonly ListItem[];
  /** May be the empty string, which is a valid cursor. */
  readonly nextCursor: string | undefined;
}

/** Deep enough for any text that has passed the gate. */
const MAX_DEPTH = 1_024;

/**
 * Finds the items of a list result without parsing them, so that what is relayed is the upstream's own text.
 * @param bytes a message that has passed the gate
 * @param result range of its result
 * @param listKey member that holds the list: `tools`, `prompts`, `resources`, `resourceTemplates`
 * @param nameKey member of an item that names it: `name`, `uri`, `uriTemplate`
 * @returns undefined where the result has no such list
 */
export function listItems(bytes: Buffer, result: Range, listKey: string, nameKey: string): ListPage | undefined {
  const scanner = new JsonScanner(bytes, MAX_DEPTH);
  scanner.at = result.start;
  let items: ListItem[] | undefined;
  let nextCursor: string | undefined;
  const isObject = eachMember(scanner, (key) => {
    if (key === listKey && scanner.space() === OPEN_BRACKET) {
      items = readItems(scanner, nameKey);
    } else {
      const value = skipRange(scanner);
      if (key === 'nextCursor') nextCursor = stringAt(bytes, value);
    }
  });
  return isObject && items !== undefined ? { items, nextCursor } : undefined;
}

function readItems(scanner: JsonScanner, nameKey: string): ListItem[] {
  const items: ListItem[] = [];
  scanner.at += 1;
  while (scanner.space() !== CLOSE_BRACKET) {
    items.push(readItem(scanner, nameKey));
    if (scanner.space() === COMMA) scanner.at += 1;
  }
  scanner.at += 1;
  return items;
}

function readItem(scanner: JsonScanner, nameKey: string): ListItem {
  scanner.space();
  const start = scanner.at;
  let nameRange: Range | undefined;
  const isObject = eachMember(scanner, (key) => {
    const value = skipRange(scanner);
    if (key === nameKey) nameRange = value;
  });
  if (!isObject) skipRange(scanner);
  const name = nameRange && stringAt(scanner.bytes, nameRange);
  return { range: { start, end: scanner.at }, name, nameRange: name === undefined ? undefined : nameRange };
}

/** Calls `read` with the scanner at each member's value; `read` goes past it. Returns false, going nowhere, where no object stands. */
function eachMember(scanner: JsonScanner, read: (key: string) => void): boolean {
  if (scanner.space() !== OPEN_BRACE) return false;
  scanner.at += 1;
  while (scanner.space() !== CLOSE_BRACE) {
    const key = skipStringRange(scanner);
    scanner.skipColon();
    read(stringAt(scanner.bytes, key) ?? '');
    if (scanner.space() === COMMA) scanner.at += 1;
    if (scanner.problem !== '') throw new Error('listItems() was given text that has not passed the gate');
  }
  scanner.at += 1;
  return true;
}

function skipStringRange(scanner: JsonScanner): Range {
  scanner.space();
  const start = scanner.at;
  scanner.skipString();
  return { start, end: scanner.at };
}

function skipRange(scanner: JsonScanner): Range {
  scanner.space();
  const start = scanner.at;
  scanner.skipValue(0);
  if (scanner.problem !== '') throw new Error('listItems() was given text that has not passed the gate');
  return { start, end: scanner.at };
}

function stringAt(bytes: Buffer, range: Range): string | undefined {
  return bytes[range.start] === QUOTE ? (JSON.parse(bytes.toString('utf8', range.start, range.end)) as string) : undefined;
}
