import type { EgressControl, EgressRequest } from '@switchyard/egress';
import type { CredentialMaterial } from '@switchyard/contracts';
import { errorResponse, resultResponse } from '@switchyard/mcp';
import type { Clock } from '@switchyard/runtime';
import type { Cancellation } from '../cancellation.js';
import { Refusal } from '../refusal.js';
import { certificateOf } from './client-certificate.js';
import { HttpEventStream } from './http-event-stream.js';
import { renewedFields } from './renewed-fields.js';
import { sendHttpRequest } from './http-request.js';
import type { HttpRequestOptions } from './http-request-options.js';
import type { IdSource } from './id-source.js';
import type {
  LegacySession,
  OutboundContext,
  OutboundRequest,
  Renew,
  UnsolicitedSink,
  UpstreamAnswer,
  UpstreamLink,
  UpstreamMessage,
  UpstreamProfile,
} from './link.js';
import { outboundFields } from './outbound-fields.js';
import {
  cancelledBody,
  discoverBody,
  eraMismatch,
  INITIALIZED_BODY,
  initializeBody,
  LEGACY_UPSTREAM_REVISION,
  MODERN_UPSTREAM_REVISION,
  namesOurRevision,
  readDiscoverResult,
  readInitializeResult,
} from './profile.js';
import { isSseSession, SseSessions } from './sse-sessions.js';
import type { UpstreamHttp } from './upstream-http.js';

/** How long "speaks the modern era" and "does not" are believed. A stale no would hide an upgrade for ever, so it is short. */
const MODERN_VERDICT_MS = 300_000;
const LEGACY_VERDICT_MS = 60_000;

/** How long it is believed that an upstream speaks HTTP+SSE. */
const SSE_VERDICT_MS = 60_000;
/** What servers of HTTP+SSE answer to a posted `initialize` (MCP 2025-11-25, "Backwards Compatibility"); nothing else is a sign of them. */
const SSE_STATUS: ReadonlySet<number> = new Set([400, 404, 405]);

/** Longest wait for a handshake. */
const HANDSHAKE_MS = 10_000;

/** Longest wait for the upstream to take a message that has no response, its answer's body included. */
const TAKEN_MS = 5_000;

/** Answers to an upstream's own requests that may be under way at once; what it asks beyond that is not answered. */
const ANSWERS_LIMIT = 8;

/** What one session's client may be asked at once on its standing stream. */
const ASKED_LIMIT = 64;
/** Reasons why a call may still be running at the upstream although nobody waits for it. */
const ABANDONED: ReadonlySet<string> = new Set(['cancelled', 'upstream_timeout', 'result_too_large']);

/** What an HTTP link needs. */
export interface HttpLinkOptions {
  readonly name: string;
  readonly scope: string;
  readonly definition: object;
  readonly url: URL;
  readonly http: UpstreamHttp;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly resultLimitBytes: number;
  readonly renew: Renew;
}

type Outbound = Pick<OutboundRequest, 'era' | 'revision' | 'method' | 'session' | 'credential' | 'requestId' | 'traceparent'>;

/** The way to a remote MCP server over Streamable HTTP. */
export class HttpLink implements UpstreamLink {
  readonly name: string;
  readonly scope: string;
  readonly definition: object;
  readonly #options: HttpLinkOptions;
  #verdict: { readonly profile: UpstreamProfile | undefined; readonly untilMs: number } | undefined;
  #sseUntilMs = 0;
  readonly #sse: SseSessions;
  readonly #requestOptions: HttpRequestOptions;
  readonly #streams = new Set<HttpEventStream>();
  #answersUnderWay = 0;
  /** Sessions whose client is being asked on its standing stream, and how much. */
  readonly #asked = new Map<string, number>();

