import { fromJsonString } from '@bufbuild/protobuf';
import { BUCKETS, SnapshotSchema } from '@switchyard/contracts';
import { WatchedMap, type State } from '@switchyard/state';

const SNAPSHOT_KEY = 'current';

type Titles = ReadonlyMap<string, string>;

/** The servers of the configuration that edges serve from, kept current by a watch. */
export class KnownServers {
  readonly #snapshots: WatchedMap<Titles>;

  private constructor(snapshots: WatchedMap<Titles>) {
    this.#snapshots = snapshots;
  }

  /**
   * @param onUnreadable told of a snapshot that is none; the one before it stays
   * @throws StateUnavailable when the store cannot be reached
   */
  static async open(state: State, tenant: string, onUnreadable: (error: unknown) => void): Promise<KnownServers> {
    const bucket = await state.bucket(BUCKETS.snapshots, tenant);
    const onError = (_key: string, error: unknown) => onUnreadable(error);
    return new KnownServers(await WatchedMap.open(bucket, { decode: ({ value }) => titlesOf(value), onError }));
  }

  has(slug: string): boolean {
    return this.#titles().has(slug);
  }

  /** What people call a server: its title, else its slug. */
  title(slug: string): string {
    return this.#titles().get(slug) || slug;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#snapshots.close();
  }

  #titles(): Titles {
    return this.#snapshots.get(SNAPSHOT_KEY) ?? new Map<string, string>();
  }
}

function titlesOf(value: Uint8Array): Titles {
  const snapshot = fromJsonString(SnapshotSchema, Buffer.from(value).toString('utf8'), { ignoreUnknownFields: true });
  return new Map(snapshot.servers.map(({ slug, title }) => [slug, title]));
}
