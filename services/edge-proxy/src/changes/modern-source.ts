import { Cancellation } from '../cancellation.js';
import type { Edge } from '../edge.js';
import { Refusal } from '../refusal.js';
import type { OutboundContext, UpstreamAnswer, UpstreamLink } from '../upstream/link.js';
import { MODERN_META } from '../upstream/profile.js';
import type { FeedSource, StreamEnd, StreamEvents } from './feed.js';
import { type Filter, filterSchema, isEmpty } from './filter.js';
import { outdateLists } from './outdate-lists.js';

export const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const METHOD = 'subscriptions/listen';
/** Longest silence of a stream that has nothing to say. */
const SILENCE_MS = 24 * 3_600_000;

/** Errors of an upstream that will not do better the next time: it does not know the method, or not what is asked for. */
const DECLINED: ReadonlySet<number> = new Set([-32601, -32602, -32600]);

/** Hears a modern upstream by `subscriptions/listen` (MCP 2026-07-28, "Subscriptions"). */
export function modernSource(link: UpstreamLink, edge: Edge): FeedSource {
  return {
    open: (filter, context, events) => {
      const cancellation = new Cancellation();
      listen(link, filter, context, cancellation, events, edge).then(
        (why) => (cancellation.cancelled ? undefined : events.onEnd(why)),
        (error: unknown) => {
          edge.log.error('an upstream is not listened to', { upstream: link.name, error });
          events.onEnd('lost');
        },
      );
      return () => cancellation.cancel();
    },
    missed: () => outdateLists(link.name, edge),
  };
}

async function listen(
  link: UpstreamLink,
  filter: Filter,
  context: OutboundContext,
  cancellation: Cancellation,
  { onHonoured, onMessage }: StreamEvents,
  edge: Edge,
): Promise<StreamEnd> {
  const profile = await link.discover(context, cancellation);
  if (profile instanceof Refusal) return profile.reason === 'era_mismatch' ? 'over' : 'lost';
  const id = edge.ids.next();
  let honoured: Filter | undefined;
  const answer = await link.request({
    ...context,
    era: 'modern',
    revision: profile.revision,
    method: METHOD,
    id,
    body: Buffer.from(
      `{"jsonrpc":"2.0","id":${id},"method":"${METHOD}","params":${JSON.stringify({ notifications: filter, _meta: MODERN_META })}}`,
    ),
    timeoutMs: SILENCE_MS,
    cancellation,
    onNotification: (message) => {
      edge.lists.heard(link.name, message.envelope.method);
      if (message.envelope.method !== ACKNOWLEDGED) return onMessage(message);
      const { params } = JSON.parse(message.bytes.toString('utf8')) as { params?: { notifications?: unknown } };
      honoured = filterSchema.safeParse(params?.notifications).data ?? {};
      onHonoured(honoured);
    },
  });
  return whyEnded(answer, honoured);
}

function whyEnded(answer: UpstreamAnswer, honoured: Filter | undefined): StreamEnd {
  if (answer.kind !== 'response') return 'lost';
  const { errorCode } = answer.message.envelope;
  if (errorCode !== undefined) return DECLINED.has(errorCode) ? 'declined' : 'lost';
  // A server that has nothing of what is asked for may say so and end the stream at once.
  return honoured !== undefined && isEmpty(honoured) ? 'declined' : 'lost';
}
