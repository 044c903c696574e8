import type { EgressControl, EgressSink } from '@switchyard/egress';
import { errorResponse, resultResponse, scanMessage, type SseEvent, SseLimitExceeded, SseParser } from '@switchyard/mcp';
import { InHand } from '../in-hand.js';
import type { Reason } from '../ladder.js';
import { Refusal } from '../refusal.js';
import { CallTime, inWords, type TimeOver } from './call-time.js';
import { certificateOf } from './client-certificate.js';
import { httpFailure } from './http-failure.js';
import type { OutboundContext, OutboundRequest, UnsolicitedSink, UpstreamAnswer, UpstreamMessage } from './link.js';
import { outboundFields } from './outbound-fields.js';
import { cancelledBody } from './profile.js';
import type { UpstreamHttp } from './upstream-http.js';

/** What a connection needs. */
export interface SseConnectionOptions {
  readonly http: UpstreamHttp;
  readonly upstream: string;
  readonly url: URL;
  /** What its GET carries. */
  readonly context: OutboundContext;
  /** Longest message taken from an upstream. */
  readonly resultLimitBytes: number;
  /** Longest wait for the `endpoint` event. */
  readonly openTimeoutMs: number;
  /** Called once, when the stream has ended. */
  readonly onEnd: () => void;
}

type Posted = Pick<OutboundRequest, 'revision' | 'method' | 'credential' | 'requestId' | 'traceparent'>;

interface PostSink {
  readonly start: (control: EgressControl) => void;
  /** Called once, with the failure where the upstream has not taken the message. */
  readonly done: (failure?: UpstreamAnswer) => void;
}

interface Pending {
  readonly request: OutboundRequest;
  readonly resolve: (answer: UpstreamAnswer) => void;
  readonly reject: (fault: unknown) => void;
  readonly time: CallTime;
  /** Of its POST, which may outlast it. */
  control: EgressControl | undefined;
  /** What came before, while it is being taken. */
  tail: Promise<void>;
}

/** Longest wait for the upstream to take a message that has no response. */
const TAKEN_MS = 5_000;
/** Answers to an upstream's own requests that may be under way at once; what it asks beyond that is not answered. */
const ANSWERS_LIMIT = 8;
/** A connection that serves nobody for so long is closed; the next call opens another. */
const IDLE_MS = 30 * 60_000;

/**
 * One HTTP+SSE connection, which is one session (MCP 2024-11-05, "HTTP with SSE"): a GET whose stream first names the URL to post to, and
 * then carries every response. The session ends with its stream.
 */
export class SseConnection implements EgressSink {
  readonly #options: SseConnectionOptions;
  readonly #parser: SseParser;
  readonly #pending = new InHand<Pending>();
  readonly #sinks = new Set<UnsolicitedSink>();
  readonly #openTimer: NodeJS.Timeout;
  readonly #idleTimer: NodeJS.Timeout;
  #begun: ((outcome: SseConnection | Refusal | undefined) => void) | undefined;
  #control: EgressControl | undefined;
  #endpoint: URL | undefined;
  #over = false;
  #waiting = 0;
  #answersUnderWay = 0;

  private constructor(options: SseConnectionOptions, begun: (outcome: SseConnection | Refusal | undefined) => void) {
    this.#options = options;
    this.#begun = begun;
    this.#parser = new SseParser(options.resultLimitBytes);
    const { upstream, openTimeoutMs } = options;
    const late = new Refusal('upstream_timeout', `${upstream} named no endpoint within ${openTimeoutMs} ms.`, { upstream });
    this.#openTimer = setTimeout(() => this.#settle(late), openTimeoutMs);
    this.#idleTimer = setTimeout(() => this.#whenIdle(), IDLE_MS).unref();
  }

  /** Opens a connection. @returns undefined where what answers is no HTTP+SSE server */
  static open(options: SseConnectionOptions): Promise<SseConnection | Refusal | undefined> {
    return new Promise((resolve) => {
      const { http, url, context, openTimeoutMs } = options;
      const fields = outboundFields({ ...context, era: 'legacy', revision: '', method: 'initialize' }, 'stream');
      const certificate = certificateOf(context.credential);
      const request = { url, method: 'GET', fields, certificate, headersTimeoutMs: openTimeoutMs, bodyTimeoutMs: 0 } as const;
      http.send(request, context.credential, new SseConnection(options, resolve));
    });
  }

  /** Whether the stream has ended, and with it the session. */
  get over(): boolean {
    return this.#over;
  }

