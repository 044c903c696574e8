import { errorResponse, resultResponse } from '@switchyard/mcp';
import type { CredentialMaterial } from '@switchyard/contracts';
import type { Logger } from '@switchyard/telemetry';
import { InHand } from '../in-hand.js';
import { Refusal } from '../refusal.js';
import { CallTime, inWords, type TimeOver } from './call-time.js';
import type { OutboundRequest, UpstreamAnswer, UpstreamMessage } from './link.js';
import { cancelledBody } from './profile.js';
import { type ProcessEnd, StdioProcess } from './stdio-process.js';

/** What a session needs. */
export interface StdioSessionOptions {
  readonly upstream: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly credential: CredentialMaterial;
  readonly log: Logger;
  readonly resultLimitBytes: number;
  readonly onUnsolicited: (message: UpstreamMessage) => void;
  readonly onExit: (why: string) => void;
}

interface Pending {
  readonly request: OutboundRequest;
  readonly settle: (answer: UpstreamAnswer) => void;
  readonly time: CallTime;
}

const LISTEN = 'subscriptions/listen';
/** How long a server may go on with a call after it was told that nobody wants it. */
const LATE_MS = 30_000;

const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId';

/** One running local server and the requests that it has in hand. */
export class StdioSession {
  readonly #options: StdioSessionOptions;
  readonly #process: StdioProcess;
  readonly #pending = new InHand<Pending>();
  /** Whose calls were given up lately, and until when the server may still speak of them. */
  readonly #givenUp = new Map<string, number>();
  #ended: string | undefined;

  /** @throws as StdioProcess does */
  constructor(options: StdioSessionOptions) {
    this.#options = options;
    const { command, args, cwd, credential, log, resultLimitBytes } = options;
    this.#process = new StdioProcess(
      { command, args, cwd, env: credential.env },
      { onMessage: (message) => this.#take(message), onExit: (end) => this.#exited(end) },
      { log, lineLimitBytes: resultLimitBytes },
    );
    if (this.pid !== undefined) log.info('started', { pid: this.pid });
  }

  /** Process id; undefined where it could not be started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Whether it has requests in hand. */
  get busy(): boolean {
    return this.#pending.size > 0;
  }

  /** Sends a request and waits for its response. Never rejects. */
  request(request: OutboundRequest): Promise<UpstreamAnswer> {
    if (this.#ended !== undefined) return Promise.resolve(this.#refused('upstream_unavailable', this.#ended));
    if (request.cancellation.cancelled)
      return Promise.resolve(this.#refused('cancelled', 'was not called: the call was cancelled'));
    return new Promise((resolve) => {
      const onCancel = () => this.#abandon(request.id, this.#refused('cancelled', 'was told that the call is cancelled'));
      const late = (what: TimeOver) => this.#abandon(request.id, this.#refused('upstream_timeout', inWords(what, request)));
      const time = new CallTime(request.timeoutMs, late);
      time.bound(request.limitMs);
      const settle = (answer: UpstreamAnswer) => {
        const pending = this.#pending.get(request.id);
        if (pending === undefined) return;
        time.stop();
        this.#pending.delete(request.id);
        resolve(answer);
      };
      this.#pending.set(request.id, { request, settle, time });
      request.cancellation.onCancel(onCancel);
      this.#process.send(request.body);
    });
  }

  /** Sends a notification. */
  notify(body: Buffer): void {
    this.#process.send(body);
  }

  /** Ends the process; requests in hand are refused. Idempotent. */
  close(): Promise<void> {
    return this.#process.close();
  }

  /** Gives a request up, and says so; `initialize` is never cancelled (MCP 2025-11-25, "Cancellation"). */
  #abandon(id: string, answer: UpstreamAnswer): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    if (pending.request.method !== 'initialize') {
      this.#process.send(cancelledBody(id));
      if (pending.request.method !== LISTEN) this.#givenUp.set(pending.request.owner, performance.now() + LATE_MS);
    }
    pending.settle(answer);
  }

