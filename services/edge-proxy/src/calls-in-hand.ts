import { InHand } from './in-hand.js';

/** Calls of legacy clients that are under way at this edge, so that `notifications/cancelled` finds them. */
export class CallsInHand {
  readonly #calls = new InHand<() => void>();

  /** Calls under way. */
  get size(): number {
    return this.#calls.size;
  }

  /** Takes note of a call until the returned function is called. @param clientId the client's JSON-RPC id, as JSON text */
  add(session: string, clientId: string, cancel: () => void): () => void {
    const key = `${session}\n${clientId}`;
    this.#calls.set(key, cancel);
    return () => {
      if (this.#calls.get(key) === cancel) this.#calls.delete(key);
    };
  }

  /** Cancels a call of this session; calls of other sessions are never found. @returns whether it is in hand here */
  cancel(session: string, clientId: string): boolean {
    const cancel = this.#calls.get(`${session}\n${clientId}`);
    cancel?.();
    return cancel !== undefined;
  }
}
