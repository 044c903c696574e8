import type { Logger } from '@switchyard/telemetry';
import { Feed, type FeedSource, type Subscriber, type Subscription } from './feed.js';

/** The feeds of this edge: one for each place at which an upstream can be heard, for as long as somebody listens. */
export class FanOut {
  readonly #feeds = new Map<object, Feed>();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Feeds that somebody listens to. */
  get size(): number {
    return this.#feeds.size;
  }

  /**
   * Joins those who listen at the same place.
   * @param place with a modern upstream the link, which stands for upstream and credential; with a legacy one the pooled session
   * @param missed whether the subscriber has missed what was said before, and is to be told so
   */
  join(place: object, source: () => FeedSource, subscriber: Subscriber, missed: boolean): Subscription {
    const known = this.#feeds.get(place);
    if (known !== undefined) return known.join(subscriber, missed);
    const feed: Feed = new Feed(source(), this.#log, () => {
      if (this.#feeds.get(place) === feed) this.#feeds.delete(place);
    });
    this.#feeds.set(place, feed);
    return feed.join(subscriber, missed);
  }
}
