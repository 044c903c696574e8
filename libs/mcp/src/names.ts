import { createHash } from 'node:crypto';

const LONGEST_NAME = 64;
const HASH_DIGITS = 8;
const FITTING = /^[A-Za-z0-9_.-]{1,64}$/;
const ILLEGAL = /[^A-Za-z0-9_.-]/gu;

/**
 * The name under which a client sees an upstream's tool or prompt. Matches `^[A-Za-z0-9_.-]{1,64}$`, which is what model providers
 * accept (stricter than MCP 2025-11-25, "Tool Names"). Prefix and name together are kept where they fit; else characters that are not
 * allowed become `_`, what is too long loses its beginning, and a hash of the whole keeps different names apart. There is no way back:
 * callers keep a map, and must expect that an upstream chose a name to meet another one's hash.
 */
export function exposedName(prefix: string, name: string): string {
  const whole = prefix + name;
  if (FITTING.test(whole)) return whole;
  const hash = createHash('sha256').update(whole, 'utf16le').digest('hex').slice(0, HASH_DIGITS);
  const tail = whole.replace(ILLEGAL, '_').slice(-(LONGEST_NAME - HASH_DIGITS - 1));
  return `${tail}_${hash}`;
}
