const FIRST_MS = 100;
const LONGEST_MS = 1_000;

/** Pauses between tries: each twice as long as the one before, and any of them can be ended early. */
export class Pause {
  #nextMs = FIRST_MS;
  #end: () => void = () => undefined;

  /** Waits for the next pause to pass, or to be ended. */
  async next(): Promise<void> {
    const durationMs = this.#nextMs;
    this.#nextMs = Math.min(this.#nextMs * 2, LONGEST_MS);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, durationMs);
      this.#end = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Ends the pause that runs, if one does. */
  end(): void {
    this.#end();
  }

  /** Starts again with the shortest pause. */
  reset(): void {
    this.#nextMs = FIRST_MS;
  }
}
