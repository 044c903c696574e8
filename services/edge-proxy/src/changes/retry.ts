const FIRST_MS = 250;
const LAST_MS = 30_000;
/** What has lasted so long was no failure. */
const STEADY_MS = 10_000;

/** Tries something again, with growing pauses. */
export class Retry {
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_MS;
  #succeededAtMs = 0;

  /** Whether a try is still to come. */
  get isPending(): boolean {
    return this.#timer !== undefined;
  }

  /** Takes note that it has worked. */
  succeeded(): void {
    this.#succeededAtMs = performance.now();
  }

  /** Tries again after a pause; does nothing where that is to come already. */
  again(attempt: () => void): void {
    if (this.#timer !== undefined) return;
    if (this.#succeededAtMs > 0 && performance.now() - this.#succeededAtMs > STEADY_MS) this.#pauseMs = FIRST_MS;
    this.#succeededAtMs = 0;
    // Not all at once: what one upstream had told to many, many ask it for when it is back.
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        attempt();
      },
      this.#pauseMs * (1 + Math.random() / 2),
    ).unref();
    this.#pauseMs = Math.min(this.#pauseMs * 2, LAST_MS);
  }

  /** Tries no more, until told. Idempotent. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
