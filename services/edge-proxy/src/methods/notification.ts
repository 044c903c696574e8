import type { Edge } from '../edge.js';
import type { Ending } from '../ending.js';
import type { Call } from '../exchange.js';

/**
 * Notifications of clients. `notifications/cancelled` ends the call that it names, if it is this session's; everything else that a
 * client may say is between it and the gateway, which has nothing to do for it.
 */
export function serveNotification(call: Call, edge: Edge): Promise<Ending> {
  const { envelope } = call.inbound;
  if (envelope.method === 'notifications/cancelled' && envelope.requestId !== undefined && call.session !== undefined) {
    edge.calls.cancel(call.session.id, envelope.requestId);
  }
  return Promise.resolve({ kind: 'empty', status: 202 });
}
