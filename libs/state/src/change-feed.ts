import { StateUnavailable, type KvChange, type KvWatch } from './kv.js';

/**
 * The watches of one tenant's part of a bucket. Changes are handed over one after the other in later turns of the event
 * loop, so that a listener may write without being called inside its own write.
 */
export class ChangeFeed {
  readonly #watches = new Set<LocalWatch>();

  /** @param present every value that stands now */
  watch(present: readonly KvChange[], onChange: (change: KvChange) => void): KvWatch {
    const watch = new LocalWatch(present, onChange, () => this.#watches.delete(watch));
    this.#watches.add(watch);
    return watch;
  }

  tell(change: KvChange): void {
    this.#watches.forEach((watch) => watch.push(change));
  }

  close(): void {
    this.#watches.forEach((watch) => void watch.close());
  }
}

class LocalWatch implements KvWatch {
  readonly ready: Promise<void>;
  readonly #onChange: (change: KvChange) => void;
  readonly #onClose: () => void;
  #last: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(present: readonly KvChange[], onChange: (change: KvChange) => void, onClose: () => void) {
    this.#onChange = onChange;
    this.#onClose = onClose;
    present.forEach((change) => this.push(change));
    this.ready = this.#last;
  }

  push(change: KvChange): void {
    this.#last = this.#last.then(() => {
      if (!this.#closed) this.#onChange(change);
    });
  }

  confirm(): Promise<void> {
    if (this.#closed) return Promise.reject(new StateUnavailable('the watch is closed'));
    return this.#last;
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#onClose();
    return Promise.resolve();
  }
}
