import { setTimeout as delay } from 'node:timers/promises';

/** Waits; returns early when `signal` aborts. */
export async function pause(forMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return;
  await delay(forMs, undefined, signal ? { signal } : {}).catch((error: unknown) => {
    if (!signal?.aborted) throw error;
  });
}

/** A pause that doubles with every failure in a row. */
export interface GrowingPause {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** 100 ms, 200 ms, … up to 10 s. */
export const defaultRetryPause: GrowingPause = { firstMs: 100, longestMs: 10_000 };

/**
 * How long to wait after failures in a row.
 * @param failures 1 or more
 */
export function pauseAfter(failures: number, { firstMs, longestMs }: GrowingPause): number {
  return Math.min(longestMs, firstMs * 2 ** (failures - 1));
}
