const lineFeed = 0x0a;

/** How many lines have something in them. An engine's own figure would count what its materialised views write as well. */
export function countLines(lines: Uint8Array): number {
  const bytes = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength);
  let count = 0;
  for (let start = 0; start < bytes.length;) {
    const feed = bytes.indexOf(lineFeed, start);
    const end = feed < 0 ? bytes.length : feed;
    if (end > start) count += 1;
    start = end + 1;
  }
  return count;
}
