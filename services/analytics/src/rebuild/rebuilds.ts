import { BUCKETS, EVENTS_STREAM } from '@switchyard/contracts';
import { pause, type Bus, type StreamMessage } from '@switchyard/messaging';
import type { Clock } from '@switchyard/runtime';
import type { KvStore, State } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';
import { randomUUID } from 'node:crypto';
import type { Engine } from '../engine/engine.js';
import { occurredAt } from '../ingest/message-lines.js';
import { storeBatch } from '../ingest/store-batch.js';
import { streamRest, type StreamRest } from './stream-rest.js';
import { loadRebuild, saveRebuild, type RebuildRecord, type StoredRecord } from './rebuild-record.js';

/** What rebuilding stands on. */
export interface RebuildsDeps {
  readonly bus: Bus;
  readonly state: State;
  readonly engine: Engine;
  readonly tenant: string;
  /** Stores the checkpoints again whose events are in the database. @returns how many there are */
  readonly restoreCheckpoints: () => Promise<number>;
  readonly clock: Clock;
  readonly log: Logger;
}

const PAGE = { messages: 1_000, bytes: 16 * 1024 ** 2, fillMs: 100 };
const LOOK_EVERY_MS = 2_000;
const RETRY_MS = 2_000;
/** A rebuild that has not moved for so long is nobody's. Longer than a page takes, and than the stream may keep a reader waiting. */
const ABANDONED_MS = 120_000;
/** A reader that was given nothing as often as this has come to the end of what is left. */
const EMPTY_PAGES = 2;

/**
 * Stores what is still in the stream again, from its beginning on, beside ingestion: whatever is there already changes nothing that can be
 * read. One at a time; another replica goes on where one was killed.
 */
export class Rebuilds {
  readonly #deps: RebuildsDeps;
  readonly #kv: KvStore;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  /** The one that this process works on. */
  #own: string | undefined;
  #seen: { readonly revision: number; readonly atMicros: number } | undefined;
  #wake = Promise.withResolvers<void>();

  /** @throws StateUnavailable */
  static async open(deps: RebuildsDeps): Promise<Rebuilds> {
    return new Rebuilds(deps, await deps.state.bucket(BUCKETS.checkpoints, deps.tenant));
  }

  private constructor(deps: RebuildsDeps, kv: KvStore) {
    this.#deps = deps;
    this.#kv = kv;
    this.#ended = this.#run();
  }

  /**
   * Begins one, unless one runs.
   * @param partial whether to begin although the stream has no more what came first
   * @returns what is left, where that is not everything and `partial` is not set
   * @throws StreamNotKept where there is nothing to read; BusUnavailable, StateUnavailable
   */
  async start({ partial }: { readonly partial: boolean }): Promise<RebuildRecord | StreamRest> {
    const before = await this.latest();
    if (before?.record.state === 'running') return before.record;
    const rest = await streamRest(this.#deps.bus, this.#closing.signal);
    if (!rest.isWhole && !partial) return rest;
    const record: RebuildRecord = {
      id: randomUUID(),
      state: 'running',
      startedAtMs: this.#deps.clock.now(),
      until: rest.last,
      after: 0,
      gone: 0,
      events: 0,
      deadLetters: 0,
      checkpoints: 0,
    };
    const revision = await saveRebuild(this.#kv, record, before?.revision);
    if (revision === undefined) return this.start({ partial });
    this.#own = record.id;
    this.#wake.resolve();
    return record;
  }

  /** The newest one; undefined where there never was one. @throws StateUnavailable */
  latest(): Promise<StoredRecord | undefined> {
    return loadRebuild(this.#kv);
  }

  /** Leaves what it has begun to others, or to the next start. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake.resolve();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      let waitMs = LOOK_EVERY_MS;
      try {
        const found = await this.latest();
        if (found?.record.state === 'running' && this.#isMine(found)) await this.#replay(found);
      } catch (error) {
        if (signal.aborted) return;
        this.#deps.log.warn('the database could not be rebuilt further; that is tried again', { error });
        waitMs = RETRY_MS;
      }
      await Promise.race([pause(waitMs, signal), this.#wake.promise]);
      this.#wake = Promise.withResolvers();
    }
  }

  #isMine({ record, revision }: StoredRecord): boolean {
    if (record.id === this.#own) return true;
    const nowMicros = this.#deps.clock.monotonicMicros();
    if (this.#seen?.revision !== revision) this.#seen = { revision, atMicros: nowMicros };
    if (nowMicros - this.#seen.atMicros < ABANDONED_MS * 1_000) return false;
    this.#own = record.id;
    return true;
  }

  async #replay({ record: found, revision: foundRevision }: StoredRecord): Promise<void> {
    const { bus, clock, log } = this.#deps;
    const reader = await bus.read(EVENTS_STREAM, found.after);
    let [record, revision]: [RebuildRecord, number | undefined] = [found, foundRevision];
    try {
      for (let empty = 0; record.after < record.until && empty < EMPTY_PAGES;) {
        const read = await reader.next({ ...PAGE, signal: this.#closing.signal });
        if (this.#closing.signal.aborted) return;
        empty = read.length === 0 ? empty + 1 : 0;
        const startedAt = performance.now();
        record = await this.#stored(record, read);
        revision = await saveRebuild(this.#kv, record, revision);
        if (revision === undefined) return this.#leave();
        // Ingestion and questions get at least half of the time.
        await pause(performance.now() - startedAt, this.#closing.signal);
      }
    } finally {
      await reader.close();
    }
    const left = record.until - Math.min(record.until, record.after);
    const checkpoints = await this.#deps.restoreCheckpoints();
    record = { ...record, state: 'done', gone: record.gone + left, checkpoints, endedAtMs: clock.now() };
    await saveRebuild(this.#kv, record, revision);
    this.#leave();
    log.info('the database was rebuilt from the stream', { count: record.events });
  }

  async #stored(record: RebuildRecord, read: readonly StreamMessage[]): Promise<RebuildRecord> {
    const messages = read.filter(({ sequence }) => Number(sequence) <= record.until);
    const [first, last] = [messages[0], messages.at(-1)];
    // What was read has come since; what should be before it has gone.
    if (first === undefined || last === undefined)
      return read.length === 0 ? record : { ...record, gone: record.gone + record.until - record.after, after: record.until };
    // Under a name of its own: an insert that the engine knows it drops, although the rows may have gone since.
    const { rows, deadLetters } = await storeBatch(this.#deps.engine, messages, `rebuild ${record.id} `);
    const missing = Number(last.sequence) - record.after - messages.length;
    return {
      ...record,
      after: Number(last.sequence),
      gone: record.gone + missing,
      events: record.events + rows,
      deadLetters: record.deadLetters + deadLetters.length,
      oldest: record.oldest ?? occurredAt(first),
    };
  }

  #leave(): void {
    this.#own = undefined;
  }
}
