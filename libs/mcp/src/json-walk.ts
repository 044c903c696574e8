import type { Range } from './envelope.js';
import { CLOSE_BRACE, CLOSE_BRACKET, COMMA, JsonScanner, OPEN_BRACE, OPEN_BRACKET, QUOTE } from './json-scanner.js';

// Reading parts of text that has passed the gate. Text that has not is a bug of the caller, and throws.

/** One member of an object: its decoded name, and where name and value stand. */
export interface Member {
  readonly key: string;
  /** Quotes included. */
  readonly keyRange: Range;
  readonly value: Range;
}

/** Deep enough for any text that has passed the gate. */
const MAX_DEPTH = 1_024;

/** A scanner over gated text. */
export function scannerAt(bytes: Buffer, start: number): JsonScanner {
  const scanner = new JsonScanner(bytes, MAX_DEPTH);
  scanner.at = start;
  return scanner;
}

/** Calls `read` with the scanner at each member's value; `read` goes past it. Returns false, going nowhere, where no object stands. */
export function eachMember(scanner: JsonScanner, read: (key: string, keyRange: Range) => void): boolean {
  if (scanner.space() !== OPEN_BRACE) return false;
  scanner.at += 1;
  while (scanner.space() !== CLOSE_BRACE) {
    const key = skipStringRange(scanner);
    scanner.skipColon();
    read(stringAt(scanner.bytes, key) ?? '', key);
    if (scanner.space() === COMMA) scanner.at += 1;
    check(scanner);
  }
  scanner.at += 1;
  return true;
}

/** Calls `read` with the scanner at each element; `read` goes past it. Returns false, going nowhere, where no array stands. */
export function eachElement(scanner: JsonScanner, read: () => void): boolean {
  if (scanner.space() !== OPEN_BRACKET) return false;
  scanner.at += 1;
  while (scanner.space() !== CLOSE_BRACKET) {
    read();
    if (scanner.space() === COMMA) scanner.at += 1;
    check(scanner);
  }
  scanner.at += 1;
  return true;
}

function check(scanner: JsonScanner): void {
  if (scanner.problem !== '' || scanner.at >= scanner.bytes.length) throw new Error('this text has not passed the gate');
}

function skipStringRange(scanner: JsonScanner): Range {
  scanner.space();
  const start = scanner.at;
  scanner.skipString();
  return { start, end: scanner.at };
}

/** Goes past one value. Returns where it stands. */
export function skipRange(scanner: JsonScanner): Range {
  scanner.space();
  const start = scanner.at;
  if (!scanner.skipValue(0)) throw new Error('this text has not passed the gate');
  return { start, end: scanner.at };
}

/** The members of an object, those that stand twice included; undefined where the value is none. */
export function membersOf(bytes: Buffer, value: Range): Member[] | undefined {
  const scanner = scannerAt(bytes, value.start);
  const members: Member[] = [];
  const isObject = eachMember(scanner, (key, keyRange) => members.push({ key, keyRange, value: skipRange(scanner) }));
  return isObject ? members : undefined;
}

/** Where the elements of an array stand; undefined where the value is none. */
export function elementsOf(bytes: Buffer, value: Range): Range[] | undefined {
  const scanner = scannerAt(bytes, value.start);
  const elements: Range[] = [];
  return eachElement(scanner, () => elements.push(skipRange(scanner))) ? elements : undefined;
}

/** Where a member's value stands; of several the last one, as JSON.parse has it. */
export function memberAt(bytes: Buffer, value: Range | undefined, ...path: readonly string[]): Range | undefined {
  return path.reduce<Range | undefined>(
    (range, name) => range && membersOf(bytes, range)?.findLast(({ key }) => key === name)?.value,
    value,
  );
}

/** Whether the value is an object. */
export function isObjectAt(bytes: Buffer, { start }: Range): boolean {
  return bytes[start] === OPEN_BRACE;
}

/** The text of a value. */
export function sliceAt(bytes: Buffer, range: Range): string {
  return bytes.toString('utf8', range.start, range.end);
}

/** The value, built. */
export function jsonAt(bytes: Buffer, range: Range): unknown {
  return JSON.parse(sliceAt(bytes, range));
}

/** The value decoded, where it is a string. */
export function stringAt(bytes: Buffer, range: Range): string | undefined {
  return bytes[range.start] === QUOTE ? (JSON.parse(sliceAt(bytes, range)) as string) : undefined;
}
