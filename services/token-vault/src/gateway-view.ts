import { fromJsonString } from '@bufbuild/protobuf';
import { BUCKETS, SnapshotSchema, type Snapshot } from '@switchyard/contracts';
import { resourceUrl } from '@switchyard/oauth';
import { WatchedMap, type State } from '@switchyard/state';

const SNAPSHOT_KEY = 'current';

/** What the vault needs to know of the configuration that edges serve from. */
export interface Gateway {
  /** Origin, without a trailing slash. */
  readonly publicUrl: string;
  /** Whether the gateway is on this machine alone. */
  readonly loopback: boolean;
  readonly egressAllow: readonly string[];
  /** What a token must be for, and which server an API key must open, so that its owner reaches an upstream: by upstream. */
  readonly servers: ReadonlyMap<string, readonly { readonly slug: string; readonly resource: string }[]>;
}

/** The configuration that edges serve from, kept current by a watch. */
export class GatewayView {
  readonly #snapshots: WatchedMap<Gateway>;

  private constructor(snapshots: WatchedMap<Gateway>) {
    this.#snapshots = snapshots;
  }

  /**
   * @param o.onUnreadable told of a snapshot that is none; the one before it stays
   * @param o.onChange told of every configuration
   * @throws StateUnavailable
   */
  static async open(
    state: State,
    tenant: string,
    o: { readonly onUnreadable: (error: unknown) => void; readonly onChange: (gateway: Gateway) => void },
  ): Promise<GatewayView> {
    const bucket = await state.bucket(BUCKETS.snapshots, tenant);
    const onError = (_key: string, error: unknown) => o.onUnreadable(error);
    const snapshots = await WatchedMap.open(bucket, { decode: ({ value }) => readGateway(value), onError });
    for (const gateway of snapshots.values()) o.onChange(gateway);
    snapshots.onChange((_key, gateway) => gateway !== undefined && o.onChange(gateway));
    return new GatewayView(snapshots);
  }

  /** Undefined before there was any configuration. */
  current(): Gateway | undefined {
    return this.#snapshots.get(SNAPSHOT_KEY);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#snapshots.close();
  }
}

function readGateway(value: Uint8Array): Gateway {
  const snapshot = fromJsonString(SnapshotSchema, Buffer.from(value).toString('utf8'), { ignoreUnknownFields: true });
  const { publicUrl, egressAllow } = snapshot;
  const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(URL.parse(publicUrl)?.hostname ?? '');
  return { publicUrl, loopback, egressAllow, servers: serversByUpstream(snapshot) };
}

function serversByUpstream({ publicUrl, servers }: Snapshot): Gateway['servers'] {
  const found = new Map<string, { slug: string; resource: string }[]>();
  for (const { slug, sources } of servers) {
    const resource = slug === '' ? resourceUrl({ publicUrl }) : resourceUrl({ publicUrl, slug });
    for (const { upstream } of sources) found.set(upstream, [...(found.get(upstream) ?? []), { slug, resource }]);
  }
  return found;
}
