import { setTimeout as delay } from 'node:timers/promises';

/** What administrators do meanwhile, so that every service has something to record. */
export interface OtherWork {
  /** One after the other, again and again. */
  readonly chores: readonly (() => Promise<unknown>)[];
  readonly everyMs: number;
}

/** Sets administrators to work; what fails has failed, as it may while things are broken. @returns what ends it */
export function startOtherWork({ chores, everyMs }: OtherWork): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const work = async () => {
    for (let turn = 0; !stopping.signal.aborted; turn += 1) {
      await chores[turn % chores.length]!().catch(() => undefined);
      await delay(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const working = work();
  return {
    stop: async () => {
      stopping.abort();
      await working;
    },
  };
}
