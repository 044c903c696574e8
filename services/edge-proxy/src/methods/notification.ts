import { notificationMessage } from '@switchyard/mcp';
import type { Edge } from '../edge.js';
import type { Ending } from '../ending.js';
import type { Call } from '../exchange.js';
import { outboundContext } from '../outbound-context.js';
import { Refusal } from '../refusal.js';
import type { ClientSession } from '../session-store.js';
import { upstreamSession } from '../upstream-session.js';

const ROOTS_CHANGED = 'notifications/roots/list_changed';

/**
 * Notifications of clients. `notifications/cancelled` ends the call that it names, if it is this session's; that roots have changed is
 * passed on to upstreams; everything else that a client may say is between it and the gateway, which has nothing to do for it.
 */
export function serveNotification(call: Call, edge: Edge): Promise<Ending> {
  const { session } = call;
  const { envelope } = call.inbound;
  if (envelope.method === 'notifications/cancelled' && envelope.requestId !== undefined && session !== undefined) {
    edge.cancellations.cancel(session.id, envelope.requestId);
  }
  if (envelope.method === ROOTS_CHANGED && session?.record.capabilities.roots !== undefined)
    tellRootsChanged(call, session, edge).catch((error: unknown) =>
      edge.log.error('upstreams were not told of changed roots', { error, request_id: call.exchange.requestId }),
    );
  return Promise.resolve({ kind: 'empty', status: 202 });
}

/** Tells every upstream that this session is open with, and so was told of roots (MCP 2025-11-25, "Roots"). */
async function tellRootsChanged(call: Call, session: ClientSession, edge: Edge): Promise<void> {
  const upstreams = new Set([...session.links.keys(), ...Object.keys(session.record.upstreams)]);
  await Promise.all([...upstreams].map((upstream) => tellUpstream(call, session, upstream, edge)));
}

async function tellUpstream(call: Call, session: ClientSession, upstream: string, edge: Edge): Promise<void> {
  const context = await outboundContext(call, upstream, edge);
  if (context instanceof Refusal) return;
  const link = edge.links.get(upstream, context.scope);
  const standing = await upstreamSession(session, link, context, edge);
  // A modern upstream asks for roots whenever it wants them.
  if (standing instanceof Refusal || standing.era === 'modern') return;
  const body = notificationMessage(ROOTS_CHANGED);
  await link.notify({
    ...context,
    era: 'legacy',
    revision: standing.revision,
    method: ROOTS_CHANGED,
    body,
    session: standing.id,
  });
}
