import { createInbox, nanos, type Msg, type NatsConnection, type Subscription } from '@nats-io/nats-core';
import { BusUnavailable } from './bus.js';
import type { NatsLink } from './nats-link.js';
import { fulfilledWithin } from './pause.js';
import { PulledMessage } from './pulled-message.js';

/** What to pull. */
export interface PullRequest {
  readonly stream: string;
  readonly durable: string;
  readonly batchMessages: number;
  /** Absent: no limit. */
  readonly batchBytes?: number;
  /** How long a batch may fill, from its first message on. */
  readonly batchWaitMs: number;
}

/** A pulled batch. */
export interface PulledBatch {
  readonly messages: readonly PulledMessage[];
  /** Whether it is empty because the next message alone is larger than `batchBytes`. */
  readonly tooBig: boolean;
  /** Whether it ended because no more was to be in it, not because no more came. */
  readonly isFull: boolean;
}

const expiresMs = 30_000;
const heartbeatMs = 5_000;
const drainTimeoutMs = 2_000;

/**
 * Pulls one batch: waits for a first message, then until the batch is full or its time is up. No message gets lost between
 * server and batch: ending early means to unsubscribe and then to take whatever was sent before the server knew.
 * @param stop ends the wait; messages that came so far are in the batch
 * @throws BusUnavailable when the server falls silent or says that the consumer is not there
 */
export async function pullBatch(link: NatsLink, request: PullRequest, stop: AbortSignal): Promise<PulledBatch> {
  const pull = new Pull(link, request);
  const end = () => pull.end();
  stop.addEventListener('abort', end);
  try {
    if (stop.aborted) pull.end();
    return await pull.result;
  } finally {
    stop.removeEventListener('abort', end);
  }
}

class Pull {
  readonly result: Promise<PulledBatch>;
  readonly #messages: PulledMessage[] = [];
  readonly #subscription: Subscription;
  readonly #request: PullRequest;
  readonly #connection: NatsConnection;
  readonly #ended = Promise.withResolvers<void>();
  #tooBig = false;
  #isFull = false;
  #failure: BusUnavailable | undefined;
  #fillTimer: NodeJS.Timeout | undefined;
  #silenceTimer: NodeJS.Timeout | undefined;

  constructor({ connection, inboxPrefix }: NatsLink, request: PullRequest) {
    this.#connection = connection;
    this.#request = request;
    const inbox = createInbox(inboxPrefix);
    this.#subscription = connection.subscribe(inbox, { callback: (error, message) => this.#receive(error, message, inbox) });
    this.#watchForSilence();
    connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${request.stream}.${request.durable}`, this.#pullRequest(), { reply: inbox });
    this.result = this.#finish();
  }

  end(): void {
    this.#ended.resolve();
  }

  #pullRequest(): string {
    return JSON.stringify({
      batch: this.#request.batchMessages,
      ...(this.#request.batchBytes === undefined ? {} : { max_bytes: this.#request.batchBytes }),
      expires: nanos(expiresMs),
      idle_heartbeat: nanos(heartbeatMs),
    });
  }

  #receive(error: Error | null, message: Msg, inbox: string): void {
    if (error) return this.#fail('the subscription for pulled messages was refused', error);
    this.#watchForSilence();
    if (message.subject === inbox) return this.#receiveStatus(message);
    this.#messages.push(new PulledMessage(this.#connection, message));
    if (this.#messages.length >= this.#request.batchMessages) return this.#endFull();
    this.#fillTimer ??= setTimeout(() => this.end(), this.#request.batchWaitMs);
  }

  /** Status codes of a pull: NATS ADR-37, "Pull requests". */
  #receiveStatus(message: Msg): void {
    const code = message.headers?.code ?? 0;
    const description = message.headers?.description ?? '';
    if (code === 100) return;
    if (code === 404 || code === 408) return this.end();
    if (code !== 409) return this.#fail(`JetStream answered a pull with ${code} ${description}`);
    // 409 is several things, which only the description tells apart: the ends of a batch by size or count, and a consumer
    // that is gone or moves to another server.
    if (/message size exceeds maxbytes/i.test(description)) return this.#endBySize();
    if (/batch completed/i.test(description)) return this.#endFull();
    return this.#fail(`JetStream answered a pull with ${code} ${description}`);
  }

  #endBySize(): void {
    this.#tooBig = this.#messages.length === 0;
    this.#endFull();
  }

  #endFull(): void {
    this.#isFull = true;
    this.end();
  }

  #fail(reason: string, cause?: Error): void {
    this.#failure = new BusUnavailable(`${this.#request.stream}: ${reason}`, { cause });
    this.end();
  }

  /** Two missed heartbeats: the server is gone, or has forgotten this pull. */
  #watchForSilence(): void {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => this.#fail('JetStream fell silent'), 2 * heartbeatMs + 1_000);
  }

  async #finish(): Promise<PulledBatch> {
    await this.#ended.promise;
    clearTimeout(this.#fillTimer);
    clearTimeout(this.#silenceTimer);
    await this.#drain();
    if (this.#failure && this.#messages.length === 0) throw this.#failure;
    return { messages: this.#messages, tooBig: this.#tooBig, isFull: this.#isFull };
  }

  /** Unsubscribes and takes what is under way; without a server to confirm that, only unsubscribes. */
  async #drain(): Promise<void> {
    if (this.#subscription.isClosed()) return;
    const drained = this.#subscription.drain().catch((cause: unknown) => {
      this.#failure ??= new BusUnavailable(`${this.#request.stream}: the connection went away during a pull`, { cause });
    });
    await fulfilledWithin(drained, drainTimeoutMs);
    clearTimeout(this.#silenceTimer);
  }
}
