import { once } from 'node:events';
import { encodeSse, SSE_KEEPALIVE } from '@switchyard/mcp';
import type { Cancellation } from '../cancellation.js';
import type { EventLog } from '../event-log.js';
import { Rounds, type Visited } from '../rounds.js';
import type { SessionStreams } from '../session-streams.js';
import type { Answer } from './answer.js';

/** Up to this size copying is cheaper than a second buffer in the system call. */
const ONE_WRITE_BYTES = 16 * 1024;

const KEEPALIVE_MS = 15_000;
/** Comments that keep open streams alive. */
const KEEPALIVES = new Rounds(KEEPALIVE_MS, 15);
/** Most that may wait for a client where nobody waits with it: what a standing stream is told does not stop for one that reads slowly. */
const BACKLOG_LIMIT_BYTES = 4 * 1024 * 1024;

const SSE_HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };

/** How long a client is asked to wait before it comes back to a stream (WHATWG HTML §9.2.6, `retry`). */
const RETRY_MS = 1_000;

/** The answer to one HTTP request: one JSON body, or an SSE stream as soon as something precedes the response. */
export class Reply implements Visited {
  readonly #response: Answer;
  readonly #headers: Record<string, string>;
  readonly #slowReaderTimeoutMs: number;
  #keptAlive = false;
  #drained: Promise<unknown> | undefined;
  /** Where what is still to come goes, for a message that was posted beside its session's stream. */
  #stream: Reply | undefined;
  /** Messages that are still to be answered on this stream. */
  #guests = 0;
  #whenAlone: (() => void) | undefined;
  #streams: SessionStreams | undefined;
  #requestId = '';
  #cancellation: Cancellation | undefined;
  #log: EventLog | undefined;
  place = 0;
  turn = 0;
  bytesOut = 0;
  /** Most that may wait here for a client. */
  backlogLimitBytes = BACKLOG_LIMIT_BYTES;
  /** Whether this is a standing stream, which ends only with the client or the gateway. */
  standing = false;

  /**
   * @param headers header fields of every answer: request id, CORS
   * @param slowReaderTimeoutMs longest wait for a client that does not read
   */
  constructor(response: Answer, headers: Record<string, string>, slowReaderTimeoutMs: number) {
    this.#response = response;
    this.#headers = headers;
    this.#slowReaderTimeoutMs = slowReaderTimeoutMs;
  }

  /** Adds a header field to whatever the answer is. */
  always(name: string, value: string): void {
    this.#headers[name] = value;
  }

  /** Whether the stream has begun. */
  get streaming(): boolean {
    return this.#response.headersSent;
  }

  /** Whether this is a stream on which messages are still to be answered. */
  get hasGuests(): boolean {
    return this.#guests > 0;
  }

  /** Answers 202, and sends what is still to come on the session's stream (MCP 2024-11-05, "HTTP with SSE"). */
  divert(stream: Reply): void {
    this.empty(202);
    this.#stream = stream;
    stream.#guests += 1;
  }

