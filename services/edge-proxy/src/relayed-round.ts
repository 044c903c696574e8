import { Cancellation } from './cancellation.js';
import type { Ending } from './ending.js';
import type { Facts } from './facts.js';

/** Most messages that are told at once, so that they fit into one message of NATS. */
const MOST_AT_ONCE = 4;

/** How a round has ended, and what its event says. */
export interface EndedRound {
  readonly ending: Ending;
  readonly facts: Facts;
}

interface Waiting {
  readonly bytes: Buffer;
  readonly taken: () => void;
}

/** What one retry is answered with, until the edge that was asked has read it. */
export class RelayedRound {
  /** When the client has gone, or the edge that was asked. */
  readonly cancellation = new Cancellation();
  readonly #forget: () => void;
  readonly #silenceMs: number;
  #waiting: Waiting[] = [];
  #taken = 0;
  #ended: EndedRound | undefined;
  #wake: () => void = () => undefined;
  #silence: NodeJS.Timeout | undefined;

  /** @param silenceMs how long nobody may ask for it, after which nobody will @param forget called when it is over */
  constructor(silenceMs: number, forget: () => void) {
    this.#silenceMs = silenceMs;
    this.#forget = forget;
    this.cancellation.onCancel(() => this.#letGo());
    this.#heard();
  }

  get ended(): EndedRound | undefined {
    return this.#ended;
  }

  /** Has a message for the client; resolves when it has been read. What comes after the client has gone is dropped. */
  message(bytes: Buffer): Promise<void> {
    if (this.cancellation.cancelled) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ bytes, taken: resolve });
      this.#wake();
    });
  }

  /** Nothing follows. */
  end(ended: EndedRound): void {
    this.#ended = ended;
    this.#wake();
  }

  /** Takes note that the first `taken` messages have been read; resolves when there is something that has not, after `waitMs` at the latest. */
  async ready(taken: number, waitMs: number): Promise<void> {
    this.#heard();
    const more = Math.max(0, taken - this.#taken);
    this.#taken += more;
    for (const { taken: told } of this.#waiting.splice(0, more)) told();
    if (this.#waiting.length > 0 || this.#ended !== undefined) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#heard();
  }

  /** Messages that have not been read, as many as are told at once. */
  messages(): Buffer[] {
    return this.#waiting.slice(0, MOST_AT_ONCE).map(({ bytes }) => bytes);
  }

  /** Whether nothing is left to tell but the end, once `count` messages are told. */
  allTold(count: number): boolean {
    return count >= this.#waiting.length;
  }

  /** Nobody wants what is still to come. */
  leave(): void {
    this.cancellation.cancel();
    if (this.#ended !== undefined) this.#over();
  }

  #over(): void {
    clearTimeout(this.#silence);
    this.#forget();
  }

  #letGo(): void {
    for (const { taken } of this.#waiting.splice(0)) taken();
  }

  #heard(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.cancellation.cancel();
      this.#over();
    }, this.#silenceMs).unref();
  }
}
