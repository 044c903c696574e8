import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { EdgeService, type PostMessageRequest } from '@switchyard/contracts';
import { askedOf, askingTrace, refusalOf } from '../asked.js';
import { Cancellation } from '../cancellation.js';
import type { Catalog } from '../catalog.js';
import type { Edge } from '../edge.js';
import { type Ending, refused } from '../ending.js';
import type { Caller, Exchange } from '../exchange.js';
import { newFacts } from '../record.js';
import { Refusal } from '../refusal.js';
import type { ClientSession } from '../session-store.js';
import { Reply } from './reply.js';

const { postMessage } = EdgeService.method;

/** A session over HTTP with SSE ends with its stream. */
export const streamGone = () => new Refusal('session_unknown', 'The stream of this session has ended. Open another at …/sse.');

/** Hands a message to the edge that holds the stream of its session. */
export async function postElsewhere(
  exchange: Exchange,
  caller: Caller,
  session: ClientSession,
  body: Buffer,
  { peers }: Edge,
): Promise<Ending> {
  const { holder } = session.record;
  if (holder === undefined || holder === peers.name) return refused(streamGone());
  const answer = await peers.ask(holder, postMessage, {
    asked: askedOf(exchange, caller),
    session: session.id,
    message: await peers.contents.pack(body),
    protocolVersion: exchange.head.protocolVersion ?? '',
  });
  if (answer === undefined) return refused(streamGone());
  return answer.refused === undefined ? { kind: 'empty', status: 202 } : refused(refusalOf(answer.refused));
}

/** The exchange of a message that was posted at another edge; undefined where its server is not known here. @param accept as if it were sent */
export function exchangeElsewhere(
  { asked, session, protocolVersion }: PostMessageRequest,
  accept: string,
  catalog: Catalog | undefined,
  edge: Edge,
): Exchange | undefined {
  const server = asked && catalog?.servers.get(asked.server);
  if (asked === undefined || catalog === undefined || server === undefined) return undefined;
  const { requestId } = asked;
  const circumstances = { requestId, trace: askingTrace(asked), catalog, server };
  return {
    ...circumstances,
    startedAtMicros: edge.clock.monotonicMicros(),
    head: {
      request: undefined,
      method: 'POST',
      target: '',
      authorization: undefined,
      proof: undefined,
      contentType: 'application/json',
      contentEncoding: undefined,
      contentLength: undefined,
      accept,
      protocolVersion: protocolVersion === '' ? undefined : protocolVersion,
      sessionId: session,
      lastEventId: undefined,
      mcpMethod: undefined,
      mcpName: undefined,
      paramHeaders: {},
    },
    // Nobody reads it: the other edge answers the POST, and the answer to the message goes on the stream.
    reply: new Reply(new ServerResponse(new IncomingMessage(new Socket())), {}, edge.limits.slowReaderTimeoutMs),
    cancellation: new Cancellation(),
    facts: newFacts(circumstances),
    caller: undefined,
    endedBy: undefined,
    place: 0,
  };
}
