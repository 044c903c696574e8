import type { Clock } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import { setTimeout as delay } from 'node:timers/promises';
import type { Engine } from '../engine/engine.js';
import { ROLLUPS, type Rollup } from './rollup.js';
import { UsageCounter } from './usage-counter.js';

/** What counting stands on. */
export interface UsageRefresherDeps {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Least pause between two counts. A day is counted as a whole, so it is counted less often. */
const pauseMs = ({ bucketSeconds }: Rollup) => (bucketSeconds > 3_600 ? 60_000 : 5_000);
/** Counting takes at most a twentieth of the time, however much there is to count. What failed has only waited, for a database that was away. */
const restFactor = 19;

/** Keeps the tables of counts up with events. */
export class UsageRefresher {
  readonly #deps: UsageRefresherDeps;
  readonly #closing = new AbortController();
  readonly #ended: Promise<unknown>;

  constructor(deps: UsageRefresherDeps) {
    this.#deps = deps;
    this.#ended = Promise.all(ROLLUPS.map((rollup) => this.#keep(rollup)));
  }

  /** Finishes the count in hand. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  async #keep(rollup: Rollup): Promise<void> {
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
      await delay(Math.max(pauseMs(rollup), restFactor * tookMs), undefined, { signal: this.#closing.signal }).catch(
        () => undefined,
      );
    }
  }
}
