const FIRST_MS = 500;
const LONGEST_MS = 60_000;
/** A receiver that asks for more is asked again all the same. */
const LONGEST_WISH_MS = 15 * 60_000;

/**
 * How long to wait before a try: doubles up to a minute, differs between those that failed together, and is never shorter than
 * what the receiver asked for.
 * @param failures in a row, from 1
 * @param wishMs what the receiver asked for (Retry-After)
 * @param random from 0 to 1
 */
export function backOffMs(failures: number, wishMs = 0, random = Math.random()): number {
  const grown = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 20));
  return Math.max(Math.min(wishMs, LONGEST_WISH_MS), grown * (0.5 + random / 2));
}
