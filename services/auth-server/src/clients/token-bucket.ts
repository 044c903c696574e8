/** Lets so many through at once, and so many in each second after that. */
export class TokenBucket {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #clock: { now(): number };
  #tokens: number;
  #filledAtMs: number;

  constructor(o: { readonly burst: number; readonly perSecond: number; readonly clock: { now(): number } }) {
    this.#burst = this.#tokens = o.burst;
    this.#perSecond = o.perSecond;
    this.#clock = o.clock;
    this.#filledAtMs = o.clock.now();
  }

  /** Whether one more may pass now. */
  take(): boolean {
    const nowMs = this.#clock.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#filledAtMs) / 1000) * this.#perSecond);
    this.#filledAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
