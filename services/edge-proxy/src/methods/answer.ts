import { ownerOf } from '../client-asks.js';
import type { Edge } from '../edge.js';
import type { Ending } from '../ending.js';
import type { Call } from '../exchange.js';

/**
 * A response that a legacy client posts (MCP 2025-11-25, "Sending Messages to the Server"): goes to whoever asked in this session, at
 * this edge or at the one that the id names. One that nobody waits for is taken and dropped.
 */
export async function serveAnswer({ exchange, inbound, session }: Call, edge: Edge): Promise<Ending> {
  if (session === undefined) throw new Error('responses are posted in sessions only');
  const { id } = inbound.envelope;
  const owner = ownerOf(id);
  const isTaken =
    owner === undefined || owner === edge.asks.boot
      ? edge.asks.answer(session.id, inbound)
      : await edge.peers.deliver(owner, session.id, inbound.bytes);
  if (!isTaken) edge.log.debug('a response that nobody waits for', { request_id: exchange.requestId });
  return { kind: 'empty', status: 202 };
}
