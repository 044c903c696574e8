import type { CredentialMaterial } from '@switchyard/contracts';
import { type EgressControl, type FieldLines, withField } from '@switchyard/egress';
import { scanMessage, type SseEvent, SseLimitExceeded, SseParser } from '@switchyard/mcp';
import { certificateOf } from './client-certificate.js';
import type { UpstreamMessage } from './link.js';
import { StreamResumption } from './stream-resumption.js';
import type { UpstreamHttp } from './upstream-http.js';

/** What a request for a stream shows. */
export interface ShownForStream {
  readonly credential: CredentialMaterial;
  /** With those of the credential. */
  readonly fields: FieldLines;
}

/** What a standing stream needs. */
export interface HttpEventStreamOptions {
  readonly http: UpstreamHttp;
  readonly url: URL;
  readonly shown: ShownForStream;
  readonly limitBytes: number;
  readonly onMessage: (message: UpstreamMessage) => void;
  /**
   * Another credential, where the upstream refuses this one. @param field value of WWW-Authenticate
   * @returns undefined where there is none
   */
  readonly renew?: ((field: string | string[] | undefined) => Promise<ShownForStream | undefined>) | undefined;
  /** Told when the upstream, which had such a stream, does not know the session any more. */
  readonly onGone?: (() => void) | undefined;
  /** Told when it stands again, and the upstream does not tell again what it said meanwhile. */
  readonly onMissed?: (() => void) | undefined;
}

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;
/** A stream that has lasted so long was no failure. */
const STEADY_MS = 10_000;
const TOO_MANY_REQUESTS = 429;

/**
 * A legacy session's standing GET stream from an upstream (MCP 2025-11-25, "Listening for Messages from the Server").
 * Reconnects with growing pauses until closed, except where the upstream says that it has no such stream.
 */
export class HttpEventStream {
  readonly #options: HttpEventStreamOptions;
  #control: EgressControl | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;
  #openedAtMs = 0;
  readonly #resumption = new StreamResumption();
  #closed = false;
  #stood = false;
  #shown: ShownForStream;
  /** Whether the credential is new, and the upstream has not taken it yet. */
  #isRenewed = false;

  constructor(options: HttpEventStreamOptions) {
    this.#options = options;
    this.#shown = options.shown;
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
    const { http, url } = this.#options;
    const { credential, fields: own } = this.#shown;
    const certificate = certificateOf(credential);
    let isOver = false;
    // What was said meanwhile is told again, where the upstream keeps it (MCP 2025-11-25, "Resumability and Redelivery").
    const { lastEventId } = this.#resumption;
    const fields = lastEventId === undefined ? own : withField(own, 'last-event-id', lastEventId);
    http.send({ url, method: 'GET', fields, certificate, headersTimeoutMs: 0, bodyTimeoutMs: 0 }, credential, {
      start: (control) => this.#start(control),
      head: (status, headers, control) => {
        isOver = status === 401 && this.#isRenewable;
        if (isOver) this.#renew(headers['www-authenticate'], control);
        else this.#head(status, String(headers['content-type'] ?? ''), control);
      },
      data: (chunk, control) => (isOver ? undefined : this.#data(parser, chunk, control)),
      end: () => (isOver ? undefined : this.#again(parser)),
      fail: () => (isOver ? undefined : this.#again(parser)),
    });
  }

  #start(control: EgressControl): void {
    this.#control = control;
    if (this.#closed) control.abort(new Error('stream closed'));
  }

  get #isRenewable(): boolean {
    return !this.#closed && !this.#isRenewed && this.#options.renew !== undefined;
  }

  /** The credential may have been replaced since the stream was opened: it is asked for once with what there is now. */
  #renew(field: string | string[] | undefined, control: EgressControl): void {
    this.#isRenewed = true;
    control.abort(new Error('another credential is wanted'));
    const connect = (shown: ShownForStream | undefined) => {
      if (this.#closed) return;
      this.#closed = shown === undefined;
      if (shown === undefined) return;
      this.#shown = shown;
      this.#connect();
    };
    this.#options.renew?.(field).then(connect, () => connect(undefined));
  }

  #head(status: number, contentType: string, control: EgressControl): void {
    this.#openedAtMs = performance.now();
    if (status >= 500 || status === TOO_MANY_REQUESTS) return;
    if (status === 200 && /^text\/event-stream\b/i.test(contentType)) {
      if (this.#stood && this.#resumption.lastEventId === undefined) this.#options.onMissed?.();
      this.#stood = true;
      this.#isRenewed = false;
      return;
    }
    if (status >= 400 && status !== 404 && this.#resumption.lastEventId !== undefined) {
      // It may be the id that is not known any more; the stream itself is asked for once again without.
      this.#resumption.forget();
      return control.abort(new Error(`not resumed: HTTP ${status}`));
    }
    // 405: no such stream; other 4xx: the session is gone; other types: no such stream either. Asking again would be a retry storm.
    this.#closed = true;
    control.abort(new Error(`no stream: HTTP ${status}`));
    // Of a server that has never had the stream, 404 says nothing of the session.
    if (status === 404 && this.#stood) this.#options.onGone?.();
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

  /** @param parser says which pause the upstream asked for (WHATWG HTML §9.2.6, `retry`), and where it stopped */
  #again(parser: SseParser): void {
    if (this.#closed) return;
    this.#resumption.follow(parser);
    const lasted = this.#openedAtMs > 0 && performance.now() - this.#openedAtMs > STEADY_MS;
    if (lasted) this.#retryMs = FIRST_RETRY_MS;
    this.#openedAtMs = 0;
    const pauseMs = Math.min(Math.max(parser.retryMs ?? 0, this.#retryMs), LAST_RETRY_MS);
    this.#retry = setTimeout(() => this.#connect(), pauseMs * (1 + Math.random() / 2)).unref();
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }
}
