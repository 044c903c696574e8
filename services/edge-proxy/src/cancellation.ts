/**
 * Tells who waits for a call that nobody wants it any more. Every call has one, and an AbortController costs as much as the rest of a
 * call's bookkeeping, so an AbortSignal is made only for those who ask for it.
 */
export class Cancellation {
  #cancelled = false;
  #listeners: (() => void)[] | undefined;
  #signal: AbortSignal | undefined;

  /** Cancelled as soon as the signal is aborted. */
  static following(signal: AbortSignal): Cancellation {
    const cancellation = new Cancellation();
    if (signal.aborted) cancellation.cancel();
    else signal.addEventListener('abort', () => cancellation.cancel(), { once: true });
    return cancellation;
  }

  /** Whether it has been cancelled. */
  get cancelled(): boolean {
    return this.#cancelled;
  }

  /** The same as a signal, for libraries and for joining several. */
  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      const controller = new AbortController();
      this.#signal = controller.signal;
      this.onCancel(() => controller.abort());
    }
    return this.#signal;
  }

  /** Cancels. Idempotent. */
  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    if (listeners !== undefined) for (const listener of listeners) listener();
  }

  /** Calls back when it is cancelled, at once where it already is. There is no taking back: a listener goes with the call. */
  onCancel(listener: () => void): void {
    if (this.#cancelled) listener();
    // A list that is pushed to has room for sixteen more.
    else if (this.#listeners === undefined) this.#listeners = [listener];
    else this.#listeners.push(listener);
  }
}
