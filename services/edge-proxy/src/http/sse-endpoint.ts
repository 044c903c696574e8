import { isBatch, revisionOf } from '@switchyard/mcp';
import { Cancellation } from '../cancellation.js';
import type { Edge } from '../edge.js';
import { type Ending, refused } from '../ending.js';
import type { Caller, Exchange } from '../exchange.js';
import { serveEventStream } from '../methods/event-stream.js';
import { authenticate, ownSession, readInSession, serveBatchIn, serveCall } from '../pipeline.js';
import { Refusal } from '../refusal.js';
import type { ClientSession } from '../session-store.js';
import { admit } from '../stages/admit.js';
import { leaveAll } from '../upstream-session.js';
import type { Reply } from './reply.js';

/** Revision that has this transport; a session is of it until `initialize` says otherwise. */
const REVISION = '2024-11-05';

/** What its messages are taken to accept: in this transport, the answer to a POST has no content. */
const ACCEPT = 'application/json, text/event-stream';

type ReadBody = (exchange: Exchange) => Buffer | Refusal | Promise<Buffer | Refusal>;

/** A stream that is open here. */
interface OpenStream {
  readonly reply: Reply;
  /** Calls under way, which end with the stream. */
  readonly calls: Set<Cancellation>;
}

/** HTTP with SSE for clients of MCP 2024-11-05: a session is a stream, and its messages are posted beside it. */
export class SseEndpoint {
  readonly #edge: Edge;
  readonly #streams = new Map<string, OpenStream>();

  constructor(edge: Edge) {
    this.#edge = edge;
  }

  /** `GET /mcp/<server>/sse`: opens a session, which lives as long as its stream. */
  async open(exchange: Exchange): Promise<Ending> {
    const edge = this.#edge;
    const caller = await authenticate(exchange, edge);
    if (caller instanceof Refusal) return refused(caller);
    const full = admit(edge.audit);
    if (full !== undefined) return refused(full);
    const session = await this.#openSession(exchange, caller);
    const { reply } = exchange;
    const stream: OpenStream = { reply, calls: new Set() };
    const over = new Cancellation();
    // Whoever still waits for an answer gets one before the stream ends.
    exchange.cancellation.onCancel(() => {
      for (const call of stream.calls) call.cancel();
      void reply.alone().then(() => over.cancel());
    });
    this.#streams.set(session.id, stream);
    try {
      reply.backlogLimitBytes += edge.limits.resultLimitBytes;
      reply.openStream();
      reply.event('endpoint', `/mcp/${exchange.server.slug}/messages?sessionId=${session.id}`);
      return await serveEventStream({ exchange: { ...exchange, cancellation: over }, caller, session }, session, edge);
    } finally {
      this.#streams.delete(session.id);
      for (const call of stream.calls) call.cancel();
      await edge.sessions.close(session);
      await leaveAll({ exchange, caller, session }, session, edge);
      tellOfEnd(exchange, session);
    }
  }

  /** `POST /mcp/<server>/messages?sessionId=…`: takes a message; what it is answered with goes on the session's stream. */
  async post(posted: Exchange, url: string, readBody: ReadBody): Promise<Ending> {
    const edge = this.#edge;
    const caller = await authenticate(posted, edge);
    if (caller instanceof Refusal) return refused(caller);
    const sessionId = new URLSearchParams(url.split('?', 2)[1]).get('sessionId');
    if (sessionId === null)
      return refused(new Refusal('session_missing', 'Post to the URL that the stream’s endpoint event names.'));
    const exchange = { ...posted, head: { ...posted.head, sessionId, accept: ACCEPT } };
    const session = await ownSession(exchange, caller, edge);
    if (session instanceof Refusal) return refused(session);
    const stream = this.#streams.get(session.id);
    if (stream === undefined)
      return refused(
        new Refusal('stream_elsewhere', 'This edge does not hold the stream of this session. Open another at …/sse.'),
      );
    const body = await readBody(exchange);
    if (body instanceof Refusal) return refused(body);
    stream.calls.add(exchange.cancellation);
    try {
      return await this.#serve(exchange, caller, session, body, stream);
    } finally {
      stream.calls.delete(exchange.cancellation);
    }
  }

  async #serve(exchange: Exchange, caller: Caller, session: ClientSession, body: Buffer, stream: OpenStream): Promise<Ending> {
    const accepted = () => exchange.reply.divert(stream.reply);
    if (isBatch(body) && takesBatches(session)) return serveBatchIn(exchange, caller, session, body, this.#edge, accepted);
    const call = readInSession(exchange, caller, session, body);
    if (call instanceof Refusal) return refused(call);
    accepted();
    return serveCall(call, this.#edge);
  }

  #openSession({ server }: Exchange, { principal, clientId }: Caller): Promise<ClientSession> {
    return this.#edge.sessions.open({
      server: server.slug,
      issuer: principal.issuer,
      subject: principal.subject,
      clientId,
      revision: REVISION,
      clientName: '',
      clientVersion: '',
      capabilities: {},
      upstreams: {},
    });
  }
}

/** JSON-RPC 2.0 §6, which 2024-11-05 does not restrict; later revisions do. */
const takesBatches = ({ record: { revision } }: ClientSession) => revision === REVISION || revisionOf(revision)?.batches === true;

/** The end of the stream is to this transport what DELETE is to the other, and is recorded as that. */
function tellOfEnd({ facts }: Exchange, { record }: ClientSession): void {
  facts.method = 'DELETE';
  facts.era = 'legacy';
  facts.revision = record.revision;
  facts.client_name = record.clientName;
  facts.client_version = record.clientVersion;
}
