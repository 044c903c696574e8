import { type Era, requestMessage, resultResponse, scanMessage } from '@switchyard/mcp';
import type { Clock } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import { Cancellation } from '../cancellation.js';
import { Refusal } from '../refusal.js';
import type { IdSource } from './id-source.js';
import type {
  LegacySession,
  OutboundContext,
  OutboundRequest,
  UnsolicitedSink,
  UpstreamAnswer,
  UpstreamLink,
  UpstreamMessage,
  UpstreamProfile,
} from './link.js';
import {
  discoverBody,
  eraMismatch,
  EVERY_CARRIED_CAPABILITY,
  INITIALIZED_BODY,
  initializeBody,
  LEGACY_UPSTREAM_REVISION,
  MODERN_UPSTREAM_REVISION,
  readDiscoverResult,
  readInitializeResult,
} from './profile.js';
import { type Handshake, type Running, StdioLane } from './stdio-lane.js';
import type { StdioSession } from './stdio-session.js';
import { SubscriptionCount } from './subscription-count.js';

const HANDSHAKE_MS = 15_000;
/** How long an answer to a handshake is believed to hold for the program, which is the same at every start. */
const ANSWER_BELIEVED_MS = 24 * 3_600_000;
/** The same for silence or an end, which may have been an accident. */
const SILENCE_BELIEVED_MS = 60_000;

/** What a stdio link needs. */
export interface StdioLinkOptions {
  readonly name: string;
  readonly scope: string;
  readonly definition: object;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly log: Logger;
  readonly resultLimitBytes: number;
  /** Told of what the server says to nobody in particular. */
  readonly onSaid: (method: string) => void;
}

/**
 * The way to a local MCP server: one process per era, shared by all callers of the same credential. An era is fixed for the life of a
 * process, so a client of the other era gets a process of its own.
 */
export class StdioLink implements UpstreamLink {
  readonly name: string;
  readonly scope: string;
  readonly definition: object;
  readonly #ids: IdSource;
  readonly #lanes: Readonly<Record<Era, StdioLane>>;
  readonly #sinks = new Set<UnsolicitedSink>();
  readonly #subscriptions = new SubscriptionCount();
  #logLevelBody: Buffer | undefined;

