import type { Logger } from '@switchyard/telemetry';
import { Refusal } from '../refusal.js';
import type { OutboundContext, UpstreamMessage } from '../upstream/link.js';
import { both, type Filter, FilterCount, isEmpty, type Kind, kindsOf, passes } from './filter.js';
import { Heard, noticesOf } from './heard.js';
import { Retry } from './retry.js';

/**
 * Why a stream has ended: `lost` may be opened again; `declined`: the upstream has nothing of what was asked for; `over`: what it stood
 * on is no more, a session or the upstream's era.
 */
export type StreamEnd = 'lost' | 'declined' | 'over';

/** Told of a stream. */
export interface StreamEvents {
  /** It stands, and carries this. */
  readonly onHonoured: (honoured: Filter) => void;
  readonly onMessage: (message: UpstreamMessage) => void;
  /** For a time it was not heard. */
  readonly onMissed: () => void;
  /** It has ended, and was not closed. */
  readonly onEnd: (why: StreamEnd) => void;
}

/** Where a feed hears its upstream. Two implementations: by `subscriptions/listen`, and on a legacy session. */
export interface FeedSource {
  /** Opens a stream, beside one that may still stand. @returns what closes it */
  open(filter: Filter, context: OutboundContext, events: StreamEvents): () => void;
  /** What the upstream said for a time nobody has heard. */
  missed(): void;
}

/** Somebody who listens. */
export interface Subscriber {
  readonly take: (heard: Heard) => void;
  /** The feed has ended for good; the place is to be looked for anew. */
  readonly onOver: () => void;
  /** What the upstream is asked with, when it is this subscriber's turn to be asked for. */
  readonly context: () => OutboundContext | Refusal | Promise<OutboundContext | Refusal>;
}

/** A subscriber's place. */
export interface Subscription {
  /**
   * Wants something else from now on.
   * @param told a resource of which the upstream knows by the client's own request
   * @returns what the upstream carries of it, as soon as it has said so; nothing where it ends before
   */
  change(wanted: Filter, told?: string): Promise<Filter>;
  /** Idempotent. */
  leave(): void;
}

interface Member {
  readonly subscriber: Subscriber;
  wanted: Filter;
  /** Whether the upstream was not heard for a time. */
  missed: boolean;
  waiting: PromiseWithResolvers<Filter> | undefined;
}

interface Stream {
  readonly filter: Filter;
  readonly kinds: ReadonlySet<Kind>;
  readonly uris: ReadonlySet<string>;
  close: () => void;
  honoured: Filter;
  unanswered: NodeJS.Timeout | undefined;
}

/** Longest wait for an upstream to say what it honours; a stream that says nothing is taken as it is. */
const ACKNOWLEDGE_MS = 10_000;

/**
 * What one upstream says by itself, for all at this edge who want to hear it: one stream, over the union of what they want. When that
 * changes, the next stream is opened before the one that stands is closed; a stream that breaks is opened again, with growing pauses,
 * and then everybody is told that all they wanted to hear of may have changed.
 */
export class Feed {
  readonly #source: FeedSource;
  readonly #onEmpty: () => void;
  readonly #log: Logger;
  readonly #members = new Set<Member>();
  readonly #wanted = new FilterCount();
  readonly #retry = new Retry();
  #standing: Stream | undefined;
  #next: Stream | undefined;
  /** What the upstream has nothing of. */
  #declined: Filter | undefined;

  /** @param onEmpty told when the last subscriber has left, or the feed is over */
  constructor(source: FeedSource, log: Logger, onEmpty: () => void) {
    this.#source = source;
    this.#log = log;
    this.#onEmpty = onEmpty;
  }

  /** @param missed whether the subscriber has missed what was said before, and is to be told so */
  join(subscriber: Subscriber, missed: boolean): Subscription {
    const member: Member = { subscriber, wanted: {}, missed, waiting: undefined };
    this.#members.add(member);
    return {
      change: (wanted) => this.#change(member, wanted),
      leave: () => this.#leave(member),
    };
  }

  #change(member: Member, wanted: Filter): Promise<Filter> {
    if (!this.#members.has(member)) return Promise.resolve({});
    // In this order, so that what is wanted before and after is wanted all the time.
    this.#wanted.add(wanted);
    this.#wanted.remove(member.wanted);
    member.wanted = wanted;
    member.waiting ??= Promise.withResolvers<Filter>();
    const { promise } = member.waiting;
    this.#reconcile();
    return promise;
  }

