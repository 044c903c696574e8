const LETTER_U = 0x75;
const BACKSLASH = 0x5c;

/** What may follow a backslash (RFC 8259 §7), `u` aside. */
const SHORT_ESCAPES = new Set(Buffer.from('"\\/bfnrt'));

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** The code unit that `\uXXXX` at `at` names; -1 when that is not what stands there. */
function codeUnit(bytes: Buffer, at: number): number {
  if (at + 6 > bytes.length || bytes[at] !== BACKSLASH || bytes[at + 1] !== LETTER_U) return -1;
  let unit = 0;
  for (let index = at + 2; index < at + 6; index += 1) {
    const digit = hexDigit(bytes[index] ?? 0);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

/**
 * Where the escape sequence at `at` (its backslash) ends. A surrogate must be one half of a pair, both halves escaped: half a
 * pair has no UTF-8 form, and parsers disagree on what to make of it (RFC 8259 §8.2).
 * @returns the offset after the sequence, or -1 when it is malformed
 */
export function escapeEnd(bytes: Buffer, at: number): number {
  if (at + 1 >= bytes.length) return -1;
  if (bytes[at + 1] !== LETTER_U) return SHORT_ESCAPES.has(bytes[at + 1] ?? 0) ? at + 2 : -1;
  const unit = codeUnit(bytes, at);
  if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) return -1;
  if (unit < 0xd800 || unit > 0xdbff) return at + 6;
  const low = codeUnit(bytes, at + 6);
  return low >= 0xdc00 && low <= 0xdfff ? at + 12 : -1;
}