  /** Resolves when no message is still to be answered on this stream. */
  async alone(): Promise<void> {
    if (this.#guests > 0) await new Promise<void>((resolve) => (this.#whenAlone = resolve));
  }

  /** Sends an event that is no message. */
  event(event: string, data: string): void {
    if (this.#open) this.#response.write(encodeSse({ event, data }));
  }

  /** What the stream says, should the answer become one, is kept with the session, so that the client can come back to it. */
  keepIn(streams: SessionStreams, requestId: string, cancellation: Cancellation | undefined): void {
    this.#streams = streams;
    this.#requestId = requestId;
    this.#cancellation = cancellation;
  }

  /**
   * The connection has closed before its time.
   * @returns whether the client may come back, so that what it asked for goes on (MCP 2025-11-25, "Sending Messages to the Server")
   */
  lost(): boolean {
    this.#letLie();
    const log = this.#log;
    if (log === undefined || this.standing) return false;
    log.detach(this);
    // The response had been sent, and did not arrive.
    if (log.ended) this.#streams?.unheard(log);
    return true;
  }

  /** What is kept of the stream; undefined where it has not begun, or cannot be resumed. */
  get log(): EventLog | undefined {
    return this.#log;
  }

  /** Whether the client has gone. */
  get gone(): boolean {
    return this.#response.closed || this.#response.destroyed;
  }

  /** Calls back when the connection has closed, however. */
  onClosed(listener: () => void): void {
    this.#response.on('close', listener);
  }

  /** Begins an SSE stream; comments keep it alive. @param log of a stream that goes on here; a new one unless given */
  openStream(headers: Record<string, string> = {}, log?: EventLog): void {
    this.#response.writeHead(200, { ...this.#headers, ...headers, ...SSE_HEADERS });
    this.#response.flushHeaders();
    this.#keptAlive = true;
    KEEPALIVES.join(this);
    if (this.#streams !== undefined) this.#beginLog(this.#streams, log);
  }

  #beginLog(streams: SessionStreams, given: EventLog | undefined): void {
    const log = given ?? streams.begin(this.#requestId);
    if (log === undefined) return;
    this.#log = log;
    log.attach(this, () => this.end());
    if (given === undefined && !this.standing) log.onAbandoned(() => this.#cancellation?.cancel());
    if (given === undefined && streams.primes) this.#response.write(encodeSse({ id: log.startId, retryMs: RETRY_MS, data: '' }));
  }

  /** Sends an event of the log again, or for the first time where the log was written elsewhere. */
  replay(id: string, bytes: Buffer): Promise<void> | void {
    if (this.#open) return this.#send(bytes, id);
  }

  /**
   * Sends a message on the stream, beginning it where it has not; resolves when the client has room for more (back-pressure).
   * What comes when the answer has ended, or the client has gone, is dropped.
   */
  async message(bytes: Buffer): Promise<void> {
    if (this.#stream !== undefined) return this.#stream.#inTurn(bytes);
    if (!this.streaming && this.#open) this.openStream();
    const id = this.#log && this.#streams?.append(this.#log, bytes);
    if (this.#open) await this.#send(bytes, id);
  }

  async #send(bytes: Buffer, id: string | undefined): Promise<void> {
    if (this.#response.writableLength > this.backlogLimitBytes) return this.#cut();
    const frame = encodeSse({ event: 'message', data: bytes, id });
    this.bytesOut += frame.length;
    if (!this.#response.write(frame)) await this.#room();
  }

  /** Sends the response and ends: as the stream's last message, or as the one JSON body. */
  json(status: number, bytes: Buffer, headers: Record<string, string> = {}): void {
    if (this.#stream !== undefined) {
      void this.#stream.#inTurn(bytes).finally(() => this.end());
      return;
    }
    if (this.streaming) return this.#last(bytes);
    if (!this.#open) return;
    this.bytesOut = bytes.length;
    this.#response.writeHead(status, {
      ...this.#headers,
      ...headers,
      'content-type': 'application/json',
      'content-length': bytes.length,
    });
    this.#finish(bytes);
  }

  #last(bytes: Buffer): void {
    this.#letLie();
    const id = this.#log && this.#streams?.append(this.#log, bytes);
    if (this.#log) this.#streams?.end(this.#log);
    if (!this.#open) return;
    this.bytesOut += bytes.length;
    this.#finish(encodeSse({ event: 'message', data: bytes, id }));
  }

  /** Sends a status without a body and ends. */
  empty(status: number, headers: Record<string, string> = {}): void {
    if (this.#stream !== undefined) return this.end();
    if (!this.#open) return;
    this.#response.writeHead(status, { ...this.#headers, ...headers, 'content-length': 0 });
    this.#response.end();
  }

  /** Ends a stream. */
  end(): void {
    if (this.#stream !== undefined) return this.#stream.#guestLeaves();
    this.#letLie();
    if (this.#open) this.#response.end();
  }

  /** Keeps the stream alive. */
  visit(): void {
    if (this.#open) this.#response.write(SSE_KEEPALIVE);
  }

  #letLie(): void {
    if (!this.#keptAlive) return;
    this.#keptAlive = false;
    KEEPALIVES.leave(this);
  }

  #guestLeaves(): void {
    this.#guests -= 1;
    if (this.#guests === 0) this.#whenAlone?.();
  }

  /** Sends a message of one of several senders, of which each waits for its turn. */
  async #inTurn(bytes: Buffer): Promise<void> {
    while (this.#open && this.#response.writableNeedDrain) await this.#room();
    await this.message(bytes);
  }

  get #open(): boolean {
    return !this.#response.destroyed && !this.#response.writableEnded;
  }

  /** Sends the last bytes; a client that does not read them is cut, not kept in memory. */
  #finish(bytes: Buffer): void {
    // A string goes out in one piece with the header section, bytes do not.
    if (bytes.length <= ONE_WRITE_BYTES) this.#response.end(bytes.toString('latin1'), 'latin1');
    else this.#response.end(bytes);
    if (this.#response.writableLength > 0) this.#response.setTimeout(this.#slowReaderTimeoutMs, () => this.#response.destroy());
  }

  /** A client that does not read what it is sent is not one that has lost its connection: it is not waited for. */
  #cut(): void {
    this.#response.destroy();
    if (!this.standing) this.#log?.abandon();
  }

  /** Resolves when the client has taken what waits; cuts one that takes too long. One wait serves all who wait at a time. */
  #room(): Promise<unknown> {
    this.#drained ??= this.#drain().finally(() => (this.#drained = undefined));
    return this.#drained;
  }

  async #drain(): Promise<void> {
    const ended = new AbortController();
    const stop = () => ended.abort();
    const timer = setTimeout(stop, this.#slowReaderTimeoutMs);
    this.#response.once('close', stop);
    try {
      await once(this.#response, 'drain', { signal: ended.signal });
    } catch {
      // Gone, or not reading: either way nobody takes what is still to come.
      if (this.#open) this.#cut();
      else this.#response.destroy();
    } finally {
      clearTimeout(timer);
      this.#response.off('close', stop);
    }
  }
}
