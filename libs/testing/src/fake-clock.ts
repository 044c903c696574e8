/** A clock that moves only when told. Has the shape of libs/runtime's Clock. */
export class FakeClock {
  #nowMs: number;
  #monotonicMicros = 0;

  /** @param startMs where it starts, milliseconds since 1970 */
  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonicMicros(): number {
    return this.#monotonicMicros;
  }

  /** Lets time pass. */
  advance(byMs: number): void {
    this.#nowMs += byMs;
    this.#monotonicMicros += byMs * 1000;
  }

  /** Sets the wall clock, as an operator or NTP would: monotonic time does not follow. */
  setWallClock(toMs: number): void {
    this.#nowMs = toMs;
  }
}
