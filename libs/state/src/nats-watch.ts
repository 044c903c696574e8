import type { Msg } from '@nats-io/nats-core';
import { pause, pauseAfter, type NatsLink } from '@switchyard/messaging';
import { StateUnavailable, type KvChange, type KvWatch } from './kv.js';
import { isDeletion } from './nats-entry.js';
import { NatsFeed, type FeedOptions } from './nats-feed.js';

/** What a watch stands on. */
export interface NatsWatchOptions {
  readonly link: NatsLink;
  readonly feed: Pick<FeedOptions, 'manager' | 'stream' | 'filterSubject'>;
  readonly keyOf: (subject: string) => string;
  /** Revision of the newest write that the watch is of, as the stream's leader has it; 0 where there is none. */
  readonly newest: () => Promise<number>;
  readonly onChange: (change: KvChange) => void;
}

interface RunningFeed {
  readonly feed: NatsFeed;
  readonly ended: Promise<void>;
}

const retry = { firstMs: 50, longestMs: 5_000 };
/** Longest wait for what the leader has and the watch has not shown yet. */
const behindMs = 2_000;

/**
 * A watch that survives whatever happens to the server: after any doubt it reads everything again and tells what changed
 * meanwhile, deletions included (their markers may be gone by then).
 */
export class NatsWatch implements KvWatch {
  readonly #options: NatsWatchOptions;
  readonly #closing = new AbortController();
  readonly #ready = Promise.withResolvers<void>();
  /** Revision of every key that was handed over and not deleted. */
  readonly #known = new Map<string, number>();
  readonly #forgetReconnects: () => void;
  /** Keys that a feed has shown while it catches up; known ones that it did not show are gone. */
  #shown: Set<string> | undefined;
  #endFeed: () => void = () => undefined;
  /** Revision that the running feed has come to. */
  #position = 0;
  readonly #waiting = new Set<{ readonly revision: number; readonly reached: () => void }>();

  /** @throws what JetStream answers when the first feed cannot be made */
  static async start(options: NatsWatchOptions): Promise<NatsWatch> {
    const watch = new NatsWatch(options);
    try {
      const feed = await watch.#startFeed();
      void watch.#run(feed);
      return watch;
    } catch (error) {
      await watch.close();
      throw error;
    }
  }

  private constructor(options: NatsWatchOptions) {
    this.#options = options;
    this.#forgetReconnects = options.link.onReconnect(() => this.#endFeed());
    // Nobody has to await it.
    this.#ready.promise.catch(() => undefined);
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  async confirm(): Promise<void> {
    const revision = await this.#options.newest();
    if (this.#isOver) throw new StateUnavailable('the watch is closed');
    if (this.#position >= revision) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { revision, reached: resolve };
    const timer = setTimeout(() => reject(new StateUnavailable('the watch is behind')), behindMs);
    this.#waiting.add(waiting);
    await promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(waiting);
    });
  }

  close(): Promise<void> {
    this.#closing.abort();
    this.#forgetReconnects();
    this.#endFeed();
    this.#ready.reject(new StateUnavailable('the watch was closed before it had read everything'));
    return Promise.resolve();
  }

  get #isOver(): boolean {
    return this.#closing.signal.aborted || this.#options.link.connection.isClosed();
  }

  async #run(first: RunningFeed): Promise<void> {
    let running: RunningFeed | undefined = first;
    let failures = 0;
    while (!this.#isOver) {
      if (running) {
        await running.ended;
        running.feed.close();
        failures = 0;
      } else {
        failures += 1;
        await pause(pauseAfter(failures, retry), this.#closing.signal);
      }
      running = this.#isOver ? undefined : await this.#startFeed().catch(() => undefined);
    }
    running?.feed.close();
  }

  async #startFeed(): Promise<RunningFeed> {
    const ended = Promise.withResolvers<void>();
    this.#endFeed = ended.resolve;
    this.#shown = new Set();
    this.#position = 0;
    const feed = await NatsFeed.start({
      ...this.#options.feed,
      link: this.#options.link,
      headersOnly: false,
      onMessage: (message, revision) => {
        this.#receive(message, revision);
        this.#come(revision);
      },
      onCaughtUp: () => this.#catchUp(),
      onBroken: () => ended.resolve(),
    });
    return { feed, ended: ended.promise };
  }

  #come(revision: number): void {
    this.#position = revision;
    for (const waiting of this.#waiting) if (waiting.revision <= revision) waiting.reached();
  }

  #receive(message: Msg, revision: number): void {
    const key = this.#options.keyOf(message.subject);
    if (isDeletion(message.headers)) return this.#forget(key);
    this.#shown?.add(key);
    if (revision <= (this.#known.get(key) ?? 0)) return;
    this.#known.set(key, revision);
    this.#options.onChange({ kind: 'put', entry: { key, value: message.data, revision } });
  }

  #forget(key: string): void {
    this.#shown?.delete(key);
    if (this.#known.delete(key)) this.#options.onChange({ kind: 'delete', key });
  }

  #catchUp(): void {
    const shown = this.#shown ?? new Set();
    this.#shown = undefined;
    const gone = [...this.#known.keys()].filter((key) => !shown.has(key));
    gone.forEach((key) => this.#forget(key));
    this.#ready.resolve();
  }
}
