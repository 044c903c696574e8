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

/**
 * Waits for a promise, but not longer than told, and leaves no timer behind.
 * @param giveUp ends the wait early
 * @returns whether it was fulfilled in time; rejects when it rejects in time
 */
export async function fulfilledWithin(promise: Promise<unknown>, limitMs: number, giveUp?: AbortSignal): Promise<boolean> {
  const enough = new AbortController();
  const end = () => enough.abort();
  giveUp?.addEventListener('abort', end);
  try {
    return await Promise.race([promise.then(() => true), pause(limitMs, enough.signal).then(() => false)]);
  } finally {
    giveUp?.removeEventListener('abort', end);
    end();
  }
}
