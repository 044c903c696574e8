/**
 * The same text as one string in memory. Joined strings are trees of their pieces until they are read, and whatever joins them to something
 * longer walks the tree again: what many events say is better kept flat.
 * @param text of ASCII alone
 */
export function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
