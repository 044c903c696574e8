import type { Socket } from 'node:net';
import type { Answer, PostedRequest } from './answer.js';
import { PostAnswer } from './post-answer.js';
import { PostBody } from './post-body.js';
import { readPostHead } from './post-head.js';

/** What a connection is served with. */
export interface PostConnectionOptions {
  readonly serve: (request: PostedRequest, answer: Answer) => void;
  /** Takes the connection over, with what has been read of it and not been served. */
  readonly handOver: (connection: PostConnection, socket: Socket) => void;
  /** Whether the listener lets connections stand. */
  readonly isOpen: () => boolean;
  /** Rounds that it may be without a request. */
  readonly idleRounds: number;
  /** Rounds in which its first byte has to come. */
  readonly firstByteRounds: number;
}

const HEAD_LIMIT_BYTES = 16 * 1024;
/** How much is read ahead of a request that is being served. */
const AHEAD_LIMIT_BYTES = 64 * 1024;
/** Rounds that the rest of a header section is waited for: at least one whole one. */
const PATIENCE_ROUNDS = 2;

const START = 'POST /mcp';
const HEAD_END = '\r\n\r\n';

/**
 * A client's connection, as long as nothing comes on it but messages posted to MCP endpoints: nearly all there is to serve. They are read
 * off the socket and answered on it, which takes half the time that node:http takes for it. With the first request that is of another
 * kind, is not well-formed, or whose header section is slow to come, the connection is handed over to node:http for good, with all that
 * has come of it.
 */
export class PostConnection {
  readonly #socket: Socket;
  readonly #o: PostConnectionOptions;
  #unread: Buffer | undefined;
  /** Where it has not come whole. */
  #body: PostBody | undefined;
  #answer: PostAnswer | undefined;
  #quietRounds = 0;
  #used = false;

  constructor(socket: Socket, o: PostConnectionOptions) {
    this.#socket = socket;
    this.#o = o;
    socket.on('data', this.#take).on('drain', this.#drained).on('end', this.#ended).on('error', ignore).on('close', this.#closed);
  }

  /** Called in every round: looks at how long nothing has come. */
  visit(): void {
    if (this.#answer !== undefined) return;
    this.#quietRounds += 1;
    if (this.#unread !== undefined && this.#body === undefined) {
      if (this.#quietRounds >= PATIENCE_ROUNDS) this.#handOver();
    } else if (this.#quietRounds > (this.#used ? this.#o.idleRounds : this.#o.firstByteRounds)) this.#socket.destroy();
  }

  /** Ends it, unless something is being served. */
  closeIfIdle(): void {
    if (this.#answer === undefined) this.#socket.destroy();
  }

  readonly #take = (chunk: Buffer): void => {
    const bytes = this.#body === undefined ? chunk : this.#body.accept(chunk, this.#wait);
    if (this.#body?.isWhole === true) this.#body = undefined;
    if (bytes === undefined) return;
    if (this.#unread === undefined) this.#quietRounds = 0;
    this.#unread = this.#unread === undefined ? bytes : Buffer.concat([this.#unread, bytes]);
    if (this.#answer === undefined) this.#next(this.#unread);
    else if (this.#unread.length > AHEAD_LIMIT_BYTES) this.#wait();
  };

  readonly #wait = (): void => {
    this.#socket.pause();
  };

  readonly #goOn = (): void => {
    if (this.#socket.isPaused()) this.#socket.resume();
  };

  readonly #drained = (): void => {
    this.#answer?.emit('drain');
  };

  /** The client sends nothing any more, which is how clients go; node:http takes it so as well. */
  readonly #ended = (): void => {
    this.#socket.end();
  };

  readonly #closed = (): void => {
    this.#body?.abort();
    this.#answer?.close(false);
  };

  /** Serves the request that begins with these bytes, as soon as its header section is whole. */
  #next(unread: Buffer): void {
    const end = unread.indexOf(HEAD_END);
    if (end < 0) return this.#awaitHead(unread);
    const head = end > HEAD_LIMIT_BYTES ? undefined : readPostHead(unread.toString('latin1', 0, end));
    if (head === undefined) return this.#handOver();
    const { target: url, headers, rawHeaders, contentLength, keepsAlive } = head;
    const behind = unread.subarray(end + HEAD_END.length);
    this.#unread = behind.length > contentLength ? behind.subarray(contentLength) : undefined;
    const body = behind.length < contentLength ? this.#partOf(contentLength, behind) : behind.subarray(0, contentLength);
    this.#used = true;
    this.#answer = new PostAnswer(this.#socket, keepsAlive && this.#o.isOpen(), this.#answered);
    this.#o.serve({ method: 'POST', url, headers, rawHeaders, socket: this.#socket, body }, this.#answer);
  }

  #awaitHead(unread: Buffer): void {
    const start = unread.toString('latin1', 0, START.length);
    if (unread.length > HEAD_LIMIT_BYTES || !START.startsWith(start)) this.#handOver();
  }

  #partOf(lengthBytes: number, first: Buffer): PostBody {
    this.#body = new PostBody(lengthBytes, this.#goOn);
    this.#body.accept(first, this.#wait);
    return this.#body;
  }

  readonly #answered = (): void => {
    const answer = this.#answer;
    if (answer === undefined || this.#socket.destroyed) return;
    this.#answer = undefined;
    this.#quietRounds = 0;
    answer.close(true);
    if (!answer.keepsAlive || !this.#o.isOpen()) return this.#socket.destroySoon();
    this.#body?.forget();
    this.#goOn();
    if (this.#unread !== undefined) this.#next(this.#unread);
  };

  #handOver(): void {
    const [socket, unread] = [this.#socket, this.#unread];
    socket
      .off('data', this.#take)
      .off('drain', this.#drained)
      .off('end', this.#ended)
      .off('error', ignore)
      .off('close', this.#closed);
    this.#unread = undefined;
    socket.pause();
    if (unread !== undefined) socket.unshift(unread);
    this.#o.handOver(this, socket);
    socket.resume();
  }
}

/** What has gone wrong with a connection has closed it. */
const ignore = (): void => undefined;
