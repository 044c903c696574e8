import { type EgressControl, type EgressSink, withField } from '@switchyard/egress';
import { isInputMethod, scanMessage, type SseEvent, SseLimitExceeded, SseParser } from '@switchyard/mcp';
import type { CredentialMaterial } from '@switchyard/contracts';
import type { Reason } from '../ladder.js';
import { Refusal } from '../refusal.js';
import { CallTime, type TimeOver } from './call-time.js';
import { certificateOf } from './client-certificate.js';
import { httpFailure } from './http-failure.js';
import { type HttpRequestOptions, lastOf } from './http-request-options.js';
import { challengeOf } from './challenge.js';
import type { OutboundRequest, Renew, UpstreamAnswer, UpstreamMessage } from './link.js';
import { outboundFields } from './outbound-fields.js';
import { contentCoding, type Headers, mediaType } from './response-fields.js';
import { StreamResumption } from './stream-resumption.js';

/** How long a stream may stay open behind its response before it is cut. */
const LINGER_MS = 1_000;
/** Messages that have no business on the stream of a call: so many are dropped, then the stream is cut. */
const STRAY_LIMIT = 5;
/** Most of an upstream's own text that goes into a sentence of ours. */
const QUOTE_LIMIT = 64;

const NOT_TOLD = (): void => undefined;

/**
 * Sends one JSON-RPC request over Streamable HTTP and reads its response, JSON or SSE.
 * One object a request: the callbacks of the HTTP client drive it, and `settle` is reached exactly once.
 */
class HttpExchange implements EgressSink {
  #status = 0;
  #sse: SseParser | undefined;
  #chunks: Buffer[] = [];
  #size = 0;
  #settled = false;
  #control: EgressControl | undefined;
  #pending: Promise<void> = Promise.resolve();
  #waiting = 0;
  #strays = 0;
  #limit: NodeJS.Timeout | undefined;
  readonly #startedAtMs = performance.now();
  /** From the first time on that the stream has ended before its response. */
  #resumption: StreamResumption | undefined;
  #pause: NodeJS.Timeout | undefined;
  #time: CallTime | undefined;

  constructor(
    readonly request: OutboundRequest,
    readonly options: HttpRequestOptions,
    readonly resolve: (answer: UpstreamAnswer) => void,
    readonly reject: (fault: unknown) => void,
    readonly onHead: (headers: Headers) => void,
  ) {}

