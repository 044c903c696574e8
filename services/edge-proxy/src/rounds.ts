import { type Placed, Running } from './running.js';

/** Something that is visited in rounds. */
export interface Visited extends Placed {
  /** When in a round; the rounds alone write it. */
  turn: number;
  visit(): void;
}

/**
 * Visits each of many things once in a while. A timer for each would cost an idle stream hundreds of bytes; one for all at a time would
 * make everything else wait for thousands of visits. So a round has turns, and a thing has the turn in which it joined.
 */
export class Rounds {
  readonly #turns: readonly Running<Visited>[];
  readonly #turnMs: number;
  #now = 0;
  #size = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param roundMs time between two visits of one thing @param turns in which a round is done */
  constructor(roundMs: number, turns: number) {
    this.#turns = Array.from({ length: turns }, () => new Running<Visited>());
    this.#turnMs = roundMs / turns;
  }

  /** The first visit is a round from now, less a turn at most. */
  join(one: Visited): void {
    one.turn = this.#now;
    this.#turns[this.#now]!.add(one);
    this.#size += 1;
    this.#timer ??= setInterval(() => this.#turn(), this.#turnMs).unref();
  }

  /** No more visits to what has joined. */
  leave(one: Visited): void {
    this.#turns[one.turn]!.remove(one);
    this.#size -= 1;
    if (this.#size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #turn(): void {
    this.#now = (this.#now + 1) % this.#turns.length;
    for (const one of this.#turns[this.#now]!.all()) one.visit();
  }
}
