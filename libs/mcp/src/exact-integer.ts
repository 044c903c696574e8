/** 2^53: beyond it, integers stop being exact where numbers are doubles (RFC 8259 §6). */
const LARGEST = '9007199254740992';

/** Whether the text of an integer stays within ±2^53. */
export function isExactInteger(text: string): boolean {
  const digits = text.startsWith('-') ? text.slice(1) : text;
  return digits.length < LARGEST.length || (digits.length === LARGEST.length && digits <= LARGEST);
}
