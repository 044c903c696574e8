import type { CredentialMaterial } from '@switchyard/contracts';
import { type Era, resultResponse, scanMessage } from '@switchyard/mcp';
import type { Clock } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
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
  INITIALIZED_BODY,
  initializeBody,
  LEGACY_UPSTREAM_REVISION,
  MODERN_UPSTREAM_REVISION,
  readDiscoverResult,
  readInitializeResult,
} from './profile.js';
import { StdioSession } from './stdio-session.js';
import { SubscriptionCount } from './subscription-count.js';

const FIRST_BACKOFF_MS = 500;
const LAST_BACKOFF_MS = 30_000;
const STEADY_MS = 60_000;
const HANDSHAKE_MS = 15_000;

/** What a stdio link needs. */
export interface StdioLinkOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly log: Logger;
  readonly resultLimitBytes: number;
}

interface Running {
  readonly session: StdioSession;
  readonly startedAtMs: number;
  readonly profile: UpstreamProfile;
}

/** One era's process: starting, running, or waiting to be started again. */
interface Lane {
  running: Promise<Running | Refusal> | undefined;
  notBeforeMs: number;
  backoffMs: number;
}

/**
 * The way to a local MCP server: one process per era, shared by all callers of the same credential, started again with growing
 * pauses when it ends. An era is fixed for the life of a process, so a client of the other era gets a process of its own.
 */
