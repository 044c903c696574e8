import { fromJsonString } from '@bufbuild/protobuf';
import { BUCKETS, SnapshotSchema, type Snapshot } from '@switchyard/contracts';
import type { KvChange, KvWatch, State } from '@switchyard/state';

const SNAPSHOT_KEY = 'current';

/** The servers of the configuration that edges serve from, kept current by a watch. */
export class KnownServers {
  #titles: ReadonlyMap<string, string> = new Map();
  #watch: KvWatch | undefined;

  /** @throws StateUnavailable when the store cannot be reached */
  static async open(state: State, tenant: string): Promise<KnownServers> {
    const servers = new KnownServers();
    const bucket = await state.bucket(BUCKETS.snapshots, tenant);
    servers.#watch = await bucket.watch((change) => servers.#take(change));
    await servers.#watch.ready;
    return servers;
  }

  has(slug: string): boolean {
    return this.#titles.has(slug);
  }

  /** What people call a server: its title, else its slug. */
  title(slug: string): string {
    return this.#titles.get(slug) || slug;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#watch?.close();
  }

  #take(change: KvChange): void {
    if (change.kind === 'put' && change.entry.key === SNAPSHOT_KEY) this.#titles = titlesOf(readSnapshot(change.entry.value));
  }
}

function readSnapshot(value: Uint8Array): Snapshot {
  return fromJsonString(SnapshotSchema, Buffer.from(value).toString('utf8'), { ignoreUnknownFields: true });
}

const titlesOf = (snapshot: Snapshot) => new Map(snapshot.servers.map(({ slug, title }) => [slug, title]));
