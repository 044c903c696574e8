import type { Clock } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import { setTimeout as delay } from 'node:timers/promises';
import type { Engine } from '../engine/engine.js';
import { USAGE_DAYS, USAGE_MINUTES, type Rollup } from './rollup.js';
import { UsageCounter } from './usage-counter.js';

/** What counting stands on. */
export interface UsageRefresherDeps {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Least pause between two counts. A day is counted as a whole, so it is counted less often. */
const SCHEDULE: readonly { readonly rollup: Rollup; readonly pauseMs: number }[] = [
  { rollup: USAGE_MINUTES, pauseMs: 5_000 },
  { rollup: USAGE_DAYS, pauseMs: 60_000 },
];
/** Counting takes at most a twentieth of the time, however much there is to count. What failed has only waited, for a database that was away. */
const restFactor = 19;

/** Keeps usage_minutes and usage_days up with events. */
export class UsageRefresher {
  readonly #deps: UsageRefresherDeps;
  readonly #closing = new AbortController();
  readonly #ended: Promise<unknown>;

  constructor(deps: UsageRefresherDeps) {
    this.#deps = deps;
    this.#ended = Promise.all(SCHEDULE.map(({ rollup, pauseMs }) => this.#keep(rollup, pauseMs)));
  }

  /** Finishes the count in hand. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  async #keep(rollup: Rollup, pauseMs: number): Promise<void> {
    const { engine, clock, log } = this.#deps;
    const counter = new UsageCounter(engine, rollup);
    while (!this.#closing.signal.aborted) {
      const startedAtMicros = clock.monotonicMicros();
      let tookMs = 0;
      try {
        await counter.run();
        tookMs = (clock.monotonicMicros() - startedAtMicros) / 1000;
      } catch (error) {
        log.warn('usage could not be counted; it will be later', { name: rollup.table, error });
      }
      await delay(Math.max(pauseMs, restFactor * tookMs), undefined, { signal: this.#closing.signal }).catch(() => undefined);
    }
  }
}
