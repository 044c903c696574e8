import { requestMessage } from '@switchyard/mcp';
import { Cancellation } from './cancellation.js';
import type { Edge } from './edge.js';
import type { LegacySession, OutboundContext, UpstreamLink } from './upstream/link.js';

/** A subscription of the gateway's own making. */
export interface UpstreamSubscription {
  readonly link: UpstreamLink;
  readonly session: LegacySession;
  readonly context: OutboundContext;
  /** For whom; a process that several share counts them. */
  readonly subscriber: string;
}

/** Whether a server that says this of itself has subscriptions. */
export const hasSubscriptions = ({ capabilities }: Pick<LegacySession, 'capabilities'>): boolean =>
  (capabilities.resources as Readonly<Record<string, unknown>> | undefined)?.subscribe === true;

/** Subscribes to a resource of a legacy upstream, or ends that (MCP 2025-11-25, "Subscriptions"). @returns whether the upstream agreed */
export async function tellSubscription(
  method: 'resources/subscribe' | 'resources/unsubscribe',
  uri: string,
  { link, session, context, subscriber }: UpstreamSubscription,
  edge: Edge,
): Promise<boolean> {
  const id = edge.ids.next();
  const answer = await link.request({
    ...context,
    era: 'legacy',
    revision: session.revision,
    method,
    name: uri,
    subscriber,
    id,
    body: requestMessage(id, method, JSON.stringify({ uri })),
    session: session.id,
    timeoutMs: edge.limits.listTimeoutMs,
    limitMs: edge.limits.listTimeoutMs,
    // Of the session, not of a call.
    cancellation: new Cancellation(),
    onNotification: () => undefined,
  });
  return answer.kind === 'response' && answer.message.envelope.errorCode === undefined;
}
