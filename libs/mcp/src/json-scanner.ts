import { escapeEnd } from './json-escape.js';

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_BRACKET = 0x5b;
export const CLOSE_BRACKET = 0x5d;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;

const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/** Bytes of a string looked at one by one before words are worth setting up. */
const BYTEWISE_RUN_BYTES = 64;

/** Per open container, whether it is an object. Scratch of `skipValue`, which runs to its end in one go, so one serves all scanners. */
const insideObject: boolean[] = [];

/** 1 for a byte that a JSON string may hold as it is (RFC 8259 §7). */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0));

const LITERALS: ReadonlyMap<number, Buffer> = new Map(
  ['true', 'false', 'null'].map((word) => [word.charCodeAt(0), Buffer.from(word)]),
);

const isDigit = (byte: number): boolean => byte >= ZERO && byte <= NINE;

/**
 * Walks JSON text (RFC 8259) without building values. The bytes must be valid UTF-8. Nothing here throws: the first problem is
 * kept in `problem`, and every method returns false from then on.
 */
export class JsonScanner {
  /** Offset of the next byte. */
  at = 0;
  /** What is wrong with the text; empty while nothing is. */
  problem = '';
  /** Whether the string read last holds an escape. */
  escaped = false;
  /** Whether the number read last has neither fraction nor exponent. */
  isInteger = false;
  private readonly end: number;
  private words: Int32Array | undefined;

  /** @param maxDepth most containers inside one another */
  constructor(
    readonly bytes: Buffer,
    private readonly maxDepth: number,
  ) {
    this.end = bytes.length;
  }

  /** Records a problem, unless there is one already. Returns false. */
  fail(what: string): false {
    if (this.problem === '') this.problem = `The body is not valid JSON: ${what} at byte ${this.at}.`;
    return false;
  }

