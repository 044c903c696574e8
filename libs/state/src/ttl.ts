/** Options of a write. */
export interface WriteOptions {
  readonly ttlMs?: number;
}

/** A time to live in whole seconds, rounded up; undefined where there is none. @throws RangeError when it is not positive */
export function ttlSeconds({ ttlMs }: WriteOptions): number | undefined {
  if (ttlMs === undefined) return undefined;
  if (!(ttlMs > 0)) throw new RangeError(`a time to live of ${ttlMs} ms is not positive`);
  return Math.ceil(ttlMs / 1000);
}
