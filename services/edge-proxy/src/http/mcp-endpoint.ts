import { SpanKind, type Span, type Tracer } from '@opentelemetry/api';
import { childOf, newTraceContext, parentContext, parseTraceparent, randomHex, type TraceContext } from '@switchyard/telemetry';
import { Cancellation } from '../cancellation.js';
import { type Catalog, type CompiledServer, NO_CATALOG } from '../catalog.js';
import type { Edge } from '../edge.js';
import { type Ending, refused } from '../ending.js';
import type { Exchange } from '../exchange.js';
import { faultRefusal } from '../fault.js';
import { serveEventStream } from '../methods/event-stream.js';
import { serveResume } from '../methods/resume.js';
import { authenticate, ownSession, servePost } from '../pipeline.js';
import { newFacts, recordEnding } from '../record.js';
import { Refusal } from '../refusal.js';
import { Running } from '../running.js';
import { admit, unrecorded } from '../stages/admit.js';
import { revocationUnknown, revoked } from '../stages/revocation-known.js';
import { leaveAll } from '../upstream-session.js';
import type { Answer, ClientRequest } from './answer.js';
import { originAllowed } from './origin.js';
import { KEEP_ALIVE } from './public-listener.js';
import { checkBodyHead, readBody } from './read-body.js';
import { renderEnding } from './render.js';
import { Reply } from './reply.js';
import { dropHead, readHead } from './request-head.js';
import { SseEndpoint } from './sse-endpoint.js';

/** What the endpoint needs beside the edge. */
export interface McpEndpointOptions {
  readonly edge: Edge;
  /** Absent where spans go nowhere. */
  readonly tracer: Tracer | undefined;
  /** The newest catalog; undefined until the first has arrived. */
  readonly catalog: () => Catalog | undefined;
}

/** The two endpoints of HTTP with SSE (MCP 2024-11-05). */
export type SseDoor = 'sse' | 'messages';

/** Longest wait, when the edge is stopped, for calls that have been cancelled. */
const CANCELLED_MS = 1_000;

const REQUEST_ID_BYTES = 16;
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** Header fields that browsers' clients may send and read. */
const CORS = {
  'access-control-allow-methods': 'GET, POST, DELETE',
  'access-control-allow-headers':
    'Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id, Last-Event-ID, X-Request-Id, traceparent, DPoP',
  'access-control-expose-headers': 'Mcp-Session-Id, WWW-Authenticate, X-Request-Id, DPoP-Nonce',
  'access-control-max-age': '600',
};

/** The MCP endpoints: turns an HTTP request into an exchange, runs it, records it, and renders how it ended. */
export class McpEndpoint {
  readonly #options: McpEndpointOptions;
  readonly #running = new Running<Exchange>();
  readonly #sse: SseEndpoint;
  #draining = false;

  constructor(options: McpEndpointOptions) {
    this.#options = options;
    this.#sse = new SseEndpoint(options.edge, options.catalog);
  }