  /** Goes past white space. Returns the byte that follows, 0 at the end. */
  space(): number {
    const { bytes, end } = this;
    let at = this.at;
    while (at < end) {
      const byte = bytes[at] ?? 0;
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) {
        this.at = at;
        return byte;
      }
      at += 1;
    }
    this.at = at;
    return 0;
  }

  /** Whether a container may open inside `depth` others. */
  enter(depth: number): boolean {
    return depth < this.maxDepth || this.fail(`more than ${this.maxDepth} levels`);
  }

  /** Goes past a string; `at` is its opening quote. */
  skipString(): boolean {
    const { bytes, end } = this;
    const misalignment = bytes.byteOffset & 3;
    let at = this.at + 1;
    this.escaped = false;
    for (;;) {
      const bytewiseEnd = Math.min(end, ((at + misalignment + BYTEWISE_RUN_BYTES) & ~3) - misalignment);
      while (at < bytewiseEnd && PLAIN[bytes[at] ?? 0] === 1) at += 1;
      if (at === bytewiseEnd && at < end) at = this.skipPlainWords(at);
      if (at >= end) break;
      const byte = bytes[at] ?? 0;
      if (byte === QUOTE) {
        this.at = at + 1;
        return true;
      }
      if (byte === BACKSLASH) {
        this.escaped = true;
        const next = escapeEnd(bytes, at);
        if (next < 0) return this.failAt(at, 'a bad escape or a lone surrogate');
        at = next;
      } else if (byte < 0x20) return this.failAt(at, 'a control character in a string');
    }
    return this.failAt(end, 'a string without an end');
  }

  /** Goes past one value of any kind. @param depth containers open around it */
  skipValue(depth: number): boolean {
    let open = depth;
    for (;;) {
      const byte = this.space();
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (!this.enter(open)) return false;
        this.at += 1;
        const isObject = byte === OPEN_BRACE;
        if (this.space() === (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) this.at += 1;
        else {
          open += 1;
          insideObject[open] = isObject;
          if (isObject && !this.skipKey()) return false;
          continue;
        }
      } else if (!this.skipScalar(byte)) return false;
      open = this.closeContainers(open, depth);
      if (open < 0) return false;
      if (open === depth) return true;
    }
  }

  /** Goes past `"key":`. */
  skipKey(): boolean {
    if (this.space() !== QUOTE) return this.fail('a member name was expected');
    return this.skipString() && this.skipColon();
  }

  /** Goes past the colon after a member name. */
  skipColon(): boolean {
    if (this.space() !== COLON) return this.fail('a colon was expected');
    this.at += 1;
    return true;
  }

  /** After a value: goes past closing brackets, then a comma with the next key. Returns how many stay open, -1 for a problem. */
  private closeContainers(open: number, depth: number): number {
    let left = open;
    while (left > depth) {
      const isObject = insideObject[left] === true;
      const byte = this.space();
      if (byte === COMMA) {
        this.at += 1;
        return isObject && !this.skipKey() ? -1 : left;
      }
      if (byte !== (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) {
        this.fail('a comma or a closing bracket was expected');
        return -1;
      }
      this.at += 1;
      left -= 1;
    }
    return left;
  }

  private skipScalar(byte: number): boolean {
    if (byte === QUOTE) return this.skipString();
    if (byte === MINUS || isDigit(byte)) return this.skipNumber();
    return this.skipLiteral(byte);
  }

  private skipLiteral(byte: number): boolean {
    const word = LITERALS.get(byte);
    if (word === undefined) return this.fail(this.at >= this.end ? 'the text ends too early' : 'a value was expected');
    for (let index = 1; index < word.length; index += 1) {
      if (this.byteAt(this.at + index) !== word[index]) return this.fail('an unknown word');
    }
    this.at += word.length;
    return true;
  }

  private skipNumber(): boolean {
    let at = this.at;
    if (this.byteAt(at) === MINUS) at += 1;
    if (this.byteAt(at) === ZERO) at += 1;
    else at = this.digitsEnd(at);
    const integerEnd = at;
    if (at > 0 && this.byteAt(at) === 0x2e) at = this.digitsEnd(at + 1);
    if (at > 0 && (this.byteAt(at) | 0x20) === 0x65) {
      const sign = this.byteAt(at + 1);
      at = this.digitsEnd(sign === 0x2b || sign === MINUS ? at + 2 : at + 1);
    }
    if (at < 0) return this.fail('a malformed number');
    this.isInteger = at === integerEnd;
    this.at = at;
    return true;
  }

  /** Where the digits that start at `from` end; -1 when there is none. */
  private digitsEnd(from: number): number {
    let at = from;
    while (isDigit(this.byteAt(at))) at += 1;
    return at > from ? at : -1;
  }

  private byteAt(at: number): number {
    return at < this.end ? (this.bytes[at] ?? 0) : 0;
  }

  private failAt(at: number, what: string): false {
    this.at = at;
    return this.fail(what);
  }

  /**
   * Goes past plain bytes of a string, four at a time; `from` is aligned to a word. Stops at or before the first special byte.
   * Per byte b, with no carry out of the tests that matter: (b ^ 2) < 0x21 finds control characters and the quote, (b ^ 0x5c) < 1
   * the backslash; `& ~word` frees bytes from 0x80 on.
   */
  private skipPlainWords(from: number): number {
    const { bytes } = this;
    const words = (this.words ??= new Int32Array(bytes.buffer, 0, bytes.buffer.byteLength >>> 2));
    const limit = (bytes.byteOffset + this.end) >>> 2;
    let index = (bytes.byteOffset + from) >>> 2;
    while (index < limit) {
      const word = words[index] ?? 0;
      const specials = ((word ^ 0x02020202) - 0x21212121) | ((word ^ 0x5c5c5c5c) - 0x01010101);
      if ((specials & ~word & 0x80808080) !== 0) break;
      index += 1;
    }
    return Math.max(from, (index << 2) - bytes.byteOffset);
  }
}
