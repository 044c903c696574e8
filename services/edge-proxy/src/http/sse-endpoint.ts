import type { MessageInitShape } from '@bufbuild/protobuf';
import { EdgeService, type PostMessageRequest } from '@switchyard/contracts';
import { isBatch, revisionOf } from '@switchyard/mcp';
import { askingCaller, refusedBy } from '../asked.js';
import { Cancellation } from '../cancellation.js';
import type { Catalog } from '../catalog.js';
import type { Edge } from '../edge.js';
import { type Ending, refused } from '../ending.js';
import type { Caller, Exchange } from '../exchange.js';
import { serveEventStream } from '../methods/event-stream.js';
import { authenticate, ownSession, readInSession, serveBatchIn, serveCall } from '../pipeline.js';
import { Refusal } from '../refusal.js';
import type { ClientSession } from '../session-store.js';
import { admit } from '../stages/admit.js';
import { leaveAll } from '../upstream-session.js';
import { serveRecorded } from '../serve-recorded.js';
import { exchangeElsewhere, postElsewhere, streamGone } from './posted-elsewhere.js';
import { renderEnding } from './render.js';
import type { Reply } from './reply.js';

const { postMessage } = EdgeService.method;

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

/** A message of a caller's own session. */
interface Posted {
  readonly exchange: Exchange;
  readonly caller: Caller;
  readonly session: ClientSession;
}

/** HTTP with SSE for clients of MCP 2024-11-05: a session is a stream, and its messages are posted beside it. */
export class SseEndpoint {
  readonly #edge: Edge;
  readonly #streams = new Map<string, OpenStream>();

  readonly #catalog: () => Catalog | undefined;

  /** @param catalog the newest */
  constructor(edge: Edge, catalog: () => Catalog | undefined) {
    this.#edge = edge;
    this.#catalog = catalog;
  }

  /** `GET /mcp/<server>/sse`, `GET /mcp/sse` for the server that joins all: opens a session, which lives as long as its stream. */
  async open(exchange: Exchange): Promise<Ending> {
    const edge = this.#edge;
    const caller = await authenticate(exchange, edge);
    if (caller instanceof Refusal) return refused(caller);
    const full = admit(exchange, edge.audit);
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
      const { slug } = exchange.server;
      reply.event('endpoint', `/mcp${slug === '' ? '' : `/${slug}`}/messages?sessionId=${session.id}`);
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
    const body = await readBody(exchange);
    if (body instanceof Refusal) return refused(body);
    const stream = this.#streams.get(session.id);
    if (stream === undefined) return postElsewhere(exchange, caller, session, body, edge);
    return this.#serve({ exchange, caller, session }, body, stream, () => undefined);
  }

  /** Takes messages that were posted at other edges. */
  servePeers(): Promise<void> {
    const { peers } = this.#edge;
    return peers.serve(postMessage, (request) => this.#take(request));
  }

  /** @returns as soon as the message is accepted, or why it is not; its answer goes on the stream */
  async #take(request: PostMessageRequest): Promise<MessageInitShape<typeof postMessage.output>> {
    const edge = this.#edge;
    const exchange = exchangeElsewhere(request, ACCEPT, this.#catalog(), edge);
    const { asked, session: id, message } = request;
    const stream = this.#streams.get(id);
    if (asked === undefined || exchange === undefined || stream === undefined) return { refused: refusedBy(streamGone()) };
    const caller = askingCaller(asked);
    // The other edge has checked it; whose stream it is, this one knows.
    const session = await edge.sessions.find(id, asked.server, caller);
    if (session instanceof Refusal) return { refused: refusedBy(session) };
    exchange.facts.calledBy(caller, exchange.catalog);
    exchange.facts.session = session.rendered;
    const body = await edge.peers.contents.unpack(message);
    const accepted = Promise.withResolvers<undefined>();
    const serving = this.#serve({ exchange, caller, session }, body, stream, () => accepted.resolve(undefined));
    const early = await Promise.race([accepted.promise, serving]);
    if (early?.kind === 'refused') return { refused: refusedBy(early.refusal) };
    serveRecorded(exchange, () => serving, edge).then(
      (ending) => renderEnding(exchange, ending),
      (error: unknown) => edge.log.error('a message of another edge was not answered', { error, request_id: exchange.requestId }),
    );
    return {};
  }

  async #serve({ exchange, caller, session }: Posted, body: Buffer, stream: OpenStream, onAccepted: () => void): Promise<Ending> {
    const accepted = () => {
      exchange.reply.divert(stream.reply);
      onAccepted();
    };
    stream.calls.add(exchange.cancellation);
    try {
      if (isBatch(body) && takesBatches(session))
        return await serveBatchIn(exchange, caller, session, body, this.#edge, accepted);
      const read = readInSession(exchange, caller, session, body);
      if (read instanceof Refusal) return refused(read);
      accepted();
      return await serveCall(read, this.#edge);
    } finally {
      stream.calls.delete(exchange.cancellation);
    }
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
      holder: this.#edge.peers.name,
    });
  }
}

/** JSON-RPC 2.0 §6, which 2024-11-05 does not restrict; later revisions do. */
const takesBatches = ({ record: { revision } }: ClientSession) => revision === REVISION || revisionOf(revision)?.batches === true;

/** The end of the stream is to this transport what DELETE is to the other, and is recorded as that. */
function tellOfEnd({ facts }: Exchange, { record, rendered }: ClientSession): void {
  facts.session = rendered;
  facts.method = 'DELETE';
  facts.era = 'legacy';
  facts.revision = record.revision;
  facts.client_name = record.clientName;
  facts.client_version = record.clientVersion;
}
