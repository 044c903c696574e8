import { AckPolicy, DeliverPolicy, ReplayPolicy, type JetStreamManager } from '@nats-io/jetstream';
import { createInbox, nanos, type Msg, type Subscription } from '@nats-io/nats-core';
import { deliveryOf, type NatsLink } from '@switchyard/messaging';

/** What a feed reads and whom it tells. */
export interface FeedOptions {
  readonly link: NatsLink;
  readonly manager: JetStreamManager;
  readonly stream: string;
  readonly filterSubject: string;
  /** Without values: for listing keys. */
  readonly headersOnly: boolean;
  readonly onMessage: (message: Msg, revision: number) => void;
  /** Everything that stood when the feed started was handed over. Called once. */
  readonly onCaughtUp: () => void;
  /** The feed has ended: a message was missed, or the server fell silent. Called once; start a new one. */
  readonly onBroken: (reason: string) => void;
}

const heartbeatMs = 2_000;
const silenceMs = 3 * heartbeatMs;

/**
 * The last message of every subject, and then every new one, in order. An ordered ephemeral consumer that, other than the
 * client library's, gives up at the first doubt (after 6 s of silence, not 60): starting over is cheap and tells the truth.
 */
export class NatsFeed {
  readonly #options: FeedOptions;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  #silenceTimer: NodeJS.Timeout | undefined;
  #delivered = 0;
  #expected: number | undefined;
  #caughtUp = false;
  #ended = false;

  /** @throws what JetStream answers when the consumer cannot be made */
  static async start(options: FeedOptions): Promise<NatsFeed> {
    const feed = new NatsFeed(options);
    try {
      await feed.#createConsumer();
      return feed;
    } catch (error) {
      feed.close();
      throw error;
    }
  }

  private constructor(options: FeedOptions) {
    this.#options = options;
    this.#inbox = createInbox(options.link.inboxPrefix);
    this.#subscription = options.link.connection.subscribe(this.#inbox, {
      callback: (error, message) => this.#receive(error, message),
    });
    this.#awaitSign();
  }

  /** Ends it. The server removes the consumer when it notices that nobody listens. Idempotent. */
  close(): void {
    this.#ended = true;
    clearTimeout(this.#silenceTimer);
    if (!this.#subscription.isClosed() && !this.#options.link.connection.isClosed()) this.#subscription.unsubscribe();
  }

  async #createConsumer(): Promise<void> {
    const { manager, stream, filterSubject, headersOnly } = this.#options;
    const info = await manager.consumers.add(stream, {
      deliver_subject: this.#inbox,
      deliver_policy: DeliverPolicy.LastPerSubject,
      replay_policy: ReplayPolicy.Instant,
      ack_policy: AckPolicy.None,
      filter_subject: filterSubject,
      headers_only: headersOnly,
      max_deliver: 1,
      mem_storage: true,
      num_replicas: 1,
      flow_control: true,
      idle_heartbeat: nanos(heartbeatMs),
      inactive_threshold: nanos(30_000),
    });
    this.#expected = info.num_pending + info.delivered.consumer_seq;
    this.#checkCaughtUp();
  }

  #receive(error: Error | null, message: Msg): void {
    if (this.#ended) return;
    if (error) return this.#break(`the subscription was refused: ${error.message}`);
    this.#awaitSign();
    if (message.subject === this.#inbox) return this.#receiveStatus(message);
    const { streamSequence, deliverySequence, pending } = deliveryOf(message.reply ?? '');
    if (deliverySequence !== this.#delivered + 1) return this.#break('a message was missed');
    this.#delivered = deliverySequence;
    this.#options.onMessage(message, streamSequence);
    this.#checkCaughtUp(pending === 0);
  }

  /** Flow control and heartbeats: NATS ADR-9 and "push consumers". */
  #receiveStatus(message: Msg): void {
    if (message.headers?.code !== 100)
      return this.#break(`JetStream answered with ${message.headers?.code} ${message.headers?.description}`);
    if (message.reply) {
      message.respond();
      return;
    }
    const stalled = message.headers.get('Nats-Consumer-Stalled');
    if (stalled) this.#options.link.connection.publish(stalled);
    const lastSent = Number(message.headers.get('Nats-Last-Consumer'));
    if (lastSent > this.#delivered) this.#break('a message was missed');
    // An idle server has sent all there is, also where a message that it counted at the start has gone since.
    else if (!stalled) this.#checkCaughtUp(true);
  }

  #checkCaughtUp(nothingPending = false): void {
    if (this.#caughtUp || this.#expected === undefined) return;
    if (!nothingPending && this.#delivered < this.#expected) return;
    this.#caughtUp = true;
    this.#options.onCaughtUp();
  }

  #awaitSign(): void {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => this.#break('JetStream fell silent'), silenceMs);
  }

  #break(reason: string): void {
    if (this.#ended) return;
    this.close();
    this.#options.onBroken(reason);
  }
}
