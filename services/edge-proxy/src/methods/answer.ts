import { DEFAULT_TENANT, EdgeService } from '@switchyard/contracts';
import { scanMessage } from '@switchyard/mcp';
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
    owner === undefined || owner === edge.peers.name
      ? edge.asks.answer(session.id, inbound)
      : await deliver(owner, session.id, inbound.bytes, edge);
  if (!isTaken) edge.log.debug('a response that nobody waits for', { request_id: exchange.requestId });
  return { kind: 'empty', status: 202 };
}

const { deliverAnswer } = EdgeService.method;

/** Gives a response to the edge that asked. @returns false where it does not wait for it, or is no more */
async function deliver(owner: string, session: string, message: Buffer, { peers }: Edge): Promise<boolean> {
  const request = { tenant: DEFAULT_TENANT, session, content: await peers.contents.pack(message) };
  return (await peers.ask(owner, deliverAnswer, request))?.taken ?? false;
}

/** Takes responses that other edges were given. */
export function serveAnswers({ peers, asks }: Edge): Promise<void> {
  return peers.serve(deliverAnswer, async ({ tenant, session, message, content }) => {
    const bytes = content === undefined ? Buffer.from(message) : await peers.contents.unpack(content);
    const envelope = scanMessage(bytes);
    const isAnswer = tenant === DEFAULT_TENANT && envelope.ok && envelope.kind === 'response';
    return { taken: isAnswer && asks.answer(session, { bytes, envelope }) };
  });
}
