import type { Egress, EgressControl } from '@switchyard/egress';
import { scanMessage, type SseEvent, SseLimitExceeded, SseParser } from '@switchyard/mcp';
import type { UpstreamMessage } from './link.js';

/** What a standing stream needs. */
export interface HttpEventStreamOptions {
  readonly egress: Egress;
  readonly url: URL;
  readonly headers: Record<string, string>;
  readonly limitBytes: number;
  readonly onMessage: (message: UpstreamMessage) => void;
}

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;

/**
 * A legacy session's standing GET stream from an upstream (MCP 2025-11-25, "Listening for Messages from the Server").
 * Reconnects with growing pauses until closed, except where the upstream says that it has no such stream.
 */
export class HttpEventStream {
  readonly #options: HttpEventStreamOptions;
  #control: EgressControl | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;
  #closed = false;

  constructor(options: HttpEventStreamOptions) {
    this.#options = options;
    this.#connect();
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#control?.abort(new Error('stream closed'));
  }

  #connect(): void {
    const parser = new SseParser(this.#options.limitBytes);
    const { egress, url, headers } = this.#options;
    egress.send(
      { url, method: 'GET', headers: { ...headers, accept: 'text/event-stream' }, headersTimeoutMs: 0, bodyTimeoutMs: 0 },
      {
        start: (control) => (this.#control = control),
        head: (status, _headers, control) => {
          if (status === 200) this.#retryMs = FIRST_RETRY_MS;
          // 405: no such stream; other 4xx: the session is gone. Asking again would be a retry storm.
          else if (status < 500) {
            this.#closed = true;
            control.abort(new Error(`HTTP ${status}`));
          }
        },
        data: (chunk, control) => this.#data(parser, chunk, control),
        end: () => this.#again(),
        fail: () => this.#again(),
      },
    );
  }

  #data(parser: SseParser, chunk: Buffer, control: EgressControl): void {
    let events: SseEvent[];
    try {
      events = parser.push(chunk);
    } catch (error) {
      if (!(error instanceof SseLimitExceeded)) throw error;
      control.abort(error);
      return;
    }
    for (const event of events) {
      if (event.data.length === 0) continue;
      const envelope = scanMessage(event.data);
      if (envelope.ok) this.#options.onMessage({ bytes: event.data, envelope });
    }
  }

  #again(): void {
    if (this.#closed) return;
    this.#retry = setTimeout(() => this.#connect(), this.#retryMs * (0.5 + Math.random() / 2)).unref();
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }
}
