/** Batches of one consumer that are being worked on at the same time. */
export class BatchesInHand {
  readonly #limit: number;
  readonly #inHand = new Set<Promise<void>>();
  readonly #failures: unknown[] = [];

  /** @param limit most batches at once */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Waits until the next batch may be begun: behind one that was full there is more, and another hand may take it; behind one that was not,
   * there is time to wait for it.
   * @param work on the batch that was just begun
   * @throws what one of them failed with
   */
  async take(work: Promise<void>, isFull: boolean): Promise<void> {
    const tracked: Promise<void> = work
      .catch((error: unknown) => void this.#failures.push(error))
      .finally(() => this.#inHand.delete(tracked));
    this.#inHand.add(tracked);
    if (!isFull) await tracked;
    else if (this.#inHand.size >= this.#limit) await Promise.race(this.#inHand);
    if (this.#failures.length > 0) throw this.#failures.shift();
  }

  /** Waits for all of them. */
  async ended(): Promise<void> {
    await Promise.all(this.#inHand);
  }
}
