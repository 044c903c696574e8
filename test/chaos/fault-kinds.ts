/** Everything that can be broken: processes of the gateway, what they stand on, and upstreams. */
export const SERVICES_UNDER_TEST = [
  'edge-1',
  'edge-2',
  'auth-server',
  'token-vault',
  'capability-registry',
  'analytics',
] as const;
export const SERVERS_UNDER_TEST = ['nats', 'clickhouse'] as const;
export const UPSTREAMS_UNDER_TEST = ['upstream-modern', 'upstream-legacy'] as const;
export const EDGES = ['edge-1', 'edge-2'] as const;

export type EdgeName = (typeof EDGES)[number];
export type ServiceUnderTest = (typeof SERVICES_UNDER_TEST)[number];
export type UpstreamName = (typeof UPSTREAMS_UNDER_TEST)[number];
/** What runs as a process of its own. */
export type MemberName = ServiceUnderTest | (typeof SERVERS_UNDER_TEST)[number] | UpstreamName;

/** How event batches that the bus has had already come again. */
export const REPUBLISHINGS = ['again', 'late', 'cut-anew'] as const;
export type Republishing = (typeof REPUBLISHINGS)[number];

const HOUR_MS = 3_600_000;

/** One kind of fault: on what, for how long, and by how much. */
interface FaultKind {
  readonly targets: readonly string[];
  /** Least and most milliseconds until it is healed. */
  readonly lastsMs: readonly [number, number];
  /** One of which is drawn. */
  readonly amounts?: readonly number[];
}

export const FAULT_KINDS = {
  /** `kill -9`; started again on the same files. */
  kill: { targets: [...SERVICES_UNDER_TEST, ...SERVERS_UNDER_TEST], lastsMs: [100, 3_000] },
  /** SIGSTOP, then SIGCONT. */
  stop: { targets: [...SERVICES_UNDER_TEST, ...SERVERS_UNDER_TEST, ...UPSTREAMS_UNDER_TEST], lastsMs: [500, 8_000] },
  /** Nothing more can be written to the disk of the edges' spools. */
  'disk-full': { targets: EDGES, lastsMs: [1_500, 6_000] },
  /** The clock of a process is set, and set back. */
  clock: { targets: SERVICES_UNDER_TEST, lastsMs: [4_000, 10_000], amounts: [HOUR_MS, -HOUR_MS, 5_000, -5_000] },
  /** Batches of events are published again, by somebody else. */
  republish: { targets: REPUBLISHINGS, lastsMs: [0, 0] },
} as const satisfies Readonly<Record<string, FaultKind>>;

export type FaultKindName = keyof typeof FAULT_KINDS;