  /** Serves one request. @param slug the server's; empty for `/mcp` @param door absent: the endpoint of Streamable HTTP */
  serve(request: ClientRequest, response: Answer, slug: string, door?: SseDoor): Promise<void> {
    const catalog = this.#options.catalog();
    const server = catalog?.servers.get(slug);
    const origin = request.headers.origin;
    const requestId = requestIdOf(request);
    const parent = parseTraceparent(request.headers.traceparent);
    const span = this.#startSpan(request, parent);
    const headers: Record<string, string> = { 'x-request-id': requestId, 'keep-alive': KEEP_ALIVE };
    if (origin !== undefined && catalog !== undefined) Object.assign(headers, readers(origin, catalog));
    const cancellation = new Cancellation();
    const reply = new Reply(response, headers, this.#options.edge.limits.slowReaderTimeoutMs);
    // Every response closes; only one that is not finished means that the client has gone.
    response.on('close', () => {
      if (!response.writableFinished && !reply.lost()) cancellation.cancel();
    });
    const circumstances = {
      requestId,
      trace: span === undefined ? traceOf(parent) : contextOf(span),
      catalog: catalog ?? NO_CATALOG,
      server: server ?? NO_SERVER,
    };
    const facts = newFacts(circumstances);
    if (request.method !== 'POST') facts.method = request.method ?? '';
    const exchange: Exchange = {
      requestId,
      trace: circumstances.trace,
      startedAtMicros: this.#options.edge.clock.monotonicMicros(),
      head: readHead(request),
      catalog: circumstances.catalog,
      server: circumstances.server,
      reply,
      cancellation,
      facts,
      caller: undefined,
      endedBy: undefined,
      place: 0,
    };
    this.#running.add(exchange);
    const ended = () => {
      span?.end();
      this.#running.remove(exchange);
    };
    return this.#run(exchange, request, this.#barred(catalog, server, origin), ended, door);
  }

  /** Takes from other edges what is for streams of this one. */
  servePeers(): Promise<void> {
    return this.#sse.servePeers();
  }

  /** Ends what runs here for callers who have been revoked. */
  endRevoked(): void {
    const { revocations } = this.#options.edge;
    for (const exchange of this.#running.all())
      if (exchange.caller !== undefined && revocations.covers(exchange.caller.revocable)) end(exchange, revoked());
  }

  /** Ends the standing streams of all who have credentials: whether they have been revoked is not known. */
  endUnknown(): void {
    for (const exchange of this.#running.all())
      if (exchange.reply.standing && exchange.caller !== undefined && exchange.caller.principal.kind !== 'anonymous')
        end(exchange, revocationUnknown());
  }

  /** Refuses what is new, ends standing streams, and waits for the calls under way, at most `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    await this.#emptied(timeoutMs, ({ reply }) => reply.standing && !reply.hasGuests);
    // What is cancelled still has to be answered and recorded.
    await this.#emptied(CANCELLED_MS, () => true);
  }

  /** Waits until nothing runs, at most `timeoutMs`, and cancels meanwhile what is to end. A stream may begin to stand at any time. */
  async #emptied(timeoutMs: number, toEnd: (exchange: Exchange) => boolean): Promise<void> {
    const until = this.#options.edge.clock.now() + timeoutMs;
    while (this.#running.size > 0 && this.#options.edge.clock.now() < until) {
      for (const exchange of this.#running.all()) if (toEnd(exchange)) exchange.cancellation.cancel();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  #barred(catalog: Catalog | undefined, server: CompiledServer | undefined, origin: string | undefined): Refusal | undefined {
    if (this.#draining)
      return new Refusal('shutting_down', 'This edge is being stopped. Try again: another one takes the call.', {
        retry_after_seconds: 1,
      });
    if (catalog === undefined)
      return new Refusal('starting_up', 'The gateway has no configuration yet. Try again shortly.', { retry_after_seconds: 2 });
    if (origin !== undefined && !originAllowed(origin, catalog.publicUrl))
      return new Refusal('origin_forbidden', 'Pages of this origin may not call the gateway.');
    if (server === undefined)
      return new Refusal(
        'server_unknown',
        'There is no server at this URL. Ask the gateway’s administrators for the list of servers.',
      );
    return undefined;
  }

  async #run(
    exchange: Exchange,
    request: ClientRequest,
    barred: Refusal | undefined,
    ended: () => void,
    door: SseDoor | undefined,
  ): Promise<void> {
    try {
      let ending: Ending;
      try {
        ending = barred ? refused(barred) : endedBy(exchange, await this.#dispatch(exchange, request, door));
      } catch (fault) {
        ending = this.#fault(exchange, fault);
      }
      try {
        await recordEnding(exchange, ending, this.#options.edge);
      } catch (error) {
        ending = unrecorded(exchange, ending, error);
      }
      renderEnding(exchange, ending);
      if (ending.kind === 'refused') this.#logRefusal(exchange, ending.refusal);
    } finally {
      ended();
    }
  }

  #logRefusal(exchange: Exchange, { reason }: Refusal): void {
    this.#options.edge.log.info('refused', {
      request_id: exchange.requestId,
      server: exchange.server.slug,
      method: exchange.facts.method,
      reason,
    });
  }

  /** A bug or an outage of our own: denied. */
  #fault(exchange: Exchange, fault: unknown): Ending {
    this.#options.edge.log.error('an exchange failed', {
      request_id: exchange.requestId,
      trace_id: exchange.trace.traceId,
      error: fault,
    });
    return refused(faultRefusal(fault, exchange.requestId));
  }

