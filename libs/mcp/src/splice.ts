import type { Range } from './envelope.js';

/** One replacement in a message's bytes. An empty range inserts. */
export interface Edit {
  readonly range: Range;
  readonly text: string;
}

/**
 * Copies bytes with some of their ranges replaced; everything else stays as the peer wrote it.
 * @param edits in any order; insertions at one place keep the order given
 * @throws RangeError when edits overlap or lie outside the bytes
 */
export function splice(bytes: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return bytes;
  const ordered = isOrdered(edits)
    ? edits
    : [...edits].sort((a, b) => a.range.start - b.range.start || a.range.end - b.range.end);
  const target = Buffer.allocUnsafe(splicedLength(bytes, ordered));
  let read = 0;
  let written = 0;
  for (const { range, text } of ordered) {
    written += bytes.copy(target, written, read, range.start);
    written += target.write(text, written);
    read = range.end;
  }
  bytes.copy(target, written, read);
  return target;
}

function isOrdered(edits: readonly Edit[]): boolean {
  for (let index = 1; index < edits.length; index += 1)
    if (edits[index]!.range.start <= edits[index - 1]!.range.start) return false;
  return true;
}

function splicedLength(bytes: Buffer, ordered: readonly Edit[]): number {
  let length = bytes.length;
  let free = 0;
  for (const { range, text } of ordered) {
    if (range.start < free || range.end < range.start || range.end > bytes.length) {
      throw new RangeError(`the edit of bytes ${range.start} to ${range.end} overlaps another one or lies outside the message`);
    }
    length += Buffer.byteLength(text) - (range.end - range.start);
    free = range.end;
  }
  return length;
}
