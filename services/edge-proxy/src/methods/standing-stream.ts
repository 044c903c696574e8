import { randomUUID } from 'node:crypto';
import type { Edge } from '../edge.js';
import type { LoggedEvent } from '../event-log.js';
import type { EventLog } from '../event-log.js';
import type { Call } from '../exchange.js';
import { outranks } from '../log-levels.js';
import { outboundContext } from '../outbound-context.js';
import { Refusal } from '../refusal.js';
import { RELAYED } from '../relayed.js';
import { relayRequest } from '../relay-request.js';
import type { ClientSession } from '../session-store.js';
import type { LegacySession, UpstreamMessage } from '../upstream/link.js';

/** A GET of a session's. */
export type StreamCall = Omit<Call, 'inbound'>;

/** How long the upstreams are listened to for a client that has gone and may come back. */
const LINGER_MS = 30_000;

/**
 * What a session's upstreams say by themselves (MCP 2025-11-25, "Listening for Messages from the Server"), over all connections of one
 * client: one that comes back in time has missed nothing.
 */
export class StandingStream {
  readonly #session: ClientSession;
  readonly #edge: Edge;
  readonly #standings = new Map<string, LegacySession>();
  readonly #stops = new Map<string, () => void>();
  #call: StreamCall;
  #log: EventLog | undefined;
  #isHeard = false;
  #linger: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(call: StreamCall, session: ClientSession, edge: Edge) {
    this.#call = call;
    this.#session = session;
    this.#edge = edge;
    session.onUpstream = (upstream, standing) => this.#join(upstream, standing);
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
    // Over HTTP with SSE it stands already.
    if (!reply.streaming) reply.openStream({ 'mcp-session-id': this.#session.id }, this.#log);
    this.#log ??= reply.log;
    const again = goesOn && resumed === this.#log?.name ? this.#log!.after(sequence) : missed;
    for (const { id, data } of again) void reply.replay(id, data);
    for (const [upstream, { opening }] of this.#session.links)
      void opening.then((standing) => (standing instanceof Refusal ? undefined : this.#join(upstream, standing)), silence);
  }

  /** This connection has ended. @param returns whether the client may come back */
  detach(call: StreamCall, returns: boolean): void {
    if (this.#call !== call || this.#closed) return;
    this.#isHeard = false;
    if (!returns || this.#log === undefined) this.close();
    else this.#linger = setTimeout(() => this.close(), LINGER_MS).unref();
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#linger);
    this.#call.exchange.cancellation.cancel();
    if (this.#session.standing === this) {
      this.#session.standing = undefined;
      this.#session.onUpstream = undefined;
    }
    for (const stop of this.#stops.values()) stop();
    if (this.#log) this.#session.streams.end(this.#log);
  }

  #join(upstream: string, standing: LegacySession): void {
    if (standing.era === 'modern' || this.#standings.get(upstream) === standing) return;
    this.#standings.set(upstream, standing);
    this.#listen(upstream, standing).catch((error: unknown) =>
      this.#edge.log.error('a stream could not join an upstream', { error, upstream }),
    );
  }

  async #listen(upstream: string, standing: LegacySession): Promise<void> {
    const context = await outboundContext(this.#call, upstream, this.#edge);
    if (context instanceof Refusal || this.#closed || this.#standings.get(upstream) !== standing) return;
    this.#stops.get(upstream)?.();
    const origin = randomUUID();
    const { asks, links, lists } = this.#edge;
    const send = (bytes: Buffer) => void this.#call.exchange.reply.message(bytes);
    const stop = links.get(upstream).listen(standing, context, {
      session: this.#session.id,
      onMessage: (message) => {
        lists.heard(upstream, message.envelope.method);
        if (message.envelope.method === 'notifications/cancelled') asks.withdraw(origin, message.envelope.requestId);
        void this.#relay(message);
      },
      onRequest: (message) => relayRequest({ session: this.#session, origin, send }, message, this.#edge),
    });
    this.#stops.set(upstream, () => {
      stop();
      asks.release(origin);
    });
  }

  #relay({ bytes, envelope }: UpstreamMessage): Promise<void> | void {
    if (!RELAYED.has(envelope.method)) return;
    if (envelope.method === 'notifications/message' && outranks(this.#session.record.logLevel, bytes)) return;
    return this.#call.exchange.reply.message(bytes);
  }
}

/** A handshake that fails is told to the calls that need it. */
const silence = () => undefined;