  run(): void {
    const { request, options } = this;
    request.cancellation.onCancel(() => {
      if (!this.#settled) this.#cut(this.#refuse('cancelled', 'The call was cancelled.'));
    });
    if (this.#settled) return;
    const sent = options.http.send(
      {
        url: options.url,
        method: 'POST',
        fields: outboundFields(request, 'message'),
        body: request.body,
        certificate: certificateOf(request.credential),
        headersTimeoutMs: Math.min(request.timeoutMs, request.limitMs ?? Number.POSITIVE_INFINITY),
        bodyTimeoutMs: this.#bodyTimeoutMs,
      },
      request.credential,
      this,
    );
    if (!sent) this.#watchLimit();
  }

  /** While a client is being asked, silence is no fault of the upstream's; so it is watched here. */
  get #bodyTimeoutMs(): number {
    return this.request.onServerRequest === undefined ? this.request.timeoutMs : 0;
  }

  /** An upstream that sends a byte now and then would never end. Most answers come in one piece, and need no timer. */
  #watchLimit(): void {
    const { limitMs } = this.request;
    if (limitMs === undefined || this.#settled) return;
    if (this.#time !== undefined) {
      clearTimeout(this.#limit);
      return this.#time.bound(limitMs - (performance.now() - this.#startedAtMs));
    }
    this.#limit ??= setTimeout(() => this.#tooLate(limitMs), limitMs - (performance.now() - this.#startedAtMs));
  }

  /** A request that was given up while it waited for a connection is not sent at all. */
  start(control: EgressControl): void {
    this.#control = control;
    if (this.#settled) control.abort(new Error('given up before it was sent'));
  }

  head(status: number, headers: Headers): void {
    if (this.#settled) return;
    const { upstream } = this.options;
    this.#status = status;
    this.onHead(headers);
    if (this.request.onServerRequest !== undefined) this.#watchSilence();
    const type = mediaType(headers);
    if (status === 404 && this.request.session !== undefined) return this.#cut({ kind: 'sessionGone' });
    if (status === 401 || status === 403) return this.#rejected(status, headers['www-authenticate']);
    if (status >= 500 || status === 429)
      return this.#cut(this.#refuse('upstream_unavailable', `${upstream} answered HTTP ${status}.`));
    if (status >= 300 && status < 400)
      return this.#cut(
        this.#garbage(`a redirect (HTTP ${status}), and the gateway follows none: its URL has to be the final one`),
      );
    if (contentCoding(headers) !== 'identity')
      return this.#cut(this.#garbage('a compressed body, which the gateway does not accept'));
    if (type === 'text/event-stream' && status < 300) {
      this.#sse = new SseParser(this.options.resultLimitBytes);
      this.#watchLimit();
    } else if (type !== 'application/json')
      this.#cut(this.#garbage(`HTTP ${status} with content type "${type.slice(0, QUOTE_LIMIT)}"`));
  }

  /** The upstream has not looked at the message: it is sent again with another credential. If that is refused too, only the vault hears. */
  #rejected(status: number, field: string | string[] | undefined): void {
    const { upstream, renew } = this.options;
    const answer = this.#refuse('credential_rejected', `${upstream} refused the gateway's credential (HTTP ${status}).`);
    const challenge = renew && this.#resumption === undefined ? challengeOf(status, field) : undefined;
    if (renew === undefined || challenge === undefined) return this.#cut(answer);
    this.#finish();
    this.#control?.abort(new Error('another credential is wanted'));
    renew(this.request, upstream, challenge).then(
      (renewed) => this.#sendAgain(renewed, answer, renew),
      (fault: unknown) => this.reject(fault),
    );
  }

  /** @param rejected the answer where there is no other credential */
  #sendAgain(renewed: CredentialMaterial | Refusal | undefined, rejected: UpstreamAnswer, renew: Renew): void {
    if (renewed === undefined) return this.resolve(rejected);
    if (renewed instanceof Refusal) return this.resolve({ kind: 'refused', status: this.#status, refusal: renewed });
    const request = { ...this.request, credential: renewed };
    new HttpExchange(request, { ...this.options, renew: lastOf(renew) }, this.resolve, this.reject, this.onHead).run();
  }

  data(chunk: Buffer, control: EgressControl): void {
    if (this.#settled) return;
    this.#time?.heard();
    if (this.#sse) return this.#events(chunk, control);
    this.#size += chunk.length;
    if (this.#size > this.options.resultLimitBytes) return this.#cut(this.#tooLarge());
    if (this.#chunks.push(chunk) > 1) this.#watchLimit();
  }

  #events(chunk: Buffer, control: EgressControl): void {
    let events: SseEvent[];
    try {
      events = this.#sse!.push(chunk);
    } catch (error) {
      if (error instanceof SseLimitExceeded) return this.#cut(this.#tooLarge());
      throw error;
    }
    for (const event of events) if (event.data.length > 0 && event.event === 'message') this.#message(event.data, control);
  }

  /** Notifications are handed over one after the other; the stream is paused while one is being taken (back-pressure). */
  #message(bytes: Buffer, control: EgressControl): void {
    if (this.#settled) return;
    const envelope = scanMessage(bytes);
    if (!envelope.ok) return this.#cut(this.#garbage('a message that is not JSON-RPC'));
    if (envelope.kind === 'request') return this.#serverRequest({ bytes, envelope });
    if (envelope.kind === 'response') {
      // On a stream, a response to something else may stand before ours.
      if (envelope.id !== this.request.id) return this.#stray('responses to other requests');
      this.#pending = this.#pending.then(() => this.#response({ bytes, envelope }));
      return;
    }
    this.#waiting += 1;
    if (this.#waiting === 1) control.pause();
    this.#pending = this.#pending
      .then(() => (this.#settled ? undefined : this.request.onNotification({ bytes, envelope })))
      .then(() => {
        this.#waiting -= 1;
        if (this.#waiting === 0) control.resume();
      })
      .catch((error: unknown) => this.#fault(error));
  }

  /** `ping` may be asked at any time; anything else only where somebody takes it. */
  #serverRequest(message: UpstreamMessage): void {
    const isTaken =
      this.request.onServerRequest !== undefined && isInputMethod(message.envelope.method) && this.#time?.hasAskedEnough !== true;
    if (!isTaken && message.envelope.method !== 'ping') this.#stray('requests that the gateway does not take');
    if (this.#settled) return;
    this.options.onServerRequest(this.request, message, this.#time?.asking() ?? (() => undefined));
  }

  #watchSilence(): void {
    if (this.#time !== undefined) return this.#time.heard();
    const { timeoutMs, limitMs, session = '' } = this.request;
    const onOver = (what: TimeOver) => {
      if (what === 'over') this.#tooLate(limitMs ?? timeoutMs);
      else this.#cut(this.#refuse('upstream_timeout', `${this.options.upstream} sent nothing for ${timeoutMs} ms.`));
    };
    this.#time = new CallTime(timeoutMs, onOver, () => this.#waiting > 0 || this.options.asked?.has(session) === true);
    if (this.#limit !== undefined) this.#watchLimit();
  }

  #stray(what: string): void {
    this.#strays += 1;
    if (this.#strays > STRAY_LIMIT) this.#cut(this.#garbage(`more than ${STRAY_LIMIT} ${what}`));
  }

  #response(message: UpstreamMessage): void {
    if (message.envelope.id !== this.request.id) return this.#cut(this.#garbage('a response to another request'));
    this.#settle({ kind: 'response', message, status: this.#status });
    if (this.#sse) setTimeout(() => this.#control?.abort(new Error('response received')), LINGER_MS).unref();
  }

  end(): void {
    if (this.#settled) return;
    if (this.#sse) {
      void this.#pending.then(() => this.#streamEnded(false, this.#garbage('a stream that ended without a response')));
      return;
    }
    const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    const envelope = scanMessage(bytes);
    if (!envelope.ok || envelope.kind !== 'response')
      return this.#settle(this.#garbage(`HTTP ${this.#status} with a body that is not a JSON-RPC response`));
    this.#response({ bytes, envelope });
  }

  fail(error: Error): void {
    if (this.#settled) return;
    const { upstream } = this.options;
    const refusal = httpFailure({ upstream, error, hadBegun: this.#status !== 0, timeoutMs: this.request.timeoutMs });
    // No status: there was no whole response.
    const failed: UpstreamAnswer = { kind: 'refused', status: 0, refusal };
    const isBroken = refusal.reason !== 'upstream_timeout' && (this.#sse !== undefined || this.#resumption !== undefined);
    void this.#pending.then(() => (isBroken ? this.#streamEnded(true, failed) : this.#settle(failed)));
  }

  /**
   * A legacy upstream may let go of a stream before the response, and a connection may break: the call goes on, and its stream is taken
   * up again where it gave an id (MCP 2025-11-25, "Sending Messages to the Server"). The call itself is never sent again.
   * @param otherwise the answer where it cannot be
   */
  #streamEnded(broken: boolean, otherwise: UpstreamAnswer): void {
    if (this.#settled) return;
    if (this.request.era !== 'legacy') return this.#settle(otherwise);
    this.#resumption ??= new StreamResumption();
    if (this.#sse !== undefined) this.#resumption.follow(this.#sse);
    this.#sse = undefined;
    this.#control = undefined;
    this.#time?.deaf();
    if (!this.#resumption.worthwhile(broken)) return this.#settle(otherwise);
    this.request.onHeldUp?.();
    this.#pause = setTimeout(() => this.#resume(), this.#resumption.nextPauseMs());
  }

  #resume(): void {
    const { request, options } = this;
    this.#status = 0;
    let over = false;
    const sink: EgressSink = {
      start: (control) => this.start(control),
      head: (status, headers, control) => {
        if (status === 200 && mediaType(headers) === 'text/event-stream') return this.head(status, headers);
        over = true;
        this.#notResumed(status);
        control.abort(new Error('not resumed'));
      },
      data: (chunk, control) => (over ? undefined : this.data(chunk, control)),
      end: () => (over ? undefined : this.end()),
      fail: (error) => (over ? undefined : this.fail(error)),
    };
    const fields = withField(outboundFields(request, 'stream'), 'last-event-id', this.#resumption?.lastEventId ?? '');
    const { timeoutMs: headersTimeoutMs, credential } = request;
    const timeouts = { headersTimeoutMs, bodyTimeoutMs: this.#bodyTimeoutMs };
    const { url, http } = options;
    http.send({ url, method: 'GET', fields, certificate: certificateOf(credential), ...timeouts }, credential, sink);
  }

  /** The upstream has the call, so nothing that it says now means that the call may be sent again: not 404 either. */
  #notResumed(status: number): void {
    this.#status = status;
    const answer = this.#refuse(
      'upstream_unavailable',
      `${this.options.upstream} let go of the call's stream, and answered HTTP ${status} when it was to be resumed.`,
    );
    if (status >= 500 || status === 429) this.#streamEnded(true, answer);
    else this.#settle(answer);
  }

  #tooLate(limitMs: number): void {
    this.#cut(this.#refuse('upstream_timeout', `${this.options.upstream} was not done within ${limitMs} ms.`));
  }

  /** A bug of ours, not an answer. */
  #fault(fault: unknown): void {
    if (!this.#settled) {
      this.#finish();
      this.reject(fault);
    }
    this.#control?.abort(new Error('the gateway has failed'));
  }

  #cut(answer: UpstreamAnswer): void {
    this.#settle(answer);
    this.#control?.abort(new Error('the gateway has what it needs'));
  }

  #settle(answer: UpstreamAnswer): void {
    if (this.#settled) return;
    this.#finish();
    this.resolve(answer);
  }

  #finish(): void {
    this.#settled = true;
    clearTimeout(this.#limit);
    clearTimeout(this.#pause);
    this.#time?.stop();
  }

  #refuse(reason: Reason, message: string): UpstreamAnswer {
    return { kind: 'refused', status: this.#status, refusal: new Refusal(reason, message, { upstream: this.options.upstream }) };
  }

  #garbage(what: string): UpstreamAnswer {
    return this.#refuse('upstream_invalid', `${this.options.upstream} answered with ${what}.`);
  }

  #tooLarge(): UpstreamAnswer {
    const { upstream, resultLimitBytes: limit } = this.options;
    return this.#refuse('result_too_large', `${upstream} sent more than ${limit} bytes in one message.`);
  }
}

/**
 * Sends a request (MCP Streamable HTTP, "Sending Messages to the Server") and resolves with what became of it. Rejects only when `onNotification` does.
 * @param onHead told of the response's header fields, before the body
 */
export function sendHttpRequest(
  request: OutboundRequest,
  options: HttpRequestOptions,
  onHead: (headers: Headers) => void = NOT_TOLD,
): Promise<UpstreamAnswer> {
  return new Promise((resolve, reject) => new HttpExchange(request, options, resolve, reject, onHead).run());
}
