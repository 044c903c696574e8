import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { encodeSse, SSE_KEEPALIVE } from '@switchyard/mcp';

/** Up to this size copying is cheaper than a second buffer in the system call. */
const ONE_WRITE_BYTES = 16 * 1024;

const KEEPALIVE_MS = 15_000;
/** Most that may wait for a client where nobody waits with it: what a standing stream is told does not stop for one that reads slowly. */
const BACKLOG_LIMIT_BYTES = 4 * 1024 * 1024;

const SSE_HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };

/** The answer to one HTTP request: one JSON body, or an SSE stream as soon as something precedes the response. */
export class Reply {
  readonly #response: ServerResponse;
  readonly #headers: Record<string, string>;
  readonly #slowReaderTimeoutMs: number;
  #keepAlive: NodeJS.Timeout | undefined;
  #drained: Promise<unknown> | undefined;
  bytesOut = 0;
  /** Whether this is a standing stream, which ends only with the client or the gateway. */
  standing = false;

  /**
   * @param headers header fields of every answer: request id, CORS
   * @param slowReaderTimeoutMs longest wait for a client that does not read
   */
  constructor(response: ServerResponse, headers: Record<string, string>, slowReaderTimeoutMs: number) {
    this.#response = response;
    this.#headers = headers;
    this.#slowReaderTimeoutMs = slowReaderTimeoutMs;
  }

  /** Whether the stream has begun. */
  get streaming(): boolean {
    return this.#response.headersSent;
  }

  /** Begins an SSE stream; comments keep it alive. */
  openStream(headers: Record<string, string> = {}): void {
    this.#response.writeHead(200, { ...this.#headers, ...headers, ...SSE_HEADERS });
    this.#response.flushHeaders();
    this.#keepAlive = setInterval(() => this.#response.write(SSE_KEEPALIVE), KEEPALIVE_MS).unref();
    this.#response.once('close', () => clearInterval(this.#keepAlive));
  }

  /**
   * Sends a message on the stream, beginning it where it has not; resolves when the client has room for more (back-pressure).
   * What comes when the answer has ended, or the client has gone, is dropped.
   */
  async message(bytes: Buffer): Promise<void> {
    if (!this.#open) return;
    if (!this.streaming) this.openStream();
    if (this.#response.writableLength > BACKLOG_LIMIT_BYTES) {
      this.#response.destroy();
      return;
    }
    const frame = encodeSse({ event: 'message', data: bytes });
    this.bytesOut += frame.length;
    if (!this.#response.write(frame)) await this.#room();
  }

  /** Sends the response and ends: as the stream's last message, or as the one JSON body. */
  json(status: number, bytes: Buffer, headers: Record<string, string> = {}): void {
    if (!this.#open) return;
    if (this.streaming) {
      clearInterval(this.#keepAlive);
      this.bytesOut += bytes.length;
      this.#finish(encodeSse({ event: 'message', data: bytes }));
      return;
    }
    this.bytesOut = bytes.length;
    this.#response.writeHead(status, {
      ...this.#headers,
      ...headers,
      'content-type': 'application/json',
      'content-length': bytes.length,
    });
    this.#finish(bytes);
  }

  /** Sends a status without a body and ends. */
  empty(status: number, headers: Record<string, string> = {}): void {
    if (!this.#open) return;
    this.#response.writeHead(status, { ...this.#headers, ...headers, 'content-length': 0 });
    this.#response.end();
  }

  /** Ends a stream. */
  end(): void {
    clearInterval(this.#keepAlive);
    if (this.#open) this.#response.end();
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
      this.#response.destroy();
    } finally {
      clearTimeout(timer);
      this.#response.off('close', stop);
    }
  }
}
