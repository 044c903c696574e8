import { randomUUID } from 'node:crypto';
import type { Filter } from '../changes/filter.js';
import { changedList, filterOf, KINDS } from '../changes/filter.js';
import type { Subscription } from '../changes/feed.js';
import { Heard } from '../changes/heard.js';
import { type Audience, Listening, type StreamCall } from '../changes/listening.js';
import { isShared, OwnSubscriptions } from '../changes/own-subscriptions.js';
import type { Viewer } from '../changes/view-changes.js';
import type { Edge } from '../edge.js';
import type { LoggedEvent } from '../event-log.js';
import type { EventLog } from '../event-log.js';
import { outranks } from '../log-levels.js';
import { Refusal } from '../refusal.js';
import { RELAYED } from '../relayed.js';
import { relayRequest } from '../relay-request.js';
import type { ClientSession } from '../session-store.js';
import { leaveUpstream, upstreamSession } from '../upstream-session.js';
import type { LegacySession, OutboundContext, UpstreamLink, UpstreamMessage } from '../upstream/link.js';

/** How long the upstreams are listened to for a client that has gone and may come back. */
const LINGER_MS = 30_000;

/**
 * What a session's upstreams say by themselves (MCP 2025-11-25, "Listening for Messages from the Server"), over all connections of one
 * client: one that comes back in time has missed nothing.
 */
export class StandingStream implements Audience, Viewer {
  readonly era = 'legacy';
  readonly listening: Listening;
  readonly #session: ClientSession;
  readonly #edge: Edge;
  #call: StreamCall;
  #log: EventLog | undefined;
  #isHeard = false;
  #linger: NodeJS.Timeout | undefined;
  #closed = false;
  #isClaimed = false;

  constructor(call: StreamCall, session: ClientSession, edge: Edge) {
    this.#call = call;
    this.#session = session;
    this.#edge = edge;
    this.listening = new Listening(call, this, edge);
    edge.views.join(this);
  }

  /** A call has opened a session with an upstream. */
  entered(link: UpstreamLink, standing: LegacySession): void {
    this.listening.entered(link, standing);
    // Over HTTP with SSE, only now is there a client to tell the others of.
    this.listening.start(false);
    this.#claim(standing);
  }

  /** Whether a client is connected that has not said that it lost the connection. @param resumed the stream that it wants resumed */
  isTaken(resumed: string | undefined): boolean {
    return this.#isHeard && (this.#log === undefined || resumed !== this.#log.name);
  }

  /** Goes on, on this connection. @param missed what the client has not got from here; `after` of the same stream where it is this one */
  attach(call: StreamCall, resumed: string | undefined, sequence: number, missed: readonly LoggedEvent[]): void {
    clearTimeout(this.#linger);
    const { reply } = call.exchange;
    if (this.#call !== call) this.#call.exchange.cancellation.cancel();
    this.#call = call;
    this.#isHeard = true;
    const goesOn = this.#log !== undefined;
    // Over HTTP with SSE it stands already, before the client says of itself what upstreams are told.
    const isStanding = reply.streaming;
    if (!isStanding) reply.openStream({ 'mcp-session-id': this.#session.id }, this.#log);
    this.#log ??= reply.log;
    const again = goesOn && resumed === this.#log?.name ? this.#log!.after(sequence) : missed;
    for (const { id, data } of again) void reply.replay(id, data);
    if (isStanding || goesOn) return;
    // What was said while no edge listened is not known: of a stream that another has held, or since the client subscribed.
    this.listening.start(resumed !== undefined || Object.keys(this.#session.record.subscriptions ?? {}).length > 0);
  }

  /** This connection has ended. @param returns whether the client may come back */
  detach(call: StreamCall, returns: boolean): void {
    if (this.#call !== call || this.#closed) return;
    this.#isHeard = false;
    if (!returns || this.#log === undefined) this.close();
    else this.#linger = setTimeout(() => this.close(), LINGER_MS).unref();
  }

  /**
   * The session's subscriptions at an upstream have changed.
   * @param told the resource, where the client's own request has reached the upstream from here
   * @returns what the upstream carries of them; undefined where that is not known
   */
  follow(upstream: string, told?: string): Promise<Filter> | undefined {
    return this.listening.follow(upstream, told);
  }

  /** The session's record may have changed. */
  followAll(): void {
    this.listening.followAll();
  }

  wanted(upstream: string): Filter {
    return filterOf(KINDS, this.#session.record.subscriptions?.[upstream] ?? []);
  }

  async enter(link: UpstreamLink, context: OutboundContext): Promise<LegacySession | Refusal> {
    const standing = await upstreamSession(this.#session, link, context, this.#edge);
    if (!(standing instanceof Refusal)) this.#claim(standing);
    return standing;
  }

  own(link: UpstreamLink, standing: LegacySession, context: OutboundContext, onGone: () => void): Subscription {
    const origin = randomUUID();
    const { asks, lists } = this.#edge;
    const send = (bytes: Buffer) => void this.#call.exchange.reply.message(bytes);
    const stop = link.listen(standing, context, {
      session: this.#session.id,
      onMessage: (message) => {
        lists.heard(link.name, message.envelope.method);
        if (message.envelope.method === 'notifications/cancelled') asks.withdraw(origin, message.envelope.requestId);
        this.#relay(link.name, message);
      },
      onRequest: (message) => relayRequest({ session: this.#session, origin, send }, message, this.#edge),
      onMissed: () => this.listening.missed(link.name),
      onGone: () => void leaveUpstream(this.#session, link.name, standing).then(onGone),
    });
    return new OwnSubscriptions({ link, session: standing, context, subscriber: this.#session.id }, this.#edge, () => {
      stop();
      asks.release(origin);
    });
  }

  tell(heard: Heard): void {
    void this.#call.exchange.reply.message(heard.bytes);
  }

  end(): void {
    this.close();
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#linger);
    this.#call.exchange.cancellation.cancel();
    if (this.#session.standing === this) this.#session.standing = undefined;
    this.#edge.views.leave(this);
    this.listening.close();
    if (this.#log) this.#session.streams.end(this.#log);
  }

  /** Where upstreams tell of resources to this edge alone, another that takes a subscription has to know which edge that is. */
  #claim(standing: LegacySession): void {
    if (this.#isClaimed || this.#closed || isShared(standing)) return;
    this.#isClaimed = true;
    const { asks, sessions, log } = this.#edge;
    sessions
      .change(this.#session, (record) => ({ ...record, stream: asks.boot }))
      .then(
        () => this.followAll(),
        (error: unknown) => log.error('a stream is not known to other edges', { error }),
      );
  }

  #relay(upstream: string, message: UpstreamMessage): void {
    const ofTask = this.#edge.tasks.own.notice(this.#session, upstream, message);
    if (ofTask !== undefined) return void this.#call.exchange.reply.message(ofTask);
    const { bytes, envelope } = message;
    if (!RELAYED.has(envelope.method)) return;
    if (envelope.method === 'notifications/message' && outranks(this.#session.record.logLevel, bytes)) return;
    if (changedList(envelope.method) === undefined) void this.#call.exchange.reply.message(bytes);
    else this.listening.take(Heard.from(message));
  }
}