  /** Sends a request and waits for its response on the stream. Rejects only when `onNotification` does. */
  request(request: OutboundRequest): Promise<UpstreamAnswer> {
    if (this.#over) return Promise.resolve({ kind: 'sessionGone' });
    if (request.cancellation.cancelled) return Promise.resolve(this.#refused('cancelled', 'was not called: it was cancelled'));
    return new Promise((resolve, reject) => {
      const { id, limitMs } = request;
      const time = this.#time(request);
      const pending: Pending = { request, resolve, reject, time, control: undefined, tail: Promise.resolve() };
      this.#pending.set(id, pending);
      request.cancellation.onCancel(() => this.#abandon(id, 'cancelled', 'was told that the call is cancelled'));
      this.#post(request, request.body, limitMs ?? 0, {
        start: (control) => {
          pending.control = control;
          if (this.#pending.get(id) !== pending) control.abort(new Error('given up before it was sent'));
        },
        done: (failure) => failure && this.#answer(id, failure),
      });
    });
  }

  /** Sends a message that has no response; resolves when the upstream has taken it or has had its time. */
  notify(message: Posted, body: Buffer): Promise<void> {
    return new Promise((resolve) => {
      if (this.#over) resolve();
      else this.#post(message, body, TAKEN_MS, { start: () => undefined, done: () => resolve() });
    });
  }

  /** Hands over what the upstream says by itself, until the returned function is called. */
  listen(sink: UnsolicitedSink): () => void {
    this.#sinks.add(sink);
    return () => void this.#sinks.delete(sink);
  }

  /** Ends the session; calls in hand are refused. Idempotent. */
  close(): void {
    this.#end('upstream_unavailable', 'was cut off: its session was closed');
  }

  start(control: EgressControl): void {
    this.#control = control;
    if (this.#over) control.abort(new Error('given up before it was sent'));
  }

  head(status: number, headers: Record<string, string | string[] | undefined>): void {
    if (this.#over || (status === 200 && /^text\/event-stream\b/i.test(String(headers['content-type'] ?? '')))) return;
    const failure = this.#httpRefusal(status);
    this.#settle(failure.kind === 'refused' && failure.refusal.reason !== 'upstream_invalid' ? failure.refusal : undefined);
  }

  data(chunk: Buffer): void {
    if (this.#over) return;
    try {
      for (const event of this.#parser.push(chunk)) this.#event(event);
    } catch (error) {
      if (!(error instanceof SseLimitExceeded)) throw error;
      // Whose the message was can be told only where one call was in hand.
      const reason = this.#pending.size === 1 ? 'result_too_large' : 'upstream_unavailable';
      this.#end(reason, `sent more than ${this.#options.resultLimitBytes} bytes in one message`);
    }
  }

  end(): void {
    this.#end('upstream_unavailable', 'ended its session before it answered');
  }

  fail(error: Error): void {
    const { upstream, openTimeoutMs } = this.#options;
    if (this.#begun) this.#settle(httpFailure({ upstream, error, hadBegun: false, timeoutMs: openTimeoutMs }));
    this.#end('upstream_unavailable', 'broke its session off before it answered');
  }

  /** The way out of opening: reached once. Anything but the connection itself ends it. */
  #settle(outcome: SseConnection | Refusal | undefined): void {
    const begun = this.#begun;
    this.#begun = undefined;
    clearTimeout(this.#openTimer);
    if (outcome !== this) this.#end('upstream_unavailable', 'has no session');
    begun?.(outcome);
  }

  #end(reason: Reason, what: string): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#idleTimer);
    this.#control?.abort(new Error('the session has ended'));
    for (const { request } of this.#pending.values()) this.#answer(request.id, this.#refused(reason, what));
    if (this.#begun) this.#settle(undefined);
    this.#options.onEnd();
    for (const { onGone } of this.#sinks) onGone?.();
  }

  #whenIdle(): void {
    if (this.#pending.size === 0 && this.#sinks.size === 0) this.close();
    else this.#idleTimer.refresh();
  }

  #event({ event, data }: SseEvent): void {
    if (this.#over) return;
    if (this.#endpoint === undefined) return this.#begin(event, data);
    const envelope = event === 'message' ? scanMessage(data) : undefined;
    if (envelope?.ok !== true) return;
    const message = { bytes: data, envelope };
    if (envelope.kind === 'response') this.#response(message);
    else if (envelope.kind === 'request') this.#serverRequest(message);
    else this.#notification(message);
  }

  /** Credentials go to where messages are posted, so the upstream may not name another origin. */
  #begin(event: string, data: Buffer): void {
    if (event !== 'endpoint') return this.#settle(undefined);
    const { url, upstream } = this.#options;
    const text = data.toString('utf8');
    const endpoint = URL.canParse(text, url) ? new URL(text, url) : undefined;
    if (endpoint?.origin !== url.origin) {
      const what = `${upstream} named an endpoint that is no URL of its own origin.`;
      return this.#settle(new Refusal('upstream_invalid', what, { upstream }));
    }
    this.#endpoint = endpoint;
    this.#settle(this);
  }

  #response(message: UpstreamMessage): void {
    const pending = this.#pending.get(message.envelope.id);
    if (pending === undefined) return;
    pending.time.deaf();
    void pending.tail.then(() => this.#answer(pending.request.id, { kind: 'response', message, status: 200 }));
  }

  /** `ping` is answered here. The rest is for a call that takes it: the session is one client's, so it is that client's in any case. */
  #serverRequest(message: UpstreamMessage): void {
    const { id, method } = message.envelope;
    const taker = method === 'ping' ? undefined : this.#pending.values().find(({ request }) => request.onServerRequest)?.request;
    if (taker?.onServerRequest) {
      const answered = this.#asking();
      return taker.onServerRequest(message, (body) => void this.notify(taker, body).then(answered));
    }
    const sink = method === 'ping' ? undefined : [...this.#sinks].find(({ onRequest }) => onRequest);
    const own = { ...this.#options.context, revision: '', method: '' };
    if (sink?.onRequest) {
      const answered = this.#asking();
      return void sink.onRequest(message).then((body) => this.notify(own, body).then(answered));
    }
    const body =
      method === 'ping' ? resultResponse(id, '{}') : errorResponse(id, -32601, `The gateway does not take ${method} requests.`);
    if (this.#answersUnderWay >= ANSWERS_LIMIT) return;
    this.#answersUnderWay += 1;
    void this.notify({ ...own, method: 'initialize' }, body).then(() => (this.#answersUnderWay -= 1));
  }

  /** Whose call it is asked for is not told, so the time of none runs. @returns to be called with the answer */
  #asking(): () => void {
    const answered = this.#pending.values().map(({ time }) => time.asking());
    return () => answered.forEach((done) => done());
  }

  /** The session is one client's, so whatever comes on it is for that client; which call it belongs to is not always told. */
  #notification(message: UpstreamMessage): void {
    const { method, progressToken } = message.envelope;
    if (method === 'notifications/progress') return this.#handOver(this.#pending.get(progressToken ?? ''), message);
    const [first, second] = this.#pending.values();
    if (method === 'notifications/message' && first !== undefined && (second === undefined || this.#sinks.size === 0))
      return this.#handOver(first, message);
    for (const sink of this.#sinks) sink.onMessage(message);
  }

  /** Notifications of a call are handed over one after the other; the stream is paused while one is being taken (back-pressure). */
  #handOver(pending: Pending | undefined, message: UpstreamMessage): void {
    if (pending === undefined) return;
    pending.time.heard();
    this.#waiting += 1;
    if (this.#waiting === 1) this.#control?.pause();
    pending.tail = pending.tail
      .then(() => (this.#pending.get(pending.request.id) === pending ? pending.request.onNotification(message) : undefined))
      .catch((fault: unknown) => {
        this.#forget(pending);
        pending.reject(fault);
      })
      .then(() => {
        this.#waiting -= 1;
        if (this.#waiting === 0 && !this.#over) this.#control?.resume();
      });
  }

  #time(request: OutboundRequest): CallTime {
    const late = (what: TimeOver) => this.#abandon(request.id, 'upstream_timeout', inWords(what, request));
    const time = new CallTime(request.timeoutMs, late, () => this.#waiting > 0);
    time.bound(request.limitMs);
    return time;
  }

  /** Gives a request up, and says so; `initialize` is never cancelled (MCP 2024-11-05, "Cancellation"). */
  #abandon(id: string, reason: Reason, what: string): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    const { request, control } = pending;
    if (request.method !== 'initialize') void this.notify({ ...request, method: 'notifications/cancelled' }, cancelledBody(id));
    control?.abort(new Error('the call was given up'));
    this.#answer(id, this.#refused(reason, what));
  }

  #answer(id: string, answer: UpstreamAnswer): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#forget(pending);
    pending.resolve(answer);
  }

  #forget({ request, time }: Pending): void {
    time.stop();
    this.#pending.delete(request.id);
    this.#idleTimer.refresh();
  }

  #post(message: Posted, body: Buffer, timeoutMs: number, { start, done }: PostSink): void {
    const { http, upstream } = this.#options;
    const fields = outboundFields({ ...message, era: 'legacy', session: undefined }, 'message');
    const certificate = certificateOf(message.credential);
    let failure: UpstreamAnswer | undefined;
    http.send(
      { url: this.#endpoint!, method: 'POST', fields, body, certificate, headersTimeoutMs: timeoutMs, bodyTimeoutMs: TAKEN_MS },
      message.credential,
      {
        start,
        head: (status) => {
          if (status >= 300) failure = this.#httpRefusal(status);
        },
        data: () => undefined,
        end: () => {
          done(failure);
          // What the upstream did not find is its session, of which the stream is the other half.
          if (failure?.kind === 'sessionGone') this.#end('upstream_unavailable', 'has lost its session');
        },
        fail: (error) =>
          done({ kind: 'refused', status: 0, refusal: httpFailure({ upstream, error, hadBegun: false, timeoutMs }) }),
      },
    );
  }

  #httpRefusal(status: number): UpstreamAnswer {
    if (status === 404) return { kind: 'sessionGone' };
    if (status === 401 || status === 403)
      return this.#refused('credential_rejected', `refused the gateway's credential (HTTP ${status})`, status);
    const reason = status >= 500 || status === 429 ? 'upstream_unavailable' : 'upstream_invalid';
    return this.#refused(reason, `answered HTTP ${status}`, status);
  }

  #refused(reason: Reason, what: string, status = 0): UpstreamAnswer {
    const { upstream } = this.#options;
    return { kind: 'refused', status, refusal: new Refusal(reason, `${upstream} ${what}.`, { upstream }) };
  }
}
