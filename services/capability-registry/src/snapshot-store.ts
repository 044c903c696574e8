import { fromJsonString, toJsonString } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { BUCKETS, SnapshotSchema, type Snapshot } from '@switchyard/contracts';
import type { KvStore, State } from '@switchyard/state';

const CURRENT = 'current';
const HISTORY = 'history/';
const HISTORY_LENGTH = 20;

/** One tenant's snapshots: the one that edges serve from, and those before it. */
export class SnapshotStore {
  readonly #bucket: KvStore;

  private constructor(bucket: KvStore) {
    this.#bucket = bucket;
  }

  /** @throws StateUnavailable */
  static async open(state: State, tenant: string): Promise<SnapshotStore> {
    return new SnapshotStore(await state.bucket(BUCKETS.snapshots, tenant));
  }

  /** The published snapshot; undefined where there is none, or none that can be read. @throws StateUnavailable */
  async current(): Promise<Snapshot | undefined> {
    const entry = await this.#bucket.get(CURRENT);
    if (!entry) return undefined;
    try {
      return fromJsonString(SnapshotSchema, Buffer.from(entry.value).toString('utf8'), { ignoreUnknownFields: true });
    } catch {
      // Written by something else than this service; the next publication replaces it.
      return undefined;
    }
  }

  /** Publishes a snapshot to the edges, after it is in the history. @throws StateUnavailable; publishing it again is right */
  async publish(snapshot: Snapshot): Promise<void> {
    const value = Buffer.from(toJsonString(SnapshotSchema, snapshot));
    await this.#bucket.put(historyKey(snapshot), value);
    await this.#bucket.put(CURRENT, value);
    await this.#forgetOldest();
  }

  async #forgetOldest(): Promise<void> {
    const keys = (await this.#bucket.keys(HISTORY)).toSorted();
    await Promise.all(keys.slice(0, -HISTORY_LENGTH).map((key) => this.#bucket.delete(key)));
  }
}

// Sorts by time.
function historyKey({ compiledAt, revision }: Snapshot): string {
  const compiledAtMs = compiledAt ? timestampMs(compiledAt) : 0;
  return `${HISTORY}${String(compiledAtMs).padStart(15, '0')}-${revision}`;
}
