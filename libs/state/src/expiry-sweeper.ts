import type { ExpiredKey, SqliteFile } from './sqlite-file.js';

const longestSleepMs = 3_600_000;

/** Ends keys when their time is up: by a timer, and before every read and write so that nobody sees one that is over. */
export class ExpirySweeper {
  readonly #file: SqliteFile;
  readonly #now: () => number;
  readonly #onExpired: (expired: ExpiredKey) => void;
  #nextEndMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param now milliseconds since 1970 */
  constructor(file: SqliteFile, now: () => number, onExpired: (expired: ExpiredKey) => void) {
    this.#file = file;
    this.#now = now;
    this.#onExpired = onExpired;
    this.#lookAhead();
  }

  sweep(): void {
    if (this.#nextEndMs === undefined || this.#nextEndMs > this.#now()) return;
    const expired = this.#file.expire(this.#now());
    this.#lookAhead();
    expired.forEach(this.#onExpired);
  }

  /** Is told of every key that has an end. */
  expect(endMs: number): void {
    if (this.#nextEndMs !== undefined && this.#nextEndMs <= endMs) return;
    this.#nextEndMs = endMs;
    this.#sleep();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #lookAhead(): void {
    this.#nextEndMs = this.#file.nextEndMs();
    this.#sleep();
  }

  #sleep(): void {
    clearTimeout(this.#timer);
    if (this.#closed || this.#nextEndMs === undefined) return;
    const sleepMs = Math.min(longestSleepMs, Math.max(1, this.#nextEndMs - this.#now()));
    this.#timer = setTimeout(() => this.#wakeUp(), sleepMs).unref();
  }

  #wakeUp(): void {
    this.sweep();
    this.#sleep();
  }
}
