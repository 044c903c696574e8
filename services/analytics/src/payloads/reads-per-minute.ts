const minuteMs = 60_000;

/** Counts what each reader has read in the minute that runs. */
export class ReadsPerMinute {
  readonly #most: number;
  readonly #clock: { now(): number };
  readonly #counts = new Map<string, number>();
  #minute = 0;

  constructor(most: number, clock: { now(): number }) {
    this.#most = most;
    this.#clock = clock;
  }

  /** Takes one. @returns seconds until there are more; undefined where it was there to be taken */
  take(reader: string): number | undefined {
    const nowMs = this.#clock.now();
    const minute = Math.floor(nowMs / minuteMs);
    if (minute !== this.#minute) this.#counts.clear();
    this.#minute = minute;
    const count = (this.#counts.get(reader) ?? 0) + 1;
    if (count > this.#most) return Math.ceil(((minute + 1) * minuteMs - nowMs) / 1000);
    this.#counts.set(reader, count);
    return undefined;
  }
}
