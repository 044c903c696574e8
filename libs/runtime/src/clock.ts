/** Where the time comes from. Injected, so that tests decide what time it is. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Microseconds since an arbitrary start; never goes back. For durations. */
  monotonicMicros(): number;
}

/** The machine's clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMicros: () => Math.round(performance.now() * 1000),
};
