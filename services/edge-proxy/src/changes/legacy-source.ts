import { randomUUID } from 'node:crypto';
import type { Edge } from '../edge.js';
import type { PooledSession } from '../legacy-pool.js';
import type { OutboundContext, UpstreamLink, UpstreamMessage } from '../upstream/link.js';
import { tellSubscription } from '../upstream-subscription.js';
import type { FeedSource, StreamEvents } from './feed.js';
import { type Filter, filterOf, kindsOf } from './filter.js';
import { outdateLists } from './outdate-lists.js';

/**
 * Hears a legacy upstream for modern clients, on the session that their calls use: what servers say of a session they say in that
 * session (MCP 2025-11-25, "Listening for Messages from the Server", "Subscriptions").
 */
export function legacySource(link: UpstreamLink, session: PooledSession, edge: Edge): FeedSource {
  return {
    open: (filter, context, events) => {
      const listening = new LegacyListening(link, session, context, edge);
      const onMessage = (message: UpstreamMessage) => {
        edge.lists.heard(link.name, message.envelope.method);
        events.onMessage(message);
      };
      const { onMissed } = events;
      const joined = edge.pool.listen(session, listening.key, { onMessage, onMissed, onGone: () => events.onEnd('over') });
      // Not before this has returned.
      if (joined === undefined) queueMicrotask(() => events.onEnd('over'));
      else listening.subscribe(filter, events).catch((error: unknown) => listening.failed(error, events));
      return () => void listening.leave(joined).catch((error: unknown) => listening.failed(error));
    },
    missed: () => outdateLists(link.name, edge),
  };
}

class LegacyListening {
  readonly key = randomUUID();
  #closed = false;

  constructor(
    private readonly link: UpstreamLink,
    private readonly session: PooledSession,
    private readonly context: OutboundContext,
    private readonly edge: Edge,
  ) {}

  async subscribe(filter: Filter, events: StreamEvents): Promise<void> {
    const { pool } = this.edge;
    const uris: string[] = [];
    for (const uri of filter.resourceSubscriptions ?? []) {
      const isTold = pool.subscribe(this.session, this.key, uri);
      if (isTold || (await this.#tell('resources/subscribe', uri))) uris.push(uri);
      else pool.unsubscribe(this.session, this.key, uri);
      if (this.#closed) return;
    }
    events.onHonoured(filterOf(kindsOf(filter), uris));
  }

  /** Idempotent, as what leaves the session is. */
  async leave(joined: (() => string[]) | undefined): Promise<void> {
    this.#closed = true;
    for (const uri of joined?.() ?? []) await this.#tell('resources/unsubscribe', uri);
  }

  failed(error: unknown, events?: StreamEvents): void {
    this.edge.log.error('a legacy upstream is not listened to', { upstream: this.link.name, error });
    events?.onEnd('lost');
  }

  #tell(method: 'resources/subscribe' | 'resources/unsubscribe', uri: string): Promise<boolean> {
    const { link, session, context } = this;
    return tellSubscription(method, uri, { link, session, context, subscriber: session.pooled }, this.edge);
  }
}
