import { JetStreamApiError, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { errors, headers, nuid, type MsgHdrs } from '@nats-io/nats-core';
import { pause, type NatsLink } from '@switchyard/messaging';
import { keyToken, textOfToken } from './key-token.js';
import { StateUnavailable, type CasResult, type KvChange, type KvEntry, type KvStore, type KvWatch } from './kv.js';
import type { NatsBreaker } from './nats-breaker.js';
import { isDeletion, operationHeader, writeIdHeader } from './nats-entry.js';
import { NatsFeed } from './nats-feed.js';
import { NatsWatch } from './nats-watch.js';
import { ttlSeconds, type WriteOptions } from './ttl.js';

/** What a NatsKv stands on. */
export interface NatsKvParts {
  readonly link: NatsLink;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  /** Name of the bucket's stream. */
  readonly stream: string;
  /** Of the bucket, whoever uses it. */
  readonly breaker: NatsBreaker;
  /** Subject of the tenant's part of the bucket, without the key. */
  readonly prefix: string;
}

/** The last message of a key: its value, or the mark that it is gone. */
interface Last {
  readonly revision: number;
  readonly value: Uint8Array;
  readonly isDeletion: boolean;
  readonly writeId: string;
}

const deletionMarkTtl = '3600s';
const attempts = 5;

/** One tenant's part of a JetStream key-value bucket (NATS ADR-8). Reads are answered by the stream's leader. */
export class NatsKv implements KvStore {
  readonly #parts: NatsKvParts;

  constructor(parts: NatsKvParts) {
    this.#parts = parts;
  }

  async get(key: string): Promise<KvEntry | undefined> {
    const last = await this.#last(key);
    return last && !last.isDeletion ? { key, value: last.value, revision: last.revision } : undefined;
  }

  async put(key: string, value: Uint8Array, options: WriteOptions = {}): Promise<number> {
    return this.#reach('put', () => this.#publish(key, value, writeHeaders(options)));
  }

  async create(key: string, value: Uint8Array, options: WriteOptions = {}): Promise<CasResult> {
    let expected = 0;
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      const written = await this.#writeAt(key, expected, value, writeHeaders(options));
      if (written.ok) return written;
      const last = await this.#last(key);
      if (last && !last.isDeletion) return { ok: false };
      expected = last?.revision ?? 0;
    }
    throw new StateUnavailable('the key changes faster than it can be created');
  }

  async update(key: string, value: Uint8Array, revision: number, options: WriteOptions = {}): Promise<CasResult> {
    return this.#writeAt(key, revision, value, writeHeaders(options));
  }

  async delete(key: string, revision?: number): Promise<CasResult> {
    if (revision !== undefined) {
      const deleted = await this.#writeAt(key, revision, new Uint8Array(), deletionHeaders());
      return deleted.ok ? { ok: true, revision } : deleted;
    }
    const last = await this.#last(key);
    if (last && !last.isDeletion) await this.#reach('delete', () => this.#publish(key, new Uint8Array(), deletionHeaders()));
    return { ok: true, revision: last?.revision ?? 0 };
  }

  async keys(prefix = ''): Promise<string[]> {
    const found = new Set<string>();
    const done = Promise.withResolvers<void>();
    const feed = await this.#reach('keys', () =>
      NatsFeed.start({
        ...this.#feedOptions(),
        link: this.#parts.link,
        headersOnly: true,
        onMessage: ({ subject, headers: marks }) => {
          if (isDeletion(marks)) found.delete(this.#keyOf(subject));
          else found.add(this.#keyOf(subject));
        },
        onCaughtUp: done.resolve,
        onBroken: (reason) => done.reject(new StateUnavailable(`keys: ${reason}`)),
      }),
    );
    try {
      await done.promise;
      return [...found].filter((key) => key.startsWith(prefix));
    } finally {
      feed.close();
    }
  }

  async watch(onChange: (change: KvChange) => void): Promise<KvWatch> {
    const options = {
      link: this.#parts.link,
      feed: this.#feedOptions(),
      keyOf: (subject: string) => this.#keyOf(subject),
      newest: () => this.#newest(),
      onChange,
    };
    return this.#reach('watch', () => NatsWatch.start(options));
  }

  #feedOptions() {
    return { manager: this.#parts.manager, stream: this.#parts.stream, filterSubject: `${this.#parts.prefix}.*` };
  }

  #keyOf(subject: string): string {
    return textOfToken(subject.slice(this.#parts.prefix.length + 1));
  }

  #subject(key: string): string {
    return `${this.#parts.prefix}.${keyToken(key)}`;
  }

  async #publish(key: string, value: Uint8Array, marks: MsgHdrs): Promise<number> {
    const { breaker, client } = this.#parts;
    const ack = await breaker.run(() => client.publish(this.#subject(key), value, { headers: marks }));
    return ack.seq;
  }

  async #last(key: string): Promise<Last | undefined> {
    const subject = this.#subject(key);
    const stored = await this.#reach('get', () => this.#lastBy(subject));
    if (!stored) return undefined;
    return {
      revision: stored.seq,
      value: stored.data,
      isDeletion: isDeletion(stored.header),
      writeId: stored.header.get(writeIdHeader),
    };
  }

  async #newest(): Promise<number> {
    const newest = await this.#reach('confirm', () => this.#lastBy(`${this.#parts.prefix}.*`));
    return newest?.seq ?? 0;
  }

  #lastBy(subject: string) {
    const { breaker, manager, stream } = this.#parts;
    return breaker.run(() => manager.streams.getMessage(stream, { last_by_subj: subject }));
  }

  /**
   * Writes where the key's last message is `expected`. An error is never taken as an answer: the key is read again, and it
   * says whether this write is what stands there.
   */
  async #writeAt(key: string, expected: number, value: Uint8Array, marks: MsgHdrs): Promise<CasResult> {
    const writeId = nuid.next();
    marks.set(writeIdHeader, writeId);
    marks.set('Nats-Expected-Last-Subject-Sequence', String(expected));
    for (let attempt = 1; ; attempt += 1) {
      try {
        return { ok: true, revision: await this.#publish(key, value, marks) };
      } catch (error) {
        if (isMisuse(error)) throw error;
        const last = await this.#last(key);
        if (last?.writeId === writeId) return { ok: true, revision: last.revision };
        const refused = error instanceof JetStreamApiError;
        if (refused && (last?.revision ?? 0) !== expected) return { ok: false };
        // Refused though the key stands where it should: in a cluster another write to it is under way, which may come to nothing.
        if (!refused || attempt === attempts) throw new StateUnavailable('the write was not confirmed', { cause: error });
        await pause(20 * attempt);
      }
    }
  }

  async #reach<T>(operation: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (cause) {
      if (isMisuse(cause) || cause instanceof StateUnavailable) throw cause;
      throw new StateUnavailable(`${operation}: JetStream did not answer as it should`, { cause });
    }
  }
}

function writeHeaders(options: WriteOptions): MsgHdrs {
  const marks = headers();
  const seconds = ttlSeconds(options);
  if (seconds !== undefined) marks.set('Nats-TTL', `${seconds}s`);
  return marks;
}

/** The mark of a deletion goes by itself: whoever missed it reads everything again. */
function deletionHeaders(): MsgHdrs {
  const marks = headers();
  marks.set(operationHeader, 'DEL');
  marks.set('Nats-TTL', deletionMarkTtl);
  return marks;
}

/** Faults of the caller, which no later try heals. */
function isMisuse(error: unknown): boolean {
  return (
    error instanceof RangeError || error instanceof errors.InvalidArgumentError || error instanceof errors.InvalidSubjectError
  );
}
