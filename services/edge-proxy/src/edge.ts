import type { Audit } from '@switchyard/audit';
import type { Clock } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import type { FanOut } from './changes/fan-out.js';
import type { StreamPeers } from './changes/stream-peers.js';
import type { ViewChanges } from './changes/view-changes.js';
import type { ConnectionChanges } from './connection-changes.js';
import type { PayloadKeys } from './capture/payload-keys.js';
import type { AppResources } from './app-resources.js';
import type { CapabilityNames } from './capability-names.js';
import type { LegacyPool } from './legacy-pool.js';
import type { HandedOver } from './handed-over.js';
import type { ListCache } from './list-cache.js';
import type { ListContexts } from './list-context.js';
import type { PreparedLists } from './prepared-lists.js';
import type { SlowUpstreams } from './slow-upstreams.js';
import type { ClientAsks } from './client-asks.js';
import type { EdgeMetrics } from './metrics.js';
import type { MirroredTools } from './mirrored-tools.js';
import type { RevocationFeed } from './revocation-feed.js';
import type { RequestStates } from './request-state.js';
import type { SessionStore } from './session-store.js';
import type { Authenticator } from './stages/authenticate.js';
import type { CredentialLeases } from './stages/lease.js';
import type { IdSource } from './upstream/id-source.js';
import type { UpstreamLinks } from './upstream/links.js';
import type { EdgePeers } from './edge-peers.js';
import type { CallsInHand } from './calls-in-hand.js';
import type { Cancellations } from './cancellations.js';
import type { SuspendedCalls } from './suspended-calls.js';
import type { Tasks } from './tasks.js';
import type { ToolForms } from './tool-forms.js';

/** Limits of one edge. */
export interface EdgeLimits {
  readonly bodyLimitBytes: number;
  readonly resultLimitBytes: number;
  /** Longest wait for one upstream's part of a list. */
  readonly listTimeoutMs: number;
  /** How long a list is kept where its upstream does not say. */
  readonly listTtlMs: number;
  /** Most items on one page of a list. */
  readonly listPageItems: number;
  /** Longest that a call may take, whatever its upstream sends meanwhile. */
  readonly callLimitMs: number;
  /** Longest wait for a request's body. */
  readonly bodyTimeoutMs: number;
  /** Longest wait for a client that does not read its answer. */
  readonly slowReaderTimeoutMs: number;
}

/** What the stages of the pipeline work with. Built once, at start. */
export interface Edge {
  /** Its name among all edges. */
  readonly name: string;
  readonly limits: EdgeLimits;
  readonly audit: Audit;
  readonly log: Logger;
  readonly clock: Clock;
  readonly metrics: EdgeMetrics;
  readonly authenticator: Authenticator;
  readonly revocations: RevocationFeed;
  readonly sessions: SessionStore;
  readonly requestStates: RequestStates;
  readonly pool: LegacyPool;
  readonly suspended: SuspendedCalls;
  readonly handedOver: HandedOver;
  readonly links: UpstreamLinks;
  readonly leases: CredentialLeases;
  readonly payloadKeys: PayloadKeys;
  readonly connections: ConnectionChanges;
  readonly names: CapabilityNames;
  readonly lists: ListCache;
  readonly listContexts: ListContexts;
  readonly prepared: PreparedLists;
  readonly slow: SlowUpstreams;
  readonly mirrored: MirroredTools;
  readonly tasks: Tasks;
  readonly apps: AppResources;
  readonly calls: CallsInHand;
  readonly cancellations: Cancellations;
  readonly asks: ClientAsks;
  readonly peers: EdgePeers;
  readonly toolForms: ToolForms;
  readonly ids: IdSource;
  readonly feeds: FanOut;
  readonly views: ViewChanges;
  readonly streamPeers: StreamPeers;
}
