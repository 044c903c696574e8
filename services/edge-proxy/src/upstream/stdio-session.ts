import { errorResponse, resultResponse } from '@switchyard/mcp';
import type { CredentialMaterial } from '@switchyard/contracts';
import type { Logger } from '@switchyard/telemetry';
import { Refusal } from '../refusal.js';
import type { OutboundRequest, UpstreamAnswer, UpstreamMessage } from './link.js';
import { cancelledBody } from './profile.js';
import { StdioProcess } from './stdio-process.js';

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
  timer: NodeJS.Timeout;
}

/** One running local server and the requests that it has in hand. */
export class StdioSession {
  readonly #options: StdioSessionOptions;
  readonly #process: StdioProcess;
  readonly #pending = new Map<string, Pending>();
  #ended: string | undefined;

  constructor(options: StdioSessionOptions) {
    this.#options = options;
    const { command, args, cwd, credential, log, resultLimitBytes } = options;
    this.#process = new StdioProcess(
      { command, args, cwd, env: credential.env },
      { onMessage: (message) => this.#take(message), onExit: (why) => this.#exited(why) },
      { log, lineLimitBytes: resultLimitBytes },
    );
    log.info('started', { pid: this.#process.pid ?? 0 });
  }

  /** Sends a request and waits for its response. Never rejects. */
  request(request: OutboundRequest): Promise<UpstreamAnswer> {
    if (this.#ended !== undefined) return Promise.resolve(this.#refused('upstream_unavailable', this.#ended));
    if (request.signal.aborted) return Promise.resolve(this.#refused('cancelled', 'was not called: the call was cancelled'));
    return new Promise((resolve) => {
      const onAbort = () => this.#cancel(request.id);
      const settle = (answer: UpstreamAnswer) => {
        const pending = this.#pending.get(request.id);
        if (pending === undefined) return;
        clearTimeout(pending.timer);
        this.#pending.delete(request.id);
        request.signal.removeEventListener('abort', onAbort);
        resolve(answer);
      };
      this.#pending.set(request.id, { request, settle, timer: this.#deadline(request) });
      request.signal.addEventListener('abort', onAbort);
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

  #deadline(request: OutboundRequest): NodeJS.Timeout {
    return setTimeout(() => {
      const pending = this.#pending.get(request.id);
      pending?.settle(this.#refused('upstream_timeout', `did not answer within ${request.timeoutMs} ms`));
      this.#tellCancelled(request.id);
    }, request.timeoutMs);
  }

  #cancel(id: string): void {
    this.#tellCancelled(id);
    this.#pending.get(id)?.settle(this.#refused('cancelled', 'was told that the call is cancelled'));
  }

  #tellCancelled(id: string): void {
    this.#process.send(cancelledBody(id));
  }

  #take(message: UpstreamMessage): void {
    const { kind, id, method } = message.envelope;
    if (kind === 'response') {
      this.#pending.get(id)?.settle({ kind: 'response', message, status: 200 });
    } else if (kind === 'request') {
      this.#process.send(
        method === 'ping' ? resultResponse(id, '{}') : errorResponse(id, -32601, `The gateway does not take ${method} requests.`),
      );
    } else {
      this.#notification(message);
    }
  }

  #notification(message: UpstreamMessage): void {
    const { method, progressToken } = message.envelope;
    if (method === 'notifications/progress') return this.#handOver(this.#pending.get(progressToken ?? ''), message);
    if (method !== 'notifications/message') return this.#options.onUnsolicited(message);
    // The process is shared by callers: a log message has an owner only where one call is in hand; otherwise it would leak.
    if (this.#pending.size === 1) this.#handOver(this.#pending.values().next().value, message);
  }

  #handOver(pending: Pending | undefined, message: UpstreamMessage): void {
    if (pending === undefined) return;
    clearTimeout(pending.timer);
    pending.timer = this.#deadline(pending.request);
    void pending.request.onNotification(message);
  }

  #exited(why: string): void {
    this.#ended = why;
    for (const pending of [...this.#pending.values()]) pending.settle(this.#refused('upstream_unavailable', why));
    this.#options.onExit(why);
  }

  #refused(reason: 'upstream_unavailable' | 'upstream_timeout' | 'cancelled', what: string): UpstreamAnswer {
    const { upstream } = this.#options;
    return { kind: 'refused', status: 0, refusal: new Refusal(reason, `${upstream} ${what}.`, { upstream }) };
  }
}
