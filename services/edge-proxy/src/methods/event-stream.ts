import type { Edge } from '../edge.js';
import type { Ending } from '../ending.js';
import { refused } from '../ending.js';
import type { StreamPlace } from '../event-id.js';
import type { LoggedEvent } from '../event-log.js';
import { recordStream } from '../record.js';
import { Refusal } from '../refusal.js';
import { Rounds, type Visited } from '../rounds.js';
import type { ClientSession } from '../session-store.js';
import type { StreamCall } from '../changes/listening.js';
import { StandingStream } from './standing-stream.js';

/** How often an open stream keeps its session from ending, and learns whether another edge has ended it. */
const KEEP_MS = 60_000;
const KEPT = new Rounds(KEEP_MS, 60);

/**
 * A legacy session's standing stream (MCP 2025-11-25, "Listening for Messages from the Server"): carries what the session's upstreams
 * say by themselves, until the client, the session or the gateway ends it.
 * @param place where the client wants it resumed
 * @param missed what it has missed of an earlier stream
 */
export function serveEventStream(
  call: StreamCall,
  session: ClientSession,
  edge: Edge,
  place?: StreamPlace,
  missed: readonly LoggedEvent[] = [],
): Ending | Promise<Ending> {
  const { reply, cancellation } = call.exchange;
  if (session.standing?.isTaken(place?.stream) === true)
    return refused(new Refusal('stream_conflict', 'This session has its stream already; a session has one.'));
  const stream = (session.standing ??= new StandingStream(call, session, edge));
  reply.standing = true;
  reply.keepIn(session.streams, '', cancellation);
  recordStream(call.exchange, edge);
  stream.attach(call, place?.stream, place?.sequence ?? 0, missed);
  const kept = new Kept(session, edge);
  KEPT.join(kept);
  // A signal, or a frame of this function, would cost an idle stream a kilobyte. The session's end closes its stream, which cancels this.
  return new Promise<void>((resolve) => cancellation.onCancel(resolve)).then(() => {
    KEPT.leave(kept);
    stream.detach(call, reply.gone && !session.ended.cancelled);
    reply.end();
    return { kind: 'streamed' };
  });
}

/** A session that its open stream keeps from ending. */
class Kept implements Visited {
  place = 0;
  turn = 0;

  constructor(
    private readonly session: ClientSession,
    private readonly edge: Edge,
  ) {}

  visit(): void {
    keepSession(this.session, this.edge);
  }
}

function keepSession(session: ClientSession, edge: Edge): void {
  edge.sessions.keep(session).then(
    // What another edge has taken, and could not tell.
    () => session.standing?.followAll(),
    (error: unknown) => edge.log.error('a session with a stream could not be kept', { error }),
  );
}
