import { randomBytes } from 'node:crypto';

/**
 * A name that no other test uses, for streams, buckets, databases and tenants on shared servers.
 * @returns the prefix, `_` and 16 characters [0-9a-f]
 */
export function unusedName(prefix: string): string {
  return `${prefix}_${randomBytes(8).toString('hex')}`;
}