  #take(message: UpstreamMessage): void {
    const { kind, id, method } = message.envelope;
    if (kind === 'response') {
      this.#pending.get(id)?.settle({ kind: 'response', message, status: 200 });
    } else if (kind === 'request') {
      const taker = method === 'ping' ? undefined : this.#taker();
      if (taker?.request.onServerRequest && !taker.time.hasAskedEnough)
        return this.#ask(taker, taker.request.onServerRequest, message);
      this.#process.send(
        method === 'ping' ? resultResponse(id, '{}') : errorResponse(id, -32601, `The gateway does not take ${method} requests.`),
      );
    } else {
      this.#notification(message);
    }
  }

  /**
   * Whose is what the server asks or logs without saying for which call: the process is shared by callers, so that can be told only where
   * one call is in hand, and none of another caller was given up so lately that the server may not have heard.
   */
  #taker(): Pending | undefined {
    const [only, second] = this.#pending.values().filter(({ request }) => request.method !== LISTEN);
    if (only === undefined || second !== undefined) return undefined;
    for (const [owner, untilMs] of this.#givenUp) {
      if (untilMs <= performance.now()) this.#givenUp.delete(owner);
      else if (owner !== only.request.owner) return undefined;
    }
    return only;
  }

  #ask(pending: Pending, take: NonNullable<OutboundRequest['onServerRequest']>, message: UpstreamMessage): void {
    const answered = pending.time.asking();
    take(message, (body) => {
      answered();
      if (this.#ended === undefined) this.#process.send(body);
    });
  }

  #notification(message: UpstreamMessage): void {
    const { method, progressToken } = message.envelope;
    // Names a request of the process's own, whichever call that was for.
    if (method === 'notifications/cancelled') {
      for (const pending of this.#pending.values()) this.#handOver(pending, message);
      return;
    }
    if (method === 'notifications/progress') return this.#handOver(this.#pending.get(progressToken ?? ''), message);
    if (method === 'notifications/message') return this.#handOver(this.#taker(), message);
    const subscription = subscriptionOf(message);
    if (subscription === undefined) this.#options.onUnsolicited(message);
    else this.#handOver(this.#pending.get(subscription), message);
  }

  #handOver(pending: Pending | undefined, message: UpstreamMessage): void {
    if (pending === undefined) return;
    pending.time.heard();
    Promise.resolve(pending.request.onNotification(message)).catch((error: unknown) =>
      this.#options.log.error('a notification was not passed on', { error }),
    );
  }

  #exited({ why, tooLarge }: ProcessEnd): void {
    this.#ended = why;
    // Whose the message was can be told only where one call was in hand.
    const reason = tooLarge && this.#pending.size === 1 ? 'result_too_large' : 'upstream_unavailable';
    for (const pending of this.#pending.values()) pending.settle(this.#refused(reason, why));
    this.#options.onExit(why);
  }

  #refused(reason: 'upstream_unavailable' | 'upstream_timeout' | 'result_too_large' | 'cancelled', what: string): UpstreamAnswer {
    const { upstream } = this.#options;
    return { kind: 'refused', status: 0, refusal: new Refusal(reason, `${upstream} ${what}.`, { upstream }) };
  }
}

/** The request whose subscription a notification belongs to, as JSON text (MCP 2026-07-28, "Subscriptions"); on stdio all share one stream. */
function subscriptionOf({ bytes, envelope }: UpstreamMessage): string | undefined {
  if (envelope.metaRange === undefined) return undefined;
  const meta = JSON.parse(bytes.toString('utf8', envelope.metaRange.start, envelope.metaRange.end)) as Record<string, unknown>;
  return meta[SUBSCRIPTION_ID] === undefined ? undefined : JSON.stringify(meta[SUBSCRIPTION_ID]);
}