  constructor(options: HttpLinkOptions) {
    this.name = options.name;
    this.scope = options.scope;
    this.definition = options.definition;
    this.#options = options;
    this.#sse = new SseSessions(options);
    const { name: upstream, http, url, resultLimitBytes, renew } = options;
    this.#requestOptions = {
      upstream,
      http,
      url,
      resultLimitBytes,
      renew,
      onServerRequest: (request, message, answered) => this.#takeServerRequest(request, message, answered),
      asked: this.#asked,
    };
  }

  get busy(): boolean {
    return this.#streams.size > 0 || this.#sse.size > 0;
  }

  async openLegacy(
    context: OutboundContext,
    cancellation: Cancellation,
    capabilities: Readonly<Record<string, unknown>>,
  ): Promise<LegacySession | Refusal> {
    if (this.#sseUntilMs > this.#options.clock.now()) {
      const known = await this.#openSse(context, cancellation, capabilities);
      if (known !== undefined) return known;
    }
    const id = this.#options.ids.next();
    let session: string | undefined;
    const request = this.#handshake(context, cancellation, {
      era: 'legacy',
      revision: LEGACY_UPSTREAM_REVISION,
      method: 'initialize',
      id,
      body: initializeBody(id, capabilities),
    });
    const answer = await this.#send(request, (headers) => {
      const header = headers['mcp-session-id'];
      session = typeof header === 'string' ? header : undefined;
    });
    if (answer.kind === 'sessionGone')
      return new Refusal('upstream_invalid', `${this.name} refused initialize with HTTP 404.`, { upstream: this.name });
    const profile = answer.kind === 'refused' ? answer.refusal : readInitializeResult(this.name, answer.message);
    if (profile instanceof Refusal) {
      const older = profile.reason !== 'era_mismatch' && SSE_STATUS.has(answer.status);
      return (older ? await this.#openSse(context, cancellation, capabilities) : undefined) ?? profile;
    }
    await this.notify({
      ...context,
      era: 'legacy',
      revision: profile.revision,
      method: 'notifications/initialized',
      body: INITIALIZED_BODY,
      session,
    });
    return { ...profile, id: session };
  }

  /** @returns undefined where the upstream does not speak HTTP+SSE either, or no longer */
  async #openSse(
    context: OutboundContext,
    cancellation: Cancellation,
    capabilities: Readonly<Record<string, unknown>>,
  ): Promise<LegacySession | Refusal | undefined> {
    const opened = await this.#sse.open(context, cancellation, capabilities);
    if (opened === undefined) this.#sseUntilMs = 0;
    else if (!(opened instanceof Refusal)) this.#sseUntilMs = this.#options.clock.now() + SSE_VERDICT_MS;
    return opened;
  }

  discover(context: OutboundContext, cancellation: Cancellation): UpstreamProfile | Refusal | Promise<UpstreamProfile | Refusal> {
    const now = this.#options.clock.now();
    if (this.#verdict === undefined || this.#verdict.untilMs <= now) return this.#probe(context, cancellation, now);
    return this.#verdict.profile ?? this.#mismatch();
  }

  #askDiscover(context: OutboundContext, cancellation: Cancellation): Promise<UpstreamAnswer> {
    const id = this.#options.ids.next();
    const request = this.#handshake(context, cancellation, {
      era: 'modern',
      revision: MODERN_UPSTREAM_REVISION,
      method: 'server/discover',
      id,
      body: discoverBody(id),
    });
    return this.#send(request);
  }

  async #probe(context: OutboundContext, cancellation: Cancellation, nowMs: number): Promise<UpstreamProfile | Refusal> {
    let answer = await this.#askDiscover(context, cancellation);
    // Refused for its version, which the refusal itself lists: while a fleet is upgraded, the next may be answered by another server.
    if (answer.kind === 'response' && namesOurRevision(answer.message)) answer = await this.#askDiscover(context, cancellation);
    // Outage, missing authorization and what is no MCP at all are no evidence of an era (MCP 2026-07-28, "Versioning and compatibility").
    if (answer.kind === 'refused' && !(answer.refusal.reason === 'upstream_invalid' && answer.status >= 400))
      return answer.refusal;
    const profile = answer.kind === 'response' ? readDiscoverResult(answer.message) : undefined;
    this.#verdict = { profile, untilMs: nowMs + (profile ? MODERN_VERDICT_MS : LEGACY_VERDICT_MS) };
    return profile ?? this.#mismatch();
  }

  #mismatch(): Refusal {
    return eraMismatch(this.name, `revision ${MODERN_UPSTREAM_REVISION}`);
  }

  request(request: OutboundRequest): Promise<UpstreamAnswer> {
    return request.era === 'legacy' ? this.#legacyRequest(request) : this.#send(request);
  }

  async #legacyRequest(request: OutboundRequest): Promise<UpstreamAnswer> {
    if (isSseSession(request.session)) return this.#sse.request(request);
    const answer = await this.#send(request);
    // In the legacy era a closed connection does not mean that the call is cancelled, so it is said (MCP 2025-11-25, "Cancellation").
    if (answer.kind === 'refused' && ABANDONED.has(answer.refusal.reason)) {
      void this.#post({ ...request, method: 'notifications/cancelled' }, cancelledBody(request.id));
    }
    return answer;
  }

  notify(message: Outbound & { readonly body: Buffer }): Promise<void> {
    if (isSseSession(message.session)) return this.#sse.notify(message, message.session, message.body);
    return this.#post(message, message.body);
  }

  listen(session: LegacySession, context: OutboundContext, sink: UnsolicitedSink): () => void {
    if (isSseSession(session.id)) return this.#sse.listen(session.id, sink);
    const request = { ...context, era: 'legacy' as const, revision: session.revision, method: 'GET', session: session.id };
    const stream = new HttpEventStream({
      http: this.#options.http,
      url: this.#options.url,
      shown: { credential: context.credential, fields: outboundFields(request, 'stream') },
      renew: renewedFields(request, this.name, this.#options.renew),
      limitBytes: this.#options.resultLimitBytes,
      onGone: sink.onGone,
      onMissed: sink.onMissed,
      onMessage: (message) => {
        const { kind, method } = message.envelope;
        const own = { ...request, method: '' };
        if (kind !== 'request') sink.onMessage(message);
        else if (method === 'ping' || sink.onRequest === undefined) this.#answerServerRequest(own, message);
        else void this.#ask(sink.onRequest, message, own);
      },
    });
    this.#streams.add(stream);
    return () => {
      this.#streams.delete(stream);
      stream.close();
    };
  }

  /** Asks the session's client. What an upstream asks beyond the limit is not answered: each answer costs a request. */
  async #ask(take: NonNullable<UnsolicitedSink['onRequest']>, message: UpstreamMessage, own: Outbound): Promise<void> {
    const { session = '' } = own;
    const before = this.#asked.get(session) ?? 0;
    if (before >= ASKED_LIMIT) return;
    this.#asked.set(session, before + 1);
    try {
      await this.#post(own, await take(message));
    } finally {
      const left = (this.#asked.get(session) ?? 1) - 1;
      if (left === 0) this.#asked.delete(session);
      else this.#asked.set(session, left);
    }
  }

  closeLegacy(session: LegacySession, context: OutboundContext): Promise<void> {
    if (session.id === undefined) return Promise.resolve();
    if (isSseSession(session.id)) return Promise.resolve(this.#sse.end(session.id));
    const { id, revision } = session;
    const fields = outboundFields({ ...context, era: 'legacy', revision, method: 'DELETE', session: id }, 'end');
    return this.#deliver({ method: 'DELETE', fields }, context.credential);
  }

  close(): Promise<void> {
    this.#sse.close();
    for (const stream of this.#streams) stream.close();
    this.#streams.clear();
    return Promise.resolve();
  }

  #handshake(
    context: OutboundContext,
    cancellation: Cancellation,
    part: Pick<OutboundRequest, 'era' | 'revision' | 'method' | 'id' | 'body'>,
  ): OutboundRequest {
    return { ...context, ...part, timeoutMs: HANDSHAKE_MS, limitMs: HANDSHAKE_MS, cancellation, onNotification: () => undefined };
  }

  #send(
    request: OutboundRequest,
    onHead?: (headers: Record<string, string | string[] | undefined>) => void,
  ): Promise<UpstreamAnswer> {
    return sendHttpRequest(request, this.#requestOptions, onHead);
  }

  #takeServerRequest(request: OutboundRequest, message: UpstreamMessage, answered: () => void): void {
    if (request.era === 'modern' || request.onServerRequest === undefined || message.envelope.method === 'ping') {
      answered();
      return this.#answerServerRequest(request, message);
    }
    request.onServerRequest(message, (body) => {
      answered();
      void this.#post({ ...request, method: '' }, body);
    });
  }

  /**
   * The gateway declared no client capabilities, so `ping` is all that an upstream may ask (MCP 2025-11-25, "Ping"); in the modern era
   * it may ask nothing, and there is no way to answer.
   */
  #answerServerRequest(request: Outbound, message: UpstreamMessage): void {
    if (request.era === 'modern') return;
    const { id, method } = message.envelope;
    const body =
      method === 'ping' ? resultResponse(id, '{}') : errorResponse(id, -32601, `The gateway does not take ${method} requests.`);
    if (this.#answersUnderWay >= ANSWERS_LIMIT) return;
    this.#answersUnderWay += 1;
    void this.#post({ ...request, method: '' }, body).then(() => (this.#answersUnderWay -= 1));
  }

  #post(message: Outbound, body: Buffer): Promise<void> {
    return this.#deliver({ method: 'POST', fields: outboundFields(message, 'message'), body }, message.credential);
  }

  /** Sends what has no response of interest, and resolves when the upstream has taken it or has had its time. Never rejects. */
  #deliver(request: Pick<EgressRequest, 'method' | 'fields' | 'body'>, credential: CredentialMaterial): Promise<void> {
    const { http, url } = this.#options;
    const certificate = certificateOf(credential);
    return new Promise((resolve) => {
      let control: EgressControl | undefined;
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        control?.abort(new Error('not taken in time'));
        resolve();
      }, TAKEN_MS);
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      const start = (started: EgressControl) => {
        control = started;
        if (late) started.abort(new Error('not taken in time'));
      };
      http.send({ ...request, url, certificate, headersTimeoutMs: TAKEN_MS, bodyTimeoutMs: TAKEN_MS }, credential, {
        start,
        head: () => undefined,
        data: () => undefined,
        end: done,
        fail: done,
      });
    });
  }
}
