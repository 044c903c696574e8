import type { Edge } from './edge.js';
import { type Ending, refused } from './ending.js';
import type { Exchange } from './exchange.js';
import { faultRefusal } from './fault.js';
import { recordEnding } from './record.js';
import { unrecorded } from './stages/admit.js';

/** Serves a message that has no HTTP exchange to itself, and records how it ended. A fault becomes a refusal. */
export async function serveRecorded(exchange: Exchange, serve: () => Promise<Ending>, edge: Edge): Promise<Ending> {
  const ending = await serve().catch((error: unknown) => failed(exchange, error, edge));
  try {
    await recordEnding(exchange, ending, edge);
  } catch (error) {
    return unrecorded(exchange, ending, error);
  }
  return ending;
}

function failed({ requestId, trace }: Exchange, error: unknown, { log }: Edge): Ending {
  log.error('a message failed', { request_id: requestId, trace_id: trace.traceId, error });
  return refused(faultRefusal(error, requestId));
}
