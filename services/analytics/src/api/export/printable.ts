/** What moves a terminal's cursor, ends a line somewhere, or turns the direction of text: C0, DEL and C1, line separators, bidi controls. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Writes what must not reach a terminal or break a line as JSON escapes it, `\u001b`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A value as one line of JSON that any terminal can show. What is escaped can only stand in texts, so it stays the same value. */
export function jsonLine(value: unknown): string {
  return `${printable(JSON.stringify(value))}\n`;
}
