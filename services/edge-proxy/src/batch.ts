import { type BatchMessage, joinBatch, splitBatch } from '@switchyard/mcp';
import { Cancellation } from './cancellation.js';
import type { Edge } from './edge.js';
import { answered, type Ending, refused } from './ending.js';
import type { Caller, Exchange } from './exchange.js';
import { Facts } from './facts.js';
import { endingBytes } from './http/render.js';
import { serveRecorded } from './serve-recorded.js';
import { Refusal } from './refusal.js';

/** A batch in its exchange. */
export interface BatchRequest {
  readonly exchange: Exchange;
  readonly caller: Caller;
  readonly bytes: Buffer;
  /** Called when the batch as a whole is accepted, before its messages are served. */
  readonly accepted: () => void;
  /** Serves one message, in an exchange of its own. */
  readonly serve: (exchange: Exchange, message: Buffer) => Promise<Ending>;
}

/**
 * Serves the messages of a batch side by side, each as a call of its own with its own event (MCP 2025-03-26, "Batching"). The responses
 * go out as one array; where something precedes one of them, as messages of one stream.
 */
export async function serveBatch(batch: BatchRequest, edge: Edge): Promise<Ending> {
  const { exchange, bytes, accepted } = batch;
  const split = splitBatch(bytes);
  if (!split.ok) return refused(new Refusal(split.reason, split.message));
  accepted();
  const { reply } = exchange;
  const held: Buffer[] = [];
  const deliver = async (message: BatchMessage) => {
    const response = await serveMessage(batch, message, edge);
    if (response === undefined) return;
    if (reply.streaming) await reply.message(response);
    else held.push(response);
  };
  await Promise.all(split.messages.map(deliver));
  if (!reply.streaming) {
    const joined = joinBatch(held);
    return joined === undefined ? { kind: 'empty', status: 202 } : answered(joined);
  }
  for (const response of held) await reply.message(response);
  reply.end();
  return { kind: 'streamed' };
}

/** @returns the response, once it is recorded; undefined for messages that get none */
async function serveMessage(batch: BatchRequest, { bytes, scanned }: BatchMessage, edge: Edge): Promise<Buffer | undefined> {
  const exchange = partOf(batch);
  const ending = await serveRecorded(exchange, () => batch.serve(exchange, bytes), edge);
  return scanned.ok && scanned.kind !== 'request' ? undefined : endingBytes(exchange, ending);
}

/** Cancelled with the batch, and also by itself. */
function partOf({ exchange, caller }: BatchRequest): Exchange {
  const facts = new Facts(exchange.facts.circumstances);
  facts.calledBy(caller, exchange.catalog);
  facts.session = exchange.facts.session;
  const cancellation = new Cancellation();
  exchange.cancellation.onCancel(() => cancellation.cancel());
  return { ...exchange, facts, cancellation, place: 0 };
}