  #dispatch(exchange: Exchange, request: ClientRequest, door: SseDoor | undefined): Promise<Ending> {
    const { edge } = this.#options;
    if (door === 'sse' && request.method === 'GET') return this.#sse.open(exchange);
    if (door === 'messages' && request.method === 'POST')
      return this.#sse.post(exchange, request.url ?? '', (own) => body(own, request, edge));
    if (request.method === 'POST') return servePost(exchange, () => body(exchange, request, edge), edge);
    if (request.method === 'OPTIONS') return Promise.resolve({ kind: 'empty', status: 204, headers: CORS });
    if (request.method === 'GET') return this.#get(exchange, request);
    if (request.method === 'DELETE') return this.#delete(exchange);
    return Promise.resolve(
      refused(new Refusal('method_not_allowed', 'MCP endpoints take POST, and GET and DELETE within a session.')),
    );
  }

  async #get(exchange: Exchange, request: ClientRequest): Promise<Ending> {
    const { edge } = this.#options;
    const caller = await authenticate(exchange, edge);
    dropHead(request, exchange.head);
    if (caller instanceof Refusal) return refused(caller);
    if (exchange.head.sessionId === undefined)
      return refused(new Refusal('method_not_allowed', 'GET is for the stream of a session; this request names none.'));
    const session = await ownSession(exchange, caller, edge);
    if (session instanceof Refusal) return refused(session);
    const full = admit(exchange, edge.audit);
    if (full) return refused(full);
    const { lastEventId } = exchange.head;
    const call = { exchange, caller, session };
    return lastEventId === undefined ? serveEventStream(call, session, edge) : serveResume(call, session, lastEventId, edge);
  }

  async #delete(exchange: Exchange): Promise<Ending> {
    const { edge } = this.#options;
    const caller = await authenticate(exchange, edge);
    if (caller instanceof Refusal) return refused(caller);
    if (exchange.head.sessionId === undefined)
      return refused(new Refusal('method_not_allowed', 'DELETE ends a session; this request names none.'));
    const session = await ownSession(exchange, caller, edge);
    if (session instanceof Refusal) return refused(session);
    await edge.sessions.close(session);
    await leaveAll({ exchange, caller, session }, session, edge);
    return { kind: 'empty', status: 204 };
  }

  #startSpan(request: ClientRequest, parent: TraceContext | undefined): Span | undefined {
    return this.#options.tracer?.startSpan(
      `${request.method ?? ''} /mcp`,
      { kind: SpanKind.SERVER },
      parent && parentContext(parent),
    );
  }
}

function end(exchange: Exchange, why: Refusal): void {
  exchange.endedBy = why;
  exchange.cancellation.cancel();
}

/** What the gateway has cancelled was not cancelled by its client. */
function endedBy({ endedBy: why }: Exchange, ending: Ending): Ending {
  if (why === undefined || ending.kind !== 'refused' || ending.refusal.reason !== 'cancelled') return ending;
  return refused(why);
}

/** Lets a page read the answer, where pages of its origin may call. */
const readers = (origin: string, { publicUrl }: Catalog) =>
  originAllowed(origin, publicUrl) ? { 'access-control-allow-origin': origin, vary: 'Origin' } : { vary: 'Origin' };

function body(exchange: Exchange, request: ClientRequest, edge: Edge): Buffer | Refusal | Promise<Buffer | Refusal> {
  const barred = checkBodyHead(exchange.head, edge.limits.bodyLimitBytes);
  if (barred !== undefined) return barred;
  const stream = 'body' in request ? request.body : request;
  return Buffer.isBuffer(stream) ? stream : readBody(stream, exchange.head.contentLength, edge.limits);
}

function requestIdOf(request: ClientRequest): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomHex(REQUEST_ID_BYTES);
}

/** Where spans go nowhere, the trace goes on all the same. */
const traceOf = (parent: TraceContext | undefined): TraceContext => (parent ? childOf(parent) : newTraceContext());

function contextOf(span: Span): TraceContext {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return { traceId, spanId, sampled: (traceFlags & 1) === 1 };
}

const NO_SERVER: CompiledServer = {
  slug: '',
  title: '',
  resource: '',
  sources: [],
  scopes: [],
  anonymous: false,
  requireDpop: false,
  strict: false,
};
