import { changedList } from './filter.js';
import type { Heard } from './heard.js';

/** How long a list that has just been said to have changed may change again before that is said again. */
const WINDOW_MS = 250;

/** Holds a client's notices back where one list changes again and again: it is told at once, and once more when that is over. */
export class MergedNotices {
  readonly #tell: (heard: Heard) => void;
  readonly #held = new Map<string, { readonly timer: NodeJS.Timeout; last: Heard | undefined }>();

  constructor(tell: (heard: Heard) => void) {
    this.#tell = tell;
  }

  take(heard: Heard): void {
    const { method } = heard;
    if (changedList(method) === undefined) return this.#tell(heard);
    const held = this.#held.get(method);
    if (held !== undefined) return void (held.last = heard);
    const timer = setTimeout(() => this.#passed(method), WINDOW_MS).unref();
    this.#held.set(method, { timer, last: undefined });
    this.#tell(heard);
  }

  /** Says nothing more. Idempotent. */
  close(): void {
    for (const { timer } of this.#held.values()) clearTimeout(timer);
    this.#held.clear();
  }

  #passed(method: string): void {
    const last = this.#held.get(method)?.last;
    this.#held.delete(method);
    if (last !== undefined) this.take(last);
  }
}
