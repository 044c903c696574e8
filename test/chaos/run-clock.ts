const TICK_MS = 200;
/** A longer pause between two looks means that this machine, or this process, stood still. */
const LONGEST_STEP_MS = 2_000;

/**
 * Time during which this process has run. Where a machine is suspended, or its administrator stops everything for a while, nothing is due, and
 * nothing is late.
 */
export class RunClock implements Disposable {
  readonly #timer = setInterval(() => this.nowMs(), TICK_MS).unref();
  #lookedAt = performance.now();
  #ranMs = 0;
  #stoodStillMs = 0;

  /** Milliseconds since it was made. */
  nowMs(): number {
    const now = performance.now();
    const stepMs = now - this.#lookedAt;
    this.#lookedAt = now;
    if (stepMs > LONGEST_STEP_MS) this.#stoodStillMs += stepMs;
    else this.#ranMs += stepMs;
    return this.#ranMs;
  }

  /** How long everything stood still, milliseconds. */
  get stoodStillMs(): number {
    return this.#stoodStillMs;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
