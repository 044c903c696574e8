import type { Edge } from '../edge.js';
import { isSseSession } from '../upstream/sse-sessions.js';
import type { LegacySession } from '../upstream/link.js';
import { tellSubscription, type UpstreamSubscription } from '../upstream-subscription.js';
import type { Subscription } from './feed.js';
import type { Filter } from './filter.js';

/** Whether a session with an upstream is the same for every edge; others are of one process, as a local server or a connection is. */
export const isShared = ({ id, era }: LegacySession): boolean => era !== 'modern' && id !== undefined && !isSseSession(id);

const NONE: ReadonlySet<string> = new Set();

/** A client session's subscriptions in its own session with a legacy upstream. */
export class OwnSubscriptions implements Subscription {
  readonly #at: UpstreamSubscription;
  readonly #edge: Edge;
  readonly #onLeave: () => void;
  /** Absent: none. */
  #told: Set<string> | undefined;

  constructor(at: UpstreamSubscription, edge: Edge, onLeave: () => void) {
    this.#at = at;
    this.#edge = edge;
    this.#onLeave = onLeave;
  }

  /** The client's own request has reached the upstream, except where that was the process of another edge. */
  async change(wanted: Filter, told?: string): Promise<Filter> {
    if (isShared(this.#at.session)) return wanted;
    const before = this.#told ?? NONE;
    const uris = new Set(wanted.resourceSubscriptions);
    const ended = [...before].filter((uri) => !uris.has(uri));
    const begun = [...uris].filter((uri) => !before.has(uri));
    this.#told = uris.size > 0 ? uris : undefined;
    await Promise.all([
      ...begun.map((uri) => this.#tell('resources/subscribe', uri, told)),
      ...ended.map((uri) => this.#tell('resources/unsubscribe', uri, told)),
    ]);
    return wanted;
  }

  async #tell(method: 'resources/subscribe' | 'resources/unsubscribe', uri: string, told: string | undefined): Promise<void> {
    if (uri !== told) await tellSubscription(method, uri, this.#at, this.#edge);
  }

  leave(): void {
    this.#onLeave();
  }
}
