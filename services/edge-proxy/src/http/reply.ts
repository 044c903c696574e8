import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { encodeSse, SSE_KEEPALIVE } from '@switchyard/mcp';

const KEEPALIVE_MS = 15_000;
/** Longest wait for a client that does not read. */
const SLOW_READER_MS = 30_000;

const SSE_HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };

/** The answer to one HTTP request: one JSON body, or an SSE stream as soon as something precedes the response. */
export class Reply {
  readonly #response: ServerResponse;
  readonly #headers: Record<string, string>;
  #keepAlive: NodeJS.Timeout | undefined;
  bytesOut = 0;
  /** Whether this is a standing stream, which ends only with the client or the gateway. */
  standing = false;

  /** @param headers header fields of every answer: request id, CORS */
  constructor(response: ServerResponse, headers: Record<string, string>) {
    this.#response = response;
    this.#headers = headers;
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

  /** Sends a message on the stream, beginning it where it has not; resolves when the client has room for more (back-pressure). */
  async message(bytes: Buffer): Promise<void> {
    if (this.#response.destroyed) return;
    if (!this.streaming) this.openStream();
    const frame = encodeSse({ event: 'message', data: bytes });
    this.bytesOut += frame.length;
    if (this.#response.write(frame)) return;
    await once(this.#response, 'drain', { signal: AbortSignal.any([AbortSignal.timeout(SLOW_READER_MS), this.#gone()]) }).catch(
      () => this.#response.destroy(),
    );
  }

  /** Sends the response and ends: as the stream's last message, or as the one JSON body. */
  json(status: number, bytes: Buffer, headers: Record<string, string> = {}): void {
    if (this.#response.destroyed) return;
    if (this.streaming) {
      clearInterval(this.#keepAlive);
      this.bytesOut += bytes.length;
      this.#response.end(encodeSse({ event: 'message', data: bytes }));
      return;
    }
    this.bytesOut = bytes.length;
    this.#response.writeHead(status, {
      ...this.#headers,
      ...headers,
      'content-type': 'application/json',
      'content-length': bytes.length,
    });
    this.#response.end(bytes);
  }

  /** Sends a status without a body and ends. */
  empty(status: number, headers: Record<string, string> = {}): void {
    if (this.#response.destroyed) return;
    this.#response.writeHead(status, { ...this.#headers, ...headers, 'content-length': 0 });
    this.#response.end();
  }

  /** Ends a stream. */
  end(): void {
    clearInterval(this.#keepAlive);
    if (!this.#response.destroyed) this.#response.end();
  }

  #gone(): AbortSignal {
    const gone = new AbortController();
    this.#response.once('close', () => gone.abort());
    return gone.signal;
  }
}
