import type { StreamMessage } from '@switchyard/messaging';

/** Where the events of an emitter go on: of which boot, and with which sequence. */
export interface Expected {
  readonly epoch: number;
  readonly next: number;
}

interface Held {
  readonly message: StreamMessage;
  readonly emitter: string;
  readonly first: number;
  readonly epoch: number;
  readonly sinceMs: number;
}

const EMITTERS_LIMIT = 1_000;

/** As forwarders make them: `<emitter>/<epoch>/<first>-<last>`. */
const MESSAGE_ID = /^(.+)\/(\d+)\/(\d+)-(\d+)$/;

/**
 * Puts messages of each emitter back into the order of its sequence. Forwarders have several on their way at once, so that one
 * which had to be sent again may stand in the stream behind those that followed it. A message that runs ahead waits for what is
 * missing, but not for ever: what an emitter lost with its disk never comes.
 */
export class InOrder {
  readonly #patienceMs: number;
  readonly #expected = new Map<string, Expected>();
  readonly #held: Held[] = [];

  /** @param expected as `expected()` was when the position was kept that reading begins behind */
  constructor(patienceMs: number, expected: Readonly<Record<string, Expected>> = {}) {
    this.#patienceMs = patienceMs;
    for (const [emitter, one] of Object.entries(expected)) this.#expected.set(emitter, one);
  }

  /** Takes messages as they stand in the stream. @returns those whose turn it is */
  take(messages: readonly StreamMessage[], nowMs: number): StreamMessage[] {
    const ready: StreamMessage[] = [];
    for (const message of messages) {
      const [, emitter = '', epochText, firstText, lastText] = MESSAGE_ID.exec(message.messageId) ?? [];
      const [epoch, first] = [Number(epochText), Number(firstText)];
      // What no forwarder made has no order.
      if (epochText === undefined) ready.push(message);
      else if (this.#isAhead(emitter, epoch, first)) this.#held.push({ message, emitter, first, epoch, sinceMs: nowMs });
      else this.#release({ message, emitter, epoch }, Number(lastText), ready);
    }
    this.#releaseOverdue(nowMs, ready);
    return ready;
  }

  /** How many wait. */
  get heldCount(): number {
    return this.#held.length;
  }

  /** Position before the first message that waits; Infinity where none does. */
  get safeSequence(): number {
    return Math.min(Infinity, ...this.#held.map(({ message }) => Number(message.sequence) - 1));
  }

  /** Where each emitter goes on. */
  expected(): Record<string, Expected> {
    return Object.fromEntries(this.#expected);
  }

  #isAhead(emitter: string, epoch: number, first: number): boolean {
    const expected = this.#expected.get(emitter);
    if (expected === undefined || epoch < expected.epoch) return false;
    // The first message of another boot begins at 1; the boot before it has said all that it will.
    return epoch === expected.epoch ? first > expected.next : first > 1;
  }

  #release({ message, emitter, epoch }: Pick<Held, 'message' | 'emitter' | 'epoch'>, last: number, ready: StreamMessage[]): void {
    ready.push(message);
    const known = this.#expected.get(emitter);
    if (known !== undefined && (epoch < known.epoch || (epoch === known.epoch && last < known.next))) return;
    this.#expected.delete(emitter);
    this.#expected.set(emitter, { epoch, next: last + 1 });
    // Processes come and go: those that were heard longest ago are forgotten.
    for (const longestAgo of this.#expected.keys()) {
      if (this.#expected.size <= EMITTERS_LIMIT) break;
      this.#expected.delete(longestAgo);
    }
    // What was waiting for it.
    const follows = this.#held.findIndex((held) => held.emitter === emitter && !this.#isAhead(emitter, held.epoch, held.first));
    if (follows !== -1) this.#releaseHeld(follows, ready);
  }

  #releaseHeld(index: number, ready: StreamMessage[]): void {
    const [held] = this.#held.splice(index, 1);
    if (held !== undefined) this.#release(held, Number(MESSAGE_ID.exec(held.message.messageId)?.[4]), ready);
  }

  #releaseOverdue(nowMs: number, ready: StreamMessage[]): void {
    for (;;) {
      const overdue = this.#held
        .filter(({ sinceMs }) => nowMs - sinceMs >= this.#patienceMs)
        .sort((a, b) => a.epoch - b.epoch || a.first - b.first)[0];
      if (overdue === undefined) return;
      this.#releaseHeld(this.#held.indexOf(overdue), ready);
    }
  }
}