  constructor(options: StdioLinkOptions) {
    this.name = options.name;
    this.scope = options.scope;
    this.definition = options.definition;
    this.#ids = options.ids;
    const shared = { ...options, upstream: options.name };
    this.#lanes = {
      legacy: new StdioLane({
        ...shared,
        era: 'legacy',
        onUnsolicited: (message) => {
          options.onSaid(message.envelope.method);
          this.#spread(message);
        },
        shakeHands: (session, context) => this.#initialize(session, context),
      }),
      modern: new StdioLane({
        ...shared,
        era: 'modern',
        // What a modern server says by itself belongs to a subscription, or to nobody.
        onUnsolicited: () => undefined,
        shakeHands: (session, context) => this.#probe(session, context),
      }),
    };
  }

  get busy(): boolean {
    return this.#sinks.size > 0 || this.#lanes.legacy.busy || this.#lanes.modern.busy;
  }

  async openLegacy(context: OutboundContext): Promise<LegacySession | Refusal> {
    return profileOf(await this.#lanes.legacy.enter(context));
  }

  async discover(context: OutboundContext): Promise<UpstreamProfile | Refusal> {
    return profileOf(await this.#lanes.modern.enter(context));
  }

  async request(request: OutboundRequest): Promise<UpstreamAnswer> {
    const { method, subscriber, id } = request;
    if (subscriber !== undefined && !this.#subscriptions.mustTell(method, request.name ?? '', subscriber)) return done(id);
    if (method === 'logging/setLevel') this.#logLevelBody = request.body;
    const running = await this.#lanes[request.era].enter(request);
    if (running instanceof Refusal) return { kind: 'refused', refusal: running, status: 0 };
    return running.session.request(request);
  }

  async notify(message: OutboundContext & { readonly era: Era; readonly body: Buffer }): Promise<void> {
    const running = await this.#lanes[message.era].current;
    if (running !== undefined && !(running instanceof Refusal)) running.session.notify(message.body);
  }

  listen(_session: LegacySession, _context: OutboundContext, sink: UnsolicitedSink): () => void {
    this.#sinks.add(sink);
    return () => this.#sinks.delete(sink);
  }

  async closeLegacy(_session: LegacySession, context: OutboundContext, client: string): Promise<void> {
    for (const uri of this.#subscriptions.leave(client))
      await this.notify({ ...context, era: 'legacy', body: this.#subscriptionBody('resources/unsubscribe', uri) });
  }

  async close(): Promise<void> {
    await Promise.all([this.#lanes.legacy.close(), this.#lanes.modern.close()]);
  }

  async #initialize(session: StdioSession, context: OutboundContext): Promise<Handshake> {
    const id = this.#ids.next();
    const answer = await session.request(
      handshake(context, {
        era: 'legacy',
        revision: LEGACY_UPSTREAM_REVISION,
        method: 'initialize',
        id,
        body: initializeBody(id, EVERY_CARRIED_CAPABILITY),
      }),
    );
    if (answer.kind !== 'response') return { refusal: this.#handshakeRefusal(answer), believedMs: 0 };
    const profile = readInitializeResult(this.name, answer.message);
    if (profile instanceof Refusal)
      return { refusal: profile, believedMs: profile.reason === 'era_mismatch' ? ANSWER_BELIEVED_MS : 0 };
    session.notify(INITIALIZED_BODY);
    this.#remind(session);
    return profile;
  }

  /** Tells a process that has taken the place of another what its clients had asked of that one. Its answers go nowhere. */
  #remind(session: StdioSession): void {
    for (const uri of this.#subscriptions.uris()) session.notify(this.#subscriptionBody('resources/subscribe', uri));
    if (this.#logLevelBody !== undefined) session.notify(this.#logLevelBody);
  }

  async #probe(session: StdioSession, context: OutboundContext): Promise<Handshake> {
    const id = this.#ids.next();
    const answer = await session.request(
      handshake(context, {
        era: 'modern',
        revision: MODERN_UPSTREAM_REVISION,
        method: 'server/discover',
        id,
        body: discoverBody(id),
      }),
    );
    // What never ran says nothing of its era.
    if (session.pid === undefined) return { refusal: this.#handshakeRefusal(answer), believedMs: 0 };
    const profile = answer.kind === 'response' ? readDiscoverResult(answer.message) : undefined;
    if (profile !== undefined) return profile;
    // Any answer but a DiscoverResult, silence, and an exit all mean: legacy (MCP 2026-07-28, "Versioning and compatibility", stdio).
    return {
      refusal: eraMismatch(this.name, `revision ${MODERN_UPSTREAM_REVISION}`),
      believedMs: answer.kind === 'response' ? ANSWER_BELIEVED_MS : SILENCE_BELIEVED_MS,
    };
  }

  #handshakeRefusal(answer: UpstreamAnswer): Refusal {
    if (answer.kind === 'refused') return answer.refusal;
    return new Refusal('upstream_invalid', `${this.name} did not answer the handshake.`, { upstream: this.name });
  }

  #subscriptionBody(method: 'resources/subscribe' | 'resources/unsubscribe', uri: string): Buffer {
    return requestMessage(this.#ids.next(), method, JSON.stringify({ uri }));
  }

  #spread(message: UpstreamMessage): void {
    const { method, uri } = message.envelope;
    // It names no session; where there are several, it may be none of theirs.
    if (method === 'notifications/elicitation/complete' && this.#sinks.size > 1) return;
    for (const sink of this.#sinks) {
      if (method !== 'notifications/resources/updated' || this.#subscriptions.has(uri ?? '', sink.session))
        sink.onMessage(message);
    }
  }
}

const profileOf = (running: Running | Refusal) => (running instanceof Refusal ? running : running.profile);

function handshake(
  context: OutboundContext,
  part: Pick<OutboundRequest, 'era' | 'revision' | 'method' | 'id' | 'body'>,
): OutboundRequest {
  // Shared by all callers, so one caller's departure must not end it.
  return { ...context, ...part, timeoutMs: HANDSHAKE_MS, cancellation: new Cancellation(), onNotification: () => undefined };
}

/** The answer to what need not be asked. */
function done(id: string): UpstreamAnswer {
  const bytes = resultResponse(id, '{}');
  const envelope = scanMessage(bytes);
  if (!envelope.ok) throw new Error(envelope.message);
  return { kind: 'response', message: { bytes, envelope }, status: 200 };
}
