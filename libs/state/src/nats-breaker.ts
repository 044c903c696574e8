import { errors } from '@nats-io/nats-core';
import { pause } from '@switchyard/messaging';
import { StateUnavailable } from './kv.js';

/** Between two probes. */
const PROBE_EVERY_MS = 100;

/** What a breaker is about. */
export interface NatsBreakerOptions {
  /** Asks for something that costs nothing, and does not wait for long. @returns whether there was an answer */
  readonly probe: () => Promise<boolean>;
  /** Ends probing. */
  readonly closing: AbortSignal;
}

/**
 * Who asks a bucket that has let somebody wait for the whole time limit is refused at once, until the bucket has answered a probe: everybody
 * would have to wait as long, and hold on to what they came with meanwhile.
 */
export class NatsBreaker {
  readonly #o: NatsBreakerOptions;
  #isOpen = false;

  constructor(options: NatsBreakerOptions) {
    this.#o = options;
  }

  /** @throws StateUnavailable at once while nothing answers; what `act` throws */
  async run<T>(act: () => Promise<T>): Promise<T> {
    if (this.#isOpen) throw new StateUnavailable('JetStream has not answered for longer than its time limit');
    try {
      return await act();
    } catch (error) {
      if (error instanceof errors.TimeoutError) this.#open();
      throw error;
    }
  }

  #open(): void {
    if (this.#isOpen || this.#o.closing.aborted) return;
    this.#isOpen = true;
    void this.#untilAnswered();
  }

  async #untilAnswered(): Promise<void> {
    const { probe, closing } = this.#o;
    while (!closing.aborted && !(await probe())) await pause(PROBE_EVERY_MS, closing);
    this.#isOpen = false;
  }
}
