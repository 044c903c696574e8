/** Until when everything that was in the stream has been delivered, by this process' clock. */
export class CaughtUp {
  #throughMs: number | undefined;
  #goal: { readonly sequence: number; readonly atMs: number } | undefined;

  /** @param throughMs what was known before */
  constructor(throughMs: number | undefined) {
    this.#throughMs = throughMs;
  }

  /** @param last position of the newest message at a time */
  see(last: number, atMs: number): void {
    this.#goal ??= { sequence: last, atMs };
  }

  /** @param sequence position up to which everything has been delivered @returns until when that is everything, where it is known */
  reached(sequence: number): number | undefined {
    if (this.#goal !== undefined && sequence >= this.#goal.sequence) {
      this.#throughMs = this.#goal.atMs;
      this.#goal = undefined;
    }
    return this.#throughMs;
  }
}
