import type { KvChange, KvStore, KvWatch } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';

/** How long a change stands in the state: as long as an edge may take to hear of it. */
const TOLD_MS = 60_000;

/** What telling of changes needs. */
export interface ListChangesOptions {
  readonly kv: KvStore;
  /** Tells this edge from all others, and from itself before a restart. */
  readonly edge: string;
  readonly log: Logger;
  /** Told of what other edges have heard. */
  readonly onChange: (upstream: string, method: string) => void;
}

/**
 * Tells the other edges that an upstream's list has changed: a client that hears of it from one may list at another. An upstream that
 * does not stop telling is told of as often as the state takes it.
 */
export class ListChanges {
  readonly #options: ListChangesOptions;
  /** What is being told, and whether it has to be told again. */
  readonly #telling = new Map<string, boolean>();
  #watch: KvWatch | undefined;

  private constructor(options: ListChangesOptions) {
    this.#options = options;
  }

  /** Follows what the others tell. */
  static async open(options: ListChangesOptions): Promise<ListChanges> {
    const changes = new ListChanges(options);
    changes.#watch = await options.kv.watch((change) => changes.#take(change));
    await changes.#watch.ready;
    return changes;
  }

  /** Tells of a change. Does not wait. */
  tell(upstream: string, method: string): void {
    const key = `${method} ${upstream}`;
    const isTelling = this.#telling.has(key);
    this.#telling.set(key, isTelling);
    if (!isTelling) void this.#put(key);
  }

  async #put(key: string): Promise<void> {
    const { kv, edge, log } = this.#options;
    try {
      do {
        this.#telling.set(key, false);
        await kv.put(key, Buffer.from(edge), { ttlMs: TOLD_MS });
      } while (this.#telling.get(key) === true);
    } catch (error) {
      log.warn('other edges were not told of a change', { name: key, error });
    } finally {
      this.#telling.delete(key);
    }
  }

  #take(change: KvChange): void {
    if (change.kind !== 'put') return;
    const { key, value } = change.entry;
    if (Buffer.from(value).toString('utf8') === this.#options.edge) return;
    const end = key.indexOf(' ');
    this.#options.onChange(key.slice(end + 1), key.slice(0, end));
  }

  /** Follows no more. */
  async close(): Promise<void> {
    await this.#watch?.close();
  }
}
