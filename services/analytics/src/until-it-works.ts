import type { Logger } from '@switchyard/telemetry';
import { setTimeout as delay } from 'node:timers/promises';

const pausesMs = [250, 500, 1_000, 2_000];

/**
 * Tries until it works: at start-up, the database or the bus may come later.
 * @param isTemporary whether trying again can help
 * @param onFailure told of every failed try
 * @throws what the try threw, where trying again cannot help
 */
export async function untilItWorks<T>(
  what: string,
  attempt: () => Promise<T>,
  { isTemporary, onFailure, log }: { isTemporary: (error: unknown) => boolean; onFailure: () => void; log: Logger },
): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isTemporary(error)) throw error;
      log.warn('start-up waits for something that is away', { name: what, attempt: failures + 1, error });
      onFailure();
    }
    await delay(pausesMs[failures] ?? 2_000);
  }
}
