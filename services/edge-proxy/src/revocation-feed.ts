import { type Revocable, Revocations } from '@switchyard/api-keys';
import { DEFAULT_TENANT } from '@switchyard/contracts';
import type { Clock } from '@switchyard/runtime';
import type { State } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';
import { setTimeout as pause } from 'node:timers/promises';

/** How long after the last confirmation the feed is believed, for what reads and for what may change something. */
const READS_MICROS = 30_000_000;
const CHANGES_MICROS = 10_000_000;
const ASK_EVERY_MS = 1_000;
/** Longest that a request waits for a confirmation, where the last one is too old. */
const ASK_WAIT_MS = 500;

/** What following the revocations needs. */
export interface RevocationFeedOptions {
  readonly state: State;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * What has been revoked, and whether this edge has heard of all of it: every second it has the store confirm that nothing is missing, so
 * that no revocation is missed for long by an edge that is cut off. No other service has to be alive for that.
 */
export class RevocationFeed {
  readonly #revocations: Revocations;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  readonly #listeners: { readonly revoked: () => void; readonly silent: () => void }[] = [];
  #asking: Promise<unknown> | undefined;
  #failing = false;
  #told = false;
  /** Until when requests are let in, as `Clock.monotonicMicros` counts; plain numbers, for every request looks at them. */
  readsUntilMicros = 0;
  /** Until when what may change something is done. */
  changesUntilMicros = 0;

  private constructor(revocations: Revocations, { clock, log }: RevocationFeedOptions) {
    this.#revocations = revocations;
    this.#clock = clock;
    this.#log = log;
    revocations.onRevoked(() => this.#tell());
    this.#timer = setInterval(() => void this.#tick(), ASK_EVERY_MS).unref();
  }

  /** Opens it. @throws StateUnavailable when the store cannot be reached */
  static async open(options: RevocationFeedOptions): Promise<RevocationFeed> {
    const onUnreadable = (key: string, error: unknown) =>
      options.log.error('a revocation could not be read, so it is not enforced', { key_id: key, error });
    const feed = new RevocationFeed(await Revocations.open(options.state, DEFAULT_TENANT, onUnreadable), options);
    await feed.ask();
    return feed;
  }

  /** Whether what somebody was let in by has been revoked, as far as this edge has heard. */
  covers(revocable: Revocable): boolean {
    return this.#revocations.covers(revocable);
  }

  /** Whether it is known now what has been revoked, as far as reading is concerned. */
  get isKnown(): boolean {
    return this.#clock.monotonicMicros() < this.readsUntilMicros;
  }

  /** Whether it is known well enough for what may change something. */
  get isFresh(): boolean {
    return this.#clock.monotonicMicros() < this.changesUntilMicros;
  }

  /** @param revoked called soon after something was revoked @param silent called now and again while it is not known what is */
  follow(revoked: () => void, silent: () => void): void {
    this.#listeners.push({ revoked, silent });
  }

  /** Has the store confirm that nothing is missing. Resolves when that is known, or after half a second. */
  ask(): Promise<unknown> {
    if (this.#asking !== undefined) return this.#asking;
    // What is confirmed is what stood when the question was asked.
    const askedAtMicros = this.#clock.monotonicMicros();
    const confirmed = this.#revocations.confirm().then(
      () => this.#confirmed(askedAtMicros),
      (error: unknown) => this.#failed(error),
    );
    const asking = Promise.race([confirmed, pause(ASK_WAIT_MS, undefined, { ref: false })]);
    this.#asking = asking;
    void confirmed.finally(() => (this.#asking = undefined));
    return asking;
  }

  /** Follows no more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#listeners.length = 0;
    await this.#revocations.close();
  }

  async #tick(): Promise<void> {
    await this.ask();
    if (!this.isKnown) for (const { silent } of this.#listeners) silent();
  }

  #confirmed(askedAtMicros: number): void {
    this.readsUntilMicros = askedAtMicros + READS_MICROS;
    this.changesUntilMicros = askedAtMicros + CHANGES_MICROS;
    if (this.#failing) this.#log.info('it is known again what has been revoked');
    this.#failing = false;
  }

  #failed(error: unknown): void {
    if (!this.#failing) this.#log.warn('it is not known what has been revoked since', { error });
    this.#failing = true;
  }

  /** Of many revocations at once, those who follow hear once. */
  #tell(): void {
    if (this.#told) return;
    this.#told = true;
    setImmediate(() => {
      this.#told = false;
      for (const { revoked } of this.#listeners) revoked();
    });
  }
}
