import { aborted } from '../abort.js';
import type { Edge } from '../edge.js';
import type { Ending } from '../ending.js';
import { refused } from '../ending.js';
import type { Call } from '../exchange.js';
import { outranks } from '../log-levels.js';
import { outboundContext } from '../outbound-context.js';
import { Refusal } from '../refusal.js';
import { RELAYED } from '../relayed.js';
import type { ClientSession } from '../session-store.js';
import type { LegacySession, UpstreamMessage } from '../upstream/link.js';

type StreamCall = Omit<Call, 'inbound'>;

/** How often an open stream keeps its session from ending, and learns whether another edge has ended it. */
const KEEP_MS = 60_000;

/**
 * A legacy session's standing stream (MCP 2025-11-25, "Listening for Messages from the Server"): carries what the session's upstreams
 * say by themselves, until the client, the session or the gateway ends it.
 */
export async function serveEventStream(call: StreamCall, session: ClientSession, edge: Edge): Promise<Ending> {
  const { exchange } = call;
  if (session.onUpstream !== undefined)
    return refused(new Refusal('stream_conflict', 'This session has its stream already; a session has one.'));
  const over = AbortSignal.any([exchange.cancellation.signal, session.ended.signal]);
  const joined = new JoinedUpstreams(call, session, over, edge);
  session.onUpstream = (upstream, standing) => joined.join(upstream, standing);
  const keep = setInterval(() => keepSession(session, edge), KEEP_MS).unref();
  try {
    exchange.reply.standing = true;
    // Over HTTP with SSE it stands already.
    if (!exchange.reply.streaming) exchange.reply.openStream({ 'mcp-session-id': session.id });
    for (const [upstream, { opening }] of session.links)
      void opening.then((standing) => (standing instanceof Refusal ? undefined : joined.join(upstream, standing)), silence);
    await aborted(over);
  } finally {
    clearInterval(keep);
    session.onUpstream = undefined;
    joined.leave();
    exchange.reply.end();
  }
  return { kind: 'streamed' };
}

/** A handshake that fails is told to the calls that need it. */
const silence = () => undefined;

function keepSession(session: ClientSession, edge: Edge): void {
  edge.sessions.keep(session).catch((error: unknown) => edge.log.error('a session with a stream could not be kept', { error }));
}

/** The upstreams that speak on one stream, each by its newest session with it. */
class JoinedUpstreams {
  readonly #standings = new Map<string, LegacySession>();
  readonly #stops = new Map<string, () => void>();

  constructor(
    private readonly call: StreamCall,
    private readonly session: ClientSession,
    private readonly over: AbortSignal,
    private readonly edge: Edge,
  ) {}

  join(upstream: string, standing: LegacySession): void {
    if (this.#standings.get(upstream) === standing) return;
    this.#standings.set(upstream, standing);
    this.#listen(upstream, standing).catch((error: unknown) =>
      this.edge.log.error('a stream could not join an upstream', { error, upstream }),
    );
  }

  leave(): void {
    for (const stop of this.#stops.values()) stop();
  }

  async #listen(upstream: string, standing: LegacySession): Promise<void> {
    const context = await outboundContext(this.call, upstream, this.edge);
    if (context instanceof Refusal || this.over.aborted || this.#standings.get(upstream) !== standing) return;
    this.#stops.get(upstream)?.();
    const onMessage = (message: UpstreamMessage) => void relay(this.call, this.session, message);
    this.#stops.set(upstream, this.edge.links.get(upstream).listen(standing, context, { session: this.session.id, onMessage }));
  }
}

function relay(call: StreamCall, session: ClientSession, { bytes, envelope }: UpstreamMessage): Promise<void> | void {
  if (!RELAYED.has(envelope.method)) return;
  if (envelope.method === 'notifications/message' && outranks(session.record.logLevel, bytes)) return;
  return call.exchange.reply.message(bytes);
}
