const META = '"_meta"';
const SPACE = 0x20;

/**
 * Whether the value at a place of gated text is the value of `_meta`, where that name is written plainly. In results it is no owned key:
 * they may have it twice, and are passed on.
 */
export function followsMeta(bytes: Buffer, at: number): boolean {
  const colon = beforeSpace(bytes, at);
  const end = beforeSpace(bytes, colon - 1);
  return bytes.toString('latin1', Math.max(0, end - META.length), end) === META;
}

/** Goes back over white space; the end of what is before it. */
function beforeSpace(bytes: Buffer, at: number): number {
  let end = at;
  while (end > 0 && bytes[end - 1]! <= SPACE) end -= 1;
  return end;
}