  #leave(member: Member): void {
    if (!this.#members.delete(member)) return;
    member.waiting?.resolve({});
    this.#wanted.remove(member.wanted);
    if (this.#members.size > 0) return this.#reconcile();
    this.#close();
    this.#onEmpty();
  }

  #close(): void {
    this.#retry.stop();
    for (const stream of [this.#standing, this.#next]) if (stream) this.#drop(stream);
    this.#standing = undefined;
    this.#next = undefined;
  }

  #drop(stream: Stream): void {
    clearTimeout(stream.unanswered);
    stream.close();
  }

  #reconcile(): void {
    const { union } = this.#wanted;
    if (isEmpty(union)) this.#close();
    this.#settle();
    // One at a time: what is wanted meanwhile is asked for together.
    if (isEmpty(union) || this.#next !== undefined || this.#retry.isPending) return;
    if (this.#standing?.filter === union || this.#declined === union) return;
    this.#open(union).catch((error: unknown) => this.#log.error('a stream was not opened', { error }));
  }

  async #open(filter: Filter): Promise<void> {
    const stream: Stream = {
      filter,
      kinds: new Set(kindsOf(filter)),
      uris: new Set(filter.resourceSubscriptions),
      close: () => undefined,
      honoured: {},
      unanswered: undefined,
    };
    this.#next = stream;
    const [asker] = this.#members;
    const context = await asker?.subscriber.context();
    if (this.#next !== stream) return;
    if (context === undefined || context instanceof Refusal) return this.#ended(stream, 'lost');
    stream.unanswered = setTimeout(() => this.#stands(stream, {}), ACKNOWLEDGE_MS).unref();
    stream.close = this.#source.open(filter, context, {
      onHonoured: (honoured) => this.#stands(stream, honoured),
      onMessage: (message) => {
        if (stream === this.#standing || stream === this.#next) this.#deliver(message);
      },
      onMissed: () => this.#missed(stream),
      onEnd: (why) => this.#ended(stream, why),
    });
  }

  #stands(stream: Stream, honoured: Filter): void {
    if (this.#next !== stream) return;
    clearTimeout(stream.unanswered);
    const before = this.#standing;
    this.#next = undefined;
    this.#standing = stream;
    this.#declined = undefined;
    this.#retry.succeeded();
    for (const member of this.#members) {
      if (!member.missed) continue;
      this.#source.missed();
      break;
    }
    stream.honoured = both(stream.filter, honoured);
    if (before) this.#drop(before);
    this.#reconcile();
  }

  #missed(stream: Stream): void {
    if (stream !== this.#standing) return;
    for (const member of this.#members) member.missed = true;
    this.#source.missed();
    this.#settle();
  }

  #ended(stream: Stream, why: StreamEnd): void {
    if (stream !== this.#next && stream !== this.#standing) return;
    clearTimeout(stream.unanswered);
    if (why === 'over') return this.#over();
    if (stream === this.#next) this.#next = undefined;
    else this.#standing = undefined;
    if (why === 'declined') this.#declined = stream.filter;
    else {
      for (const member of this.#members) member.missed ||= this.#standing === undefined || member.waiting !== undefined;
      if (this.#next === undefined) this.#retry.again(() => this.#reconcile());
    }
    this.#reconcile();
  }

  #over(): void {
    const members = [...this.#members];
    this.#members.clear();
    this.#close();
    this.#onEmpty();
    for (const { waiting, subscriber } of members) {
      waiting?.resolve({});
      subscriber.onOver();
    }
  }

  /** Tells those who wait what the upstream carries, and those who could not hear it that they have missed something. */
  #settle(): void {
    for (const member of this.#members) {
      if (member.waiting === undefined && !member.missed) continue;
      const honoured = this.#honoured(member.wanted);
      if (honoured === undefined) continue;
      member.waiting?.resolve(honoured);
      member.waiting = undefined;
      if (!member.missed || this.#standing === undefined) continue;
      member.missed = false;
      for (const notice of noticesOf(honoured)) member.subscriber.take(notice);
    }
  }

  /** What is carried of this; undefined where the upstream has not yet been asked for all of it. */
  #honoured(wanted: Filter): Filter | undefined {
    const stream = this.#standing;
    const isAsked =
      stream !== undefined &&
      kindsOf(wanted).every((kind) => stream.kinds.has(kind)) &&
      (wanted.resourceSubscriptions ?? []).every((uri) => stream.uris.has(uri));
    if (isAsked) return both(wanted, stream.honoured);
    return isEmpty(wanted) || this.#declined === this.#wanted.union ? {} : undefined;
  }

  #deliver(message: UpstreamMessage): void {
    let heard: Heard | undefined;
    for (const { wanted, subscriber } of this.#members) {
      if (passes(wanted, message.envelope)) subscriber.take((heard ??= Heard.from(message)));
    }
  }
}