export class StdioLink implements UpstreamLink {
  readonly name: string;
  readonly #options: StdioLinkOptions;
  readonly #lanes: Readonly<Record<Era, Lane>> = {
    legacy: { running: undefined, notBeforeMs: 0, backoffMs: FIRST_BACKOFF_MS },
    modern: { running: undefined, notBeforeMs: 0, backoffMs: FIRST_BACKOFF_MS },
  };
  readonly #sinks = new Set<UnsolicitedSink>();
  readonly #subscriptions = new SubscriptionCount();
  readonly #sessions = new Set<StdioSession>();
  #speaksModern: boolean | undefined;
  #closed = false;

  constructor(options: StdioLinkOptions) {
    this.name = options.name;
    this.#options = options;
  }

  async openLegacy(context: OutboundContext): Promise<LegacySession | Refusal> {
    const running = await this.#lane('legacy', context);
    return running instanceof Refusal ? running : running.profile;
  }

  async discover(context: OutboundContext): Promise<UpstreamProfile | Refusal> {
    if (this.#speaksModern === false) return eraMismatch(this.name, `revision ${MODERN_UPSTREAM_REVISION}`);
    const running = await this.#lane('modern', context);
    return running instanceof Refusal ? running : running.profile;
  }

  async request(request: OutboundRequest): Promise<UpstreamAnswer> {
    if (
      request.subscriber !== undefined &&
      !this.#subscriptions.mustTell(request.method, request.name ?? '', request.subscriber)
    ) {
      const bytes = resultResponse(request.id, '{}');
      const envelope = scanMessage(bytes);
      if (envelope.ok) return { kind: 'response', message: { bytes, envelope }, status: 200 };
    }
    const running = await this.#lane(request.era, request);
    if (running instanceof Refusal) return { kind: 'refused', refusal: running, status: 0 };
    return running.session.request(request);
  }

  async notify(message: OutboundContext & { readonly era: Era; readonly body: Buffer }): Promise<void> {
    const running = await this.#lanes[message.era].running;
    if (running !== undefined && !(running instanceof Refusal)) running.session.notify(message.body);
  }

  listen(_session: LegacySession, _context: OutboundContext, sink: UnsolicitedSink): () => void {
    this.#sinks.add(sink);
    return () => this.#sinks.delete(sink);
  }

  async closeLegacy(_session: LegacySession, context: OutboundContext, client: string): Promise<void> {
    for (const uri of this.#subscriptions.leave(client)) {
      const body = `{"jsonrpc":"2.0","id":${this.#options.ids.next()},"method":"resources/unsubscribe","params":${JSON.stringify({ uri })}}`;
      await this.notify({ ...context, era: 'legacy', body: Buffer.from(body) });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#sessions].map((session) => session.close()));
  }

  #lane(era: Era, context: OutboundContext): Promise<Running | Refusal> {
    const lane = this.#lanes[era];
    if (lane.running !== undefined) return lane.running;
    const waitMs = lane.notBeforeMs - this.#options.clock.now();
    if (this.#closed || waitMs > 0) {
      const when = this.#closed ? 'is being stopped' : `has ended and is started again in ${Math.ceil(waitMs / 1000)} s`;
      return Promise.resolve(new Refusal('upstream_unavailable', `${this.name} ${when}.`, { upstream: this.name }));
    }
    lane.running = this.#start(era, context);
    return lane.running;
  }

  async #start(era: Era, context: OutboundContext): Promise<Running | Refusal> {
    const startedAtMs = this.#options.clock.now();
    const session = this.#spawn(era, context.credential, startedAtMs);
    const profile = await (era === 'legacy' ? this.#initialize(session, context) : this.#probe(session, context));
    if (!(profile instanceof Refusal)) return { session, startedAtMs, profile };
    this.#lanes[era].running = undefined;
    await session.close();
    return profile;
  }

  #spawn(era: Era, credential: CredentialMaterial, startedAtMs: number): StdioSession {
    const { command, args, cwd, log, resultLimitBytes } = this.#options;
    const session: StdioSession = new StdioSession({
      upstream: this.name,
      command,
      args,
      cwd,
      credential,
      log,
      resultLimitBytes,
      onUnsolicited: (message) => this.#spread(message),
      onExit: (why) => this.#ended(era, session, startedAtMs, why),
    });
    this.#sessions.add(session);
    return session;
  }

  #ended(era: Era, session: StdioSession, startedAtMs: number, why: string): void {
    const lane = this.#lanes[era];
    this.#sessions.delete(session);
    lane.running = undefined;
    if (this.#closed || (era === 'modern' && this.#speaksModern === false)) return;
    const now = this.#options.clock.now();
    lane.backoffMs = now - startedAtMs > STEADY_MS ? FIRST_BACKOFF_MS : Math.min(lane.backoffMs * 2, LAST_BACKOFF_MS);
    lane.notBeforeMs = now + lane.backoffMs;
    this.#subscriptions.clear();
    this.#options.log.warn(`${why}; started again when it is needed, not before ${lane.backoffMs} ms from now`, {
      upstream: this.name,
    });
  }

  async #initialize(session: StdioSession, context: OutboundContext): Promise<UpstreamProfile | Refusal> {
    const id = this.#options.ids.next();
    const answer = await session.request(
      this.#handshake(context, {
        era: 'legacy',
        revision: LEGACY_UPSTREAM_REVISION,
        method: 'initialize',
        id,
        body: initializeBody(id),
      }),
    );
    if (answer.kind !== 'response') return this.#handshakeRefusal(answer);
    const profile = readInitializeResult(this.name, answer.message);
    if (!(profile instanceof Refusal)) session.notify(INITIALIZED_BODY);
    return profile;
  }

  async #probe(session: StdioSession, context: OutboundContext): Promise<UpstreamProfile | Refusal> {
    const id = this.#options.ids.next();
    const answer = await session.request(
      this.#handshake(context, {
        era: 'modern',
        revision: MODERN_UPSTREAM_REVISION,
        method: 'server/discover',
        id,
        body: discoverBody(id),
      }),
    );
    const profile = answer.kind === 'response' ? readDiscoverResult(answer.message) : undefined;
    // Any answer but a DiscoverResult, silence, and an exit all mean: legacy (MCP 2026-07-28, "Versioning and compatibility", stdio).
    this.#speaksModern = profile !== undefined;
    return profile ?? eraMismatch(this.name, `revision ${MODERN_UPSTREAM_REVISION}`);
  }

  #handshake(
    context: OutboundContext,
    part: Pick<OutboundRequest, 'era' | 'revision' | 'method' | 'id' | 'body'>,
  ): OutboundRequest {
    // Shared by all callers, so one caller's departure must not end it.
    const { signal } = new AbortController();
    return { ...context, ...part, timeoutMs: HANDSHAKE_MS, signal, onNotification: () => undefined };
  }

  #handshakeRefusal(answer: UpstreamAnswer): Refusal {
    if (answer.kind === 'refused') return answer.refusal;
    return new Refusal('upstream_invalid', `${this.name} did not answer initialize.`, { upstream: this.name });
  }

  #spread(message: UpstreamMessage): void {
    const { method, uri } = message.envelope;
    for (const sink of this.#sinks) {
      if (method !== 'notifications/resources/updated' || this.#subscriptions.has(uri ?? '', sink.session))
        sink.onMessage(message);
    }
  }
}
