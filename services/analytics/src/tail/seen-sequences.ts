import { rangesOf, subtract, type Range } from '../reconcile/ranges.js';

/** As forwarders name messages: `<emitter>/<epoch>/<first>-<last>`. */
const MESSAGE_ID = /^(.+\/\d+)\/(\d+)-(\d+)$/;
const CHAINS_LIMIT = 1_000;
const RANGES_LIMIT = 64;

/**
 * Which events have come by. A forwarder that was killed sends again what it does not know to be stored, cut in another way: messages
 * with other ids, and events that were in the stream already.
 */
export class SeenSequences {
  /** By `<emitter>/<epoch>`; what was heard of last is last. */
  readonly #seen = new Map<string, readonly Range[]>();

  /**
   * Notes the events of a message.
   * @returns those that had not come by; undefined where the message is no forwarder's, and all of them are taken for new
   */
  take(messageId: string): readonly Range[] | undefined {
    const [, chain, first, last] = MESSAGE_ID.exec(messageId) ?? [];
    if (chain === undefined) return undefined;
    const range = { first: Number(first), last: Number(last) };
    const before = this.#seen.get(chain) ?? [];
    const joined = rangesOf([...before, range].sort((a, b) => a.first - b.first));
    this.#seen.delete(chain);
    this.#seen.set(chain, joined.slice(-RANGES_LIMIT));
    for (const longestAgo of this.#seen.keys()) {
      if (this.#seen.size <= CHAINS_LIMIT) break;
      this.#seen.delete(longestAgo);
    }
    return subtract([range], before);
  }
}
