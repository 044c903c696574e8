import { Cancellation } from './cancellation.js';
import type { Edge } from './edge.js';
import type { LegacySession, OutboundContext, UpstreamLink } from './upstream/link.js';

/**
 * Tells an upstream the least severity of the log messages that a session wants (MCP 2025-11-25, "Logging"). What it answers changes
 * nothing: messages below the level are held back here too.
 */
export async function tellLogLevel(
  link: UpstreamLink,
  standing: LegacySession,
  level: string,
  context: OutboundContext,
  edge: Edge,
): Promise<void> {
  // Every request to a modern upstream says its own.
  if (standing.era === 'modern' || standing.capabilities.logging === undefined) return;
  const id = edge.ids.next();
  // A process without a session id is shared by everyone, so it is asked for everything and each session's share is filtered here.
  const wanted = standing.id === undefined ? 'debug' : level;
  await link.request({
    ...context,
    era: 'legacy',
    revision: standing.revision,
    method: 'logging/setLevel',
    id,
    body: Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"logging/setLevel","params":{"level":"${wanted}"}}`),
    session: standing.id,
    timeoutMs: edge.limits.listTimeoutMs,
    limitMs: edge.limits.listTimeoutMs,
    // Of the session, not of a call.
    cancellation: new Cancellation(),
    onNotification: () => undefined,
  });
}
