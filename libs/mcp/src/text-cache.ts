const SLOTS = 512;
const LONGEST_CACHED_BYTES = 128;

/**
 * Decodes UTF-8 and remembers short ASCII texts: methods, names and versions repeat from message to message, and comparing bytes
 * costs a fraction of making a string. A fixed number of slots, the last text of a slot stays.
 */
export class TextCache {
  private readonly slots: string[] = Array.from({ length: SLOTS }, () => '');

  /** The text of bytes [start, end), which must be valid UTF-8. */
  decode(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length === 0) return '';
    if (length > LONGEST_CACHED_BYTES) return bytes.toString('utf8', start, end);
    const sample = (bytes[start] ?? 0) + 7 * (bytes[start + (length >> 1)] ?? 0) + 31 * (bytes[end - 1] ?? 0) + 101 * length;
    const slot = sample & (SLOTS - 1);
    const known = this.slots[slot] ?? '';
    if (known.length === length && isTextOf(known, bytes, start)) return known;
    const text = bytes.toString('utf8', start, end);
    if (text.length === length) this.slots[slot] = text;
    return text;
  }
}

/** Whether ASCII text stands in the bytes from `start` on. */
function isTextOf(text: string, bytes: Buffer, start: number): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) !== bytes[start + index]) return false;
  return true;
}
