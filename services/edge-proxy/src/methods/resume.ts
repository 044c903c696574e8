import type { Edge } from '../edge.js';
import { type Ending, refused } from '../ending.js';
import { readEventId, type StreamPlace } from '../event-id.js';
import type { EventLog, LoggedEvent } from '../event-log.js';
import { Refusal } from '../refusal.js';
import type { ClientSession } from '../session-store.js';
import { serveEventStream } from './event-stream.js';
import type { StreamCall } from '../changes/listening.js';
import { readElsewhere } from './resume-elsewhere.js';

/**
 * `GET` with `Last-Event-ID` (MCP 2025-11-25, "Resumability and Redelivery"): what followed that event on its own stream, and what is
 * still to come on it. Nothing of another stream, and nothing of another session.
 */
export async function serveResume(call: StreamCall, session: ClientSession, eventId: string, edge: Edge): Promise<Ending> {
  const place = readEventId(session.id, eventId);
  if (place === undefined)
    return refused(new Refusal('event_unknown', 'Last-Event-ID is no id of an event that this session was sent.'));
  const log = session.streams.find(place.stream);
  if (place.requestId === '') {
    const missed = log?.after(place.sequence) ?? (await missedElsewhere(call, session, place, edge));
    return serveEventStream(call, session, edge, place, missed);
  }
  if (log === undefined) return place.edge === edge.peers.name ? lost(call, place) : takeOver(call, session, place, edge);
  await follow(call, session, log, place);
  return { kind: 'streamed' };
}

/** Sends what the log has and gets, until its stream ends, the client goes, or another connection takes it over. */
async function follow(
  { exchange: { reply } }: StreamCall,
  session: ClientSession,
  log: EventLog,
  place: StreamPlace,
): Promise<void> {
  const gone = Promise.withResolvers<void>();
  reply.onClosed(gone.resolve);
  reply.keepIn(session.streams, '', undefined);
  reply.openStream({ 'mcp-session-id': session.id }, log);
  let { sequence } = place;
  while (!reply.gone && log.isReader(reply)) {
    const events = log.after(sequence);
    for (const event of events) {
      await reply.replay(event.id, event.data);
      sequence = event.sequence;
    }
    if (events.length > 0) continue;
    if (log.ended) break;
    await Promise.race([log.changed(), gone.promise]);
  }
  log.detach(reply);
  reply.end();
}

/** Another edge has the call, or has left what it said where every edge finds it. */
async function takeOver(call: StreamCall, session: ClientSession, place: StreamPlace, edge: Edge): Promise<Ending> {
  const { reply, cancellation } = call.exchange;
  reply.openStream({ 'mcp-session-id': session.id });
  let { sequence } = place;
  const onEvent = (event: LoggedEvent) => {
    ({ sequence } = event);
    return reply.replay(event.id, event.data);
  };
  const isGone = () => reply.gone || cancellation.cancelled;
  if ((await readElsewhere(call, session, place, { onEvent, isGone }, edge)) === 'unknown') {
    const events = await edge.handedOver.take(place.stream);
    if (events === undefined) return lost(call, place);
    for (const event of events) if (event.sequence > sequence) await onEvent(event);
  }
  reply.end();
  return { kind: 'streamed' };
}

/** What the session's stream said at another edge, which holds it no longer. */
async function missedElsewhere(call: StreamCall, session: ClientSession, place: StreamPlace, edge: Edge): Promise<LoggedEvent[]> {
  const missed: LoggedEvent[] = [];
  if (place.edge !== edge.peers.name)
    await readElsewhere(call, session, place, { onEvent: (event) => void missed.push(event), isGone: () => false }, edge);
  return missed;
}

/** The stream was this session's, but nobody has its events any more. The client is told, or it would wait for its answer for ever. */
function lost({ exchange }: StreamCall, { requestId }: StreamPlace): Ending {
  exchange.facts.client_rpc_id = requestId;
  if (!exchange.reply.streaming) exchange.reply.openStream();
  return refused(
    new Refusal(
      'stream_lost',
      'The answer to this call is not kept any more: it came too long ago, or the part of the gateway that held it has been stopped. ' +
        'Whether the call was done is not known.',
    ),
  );
}
