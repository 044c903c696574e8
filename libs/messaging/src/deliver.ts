import type { ConsumeOptions, StreamMessage } from './bus.js';
import { pause, pauseAfter, type GrowingPause } from './pause.js';

/**
 * Hands a batch over until it was handled, with growing pauses between tries.
 * @returns whether it was handled; false when `closing` aborted before
 */
export async function deliver(
  batch: readonly StreamMessage[],
  { handle, onError }: Pick<ConsumeOptions, 'handle' | 'onError'>,
  retry: GrowingPause,
  closing: AbortSignal,
): Promise<boolean> {
  for (let failures = 1; !closing.aborted; failures += 1) {
    try {
      await handle(batch);
      return true;
    } catch (error) {
      onError(error);
    }
    await pause(pauseAfter(failures, retry), closing);
  }
  return false;
}
