import { randomBytes } from 'node:crypto';

// One call to the random source for each id would cost more than everything else that is done with it.
const POOL_BYTES = 4096;
let pool = '';
let offset = 0;

/** Random lower-case hex digits, two for each byte. @param bytes at most 4096 */
export function randomHex(bytes: number): string {
  const digits = 2 * bytes;
  if (offset + digits > pool.length) {
    pool = randomBytes(POOL_BYTES).toString('hex');
    offset = 0;
  }
  offset += digits;
  return pool.slice(offset - digits, offset);
}
