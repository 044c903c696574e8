import type { Range } from './envelope.js';
import { OPEN_BRACKET, type JsonScanner } from './json-scanner.js';
import { eachElement, eachMember, scannerAt, skipRange, stringAt } from './json-walk.js';

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

/**
 * Finds the items of a list result without parsing them, so that what is relayed is the upstream's own text.
 * @param bytes a message that has passed the gate
 * @param result range of its result
 * @param listKey member that holds the list: `tools`, `prompts`, `resources`, `resourceTemplates`
 * @param nameKey member of an item that names it: `name`, `uri`, `uriTemplate`
 * @returns undefined where the result has no such list
 */
export function listItems(bytes: Buffer, result: Range, listKey: string, nameKey: string): ListPage | undefined {
  const scanner = scannerAt(bytes, result.start);
  let items: ListItem[] | undefined;
  let nextCursor: string | undefined;
  const isObject = eachMember(scanner, (key) => {
    if (key === listKey && scanner.space() === OPEN_BRACKET) {
      const found: ListItem[] = [];
      eachElement(scanner, () => found.push(readItem(scanner, nameKey)));
      items = found;
    } else {
      const value = skipRange(scanner);
      if (key === 'nextCursor') nextCursor = stringAt(bytes, value);
    }
  });
  return isObject && items !== undefined ? { items, nextCursor } : undefined;
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
