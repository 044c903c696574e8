import { setTimeout as delay } from 'node:timers/promises';

/**
 * Repeats a check until it neither throws nor returns false.
 * @param check returns anything but `false` (its value is handed back), or throws, for example from `expect`
 * @param options.timeoutMs how long to try, 30 s unless told: only what hangs gets there
 * @param options.everyMs pause between tries, 20 ms unless told
 * @throws what the last try threw, or an Error saying that it stayed false
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  options: { readonly timeoutMs?: number; readonly everyMs?: number } = {},
): Promise<Exclude<T, false>> {
  const timeoutMs = options.timeoutMs ?? 30_000;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const outcome = await attempt(check);
    if (outcome.ok) return outcome.value as Exclude<T, false>;
    if (performance.now() > deadline)
      throw outcome.error instanceof Error
        ? outcome.error
        : new Error(`still false after ${timeoutMs} ms`, { cause: outcome.error });
    await delay(options.everyMs ?? 20);
  }
}

type Attempt<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error?: unknown };

async function attempt<T>(check: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    const value = await check();
    return value === false ? { ok: false } : { ok: true, value };
  } catch (error) {
    return { ok: false, error };
  }
}
