import { fromJsonString } from '@bufbuild/protobuf';
import { ApiKeyDirectory } from '@switchyard/api-keys';
import type { Audit } from '@switchyard/audit';
import { BUCKETS, DEFAULT_TENANT, SnapshotSchema } from '@switchyard/contracts';
import { Egress } from '@switchyard/egress';
import type { Rpc } from '@switchyard/messaging';
import { AccessTokenVerifier, generateSealingKey, type ShownCertificates } from '@switchyard/oauth';
import type { Clock, Readiness } from '@switchyard/runtime';
import type { KvChange, KvWatch, State } from '@switchyard/state';
import type { Logger, Telemetry } from '@switchyard/telemetry';
import { AppResources } from './app-resources.js';
import { CallerProofs } from './caller-proofs.js';
import { CallsInHand } from './calls-in-hand.js';
import { Cancellations } from './cancellations.js';
import { PayloadKeys } from './capture/payload-keys.js';
import { CapabilityNames } from './capability-names.js';
import { type Catalog, compileCatalog } from './catalog.js';
import { FanOut } from './changes/fan-out.js';
import { StreamPeers } from './changes/stream-peers.js';
import { ViewChanges } from './changes/view-changes.js';
import { ClientAsks } from './client-asks.js';
import { ConnectionChanges } from './connection-changes.js';
import { followConnections } from './follow-connections.js';
import { EdgeContents } from './edge-contents.js';
import { EdgeKey } from './edge-key.js';
import { EdgePeers } from './edge-peers.js';
import type { EdgeProxyConfig } from './config.js';
import type { Edge } from './edge.js';
import type { Caller } from './exchange.js';
import type { EventLog } from './event-log.js';
import { McpEndpoint } from './http/mcp-endpoint.js';
import { ClientCertificates } from './http/client-certificates.js';
import { PublicListeners } from './http/public-listeners.js';
import { ReverseProxy } from './http/reverse-proxy.js';
import { createRouter } from './http/router.js';
import { LegacyPool } from './legacy-pool.js';
import { ListCache } from './list-cache.js';
import { ListChanges } from './list-changes.js';
import { ListContexts } from './list-context.js';
import { HandedOver } from './handed-over.js';
import { createEdgeMetrics } from './metrics.js';
import { serveAnswers } from './methods/answer.js';
import { MirroredTools } from './mirrored-tools.js';
import { PreparedLists } from './prepared-lists.js';
import { RelayedRounds } from './relayed-rounds.js';
import { RelayedStreams } from './relayed-streams.js';
import { RequestStates } from './request-state.js';
import { RevocationFeed } from './revocation-feed.js';
import { SessionStore } from './session-store.js';
import { SlowUpstreams } from './slow-upstreams.js';
import { snapshotProblem } from './snapshot-problem.js';
import { Authenticator } from './stages/authenticate.js';
import { openPossession } from './stages/possession.js';
import { CredentialLeases } from './stages/lease.js';
import { SuspendedCalls } from './suspended-calls.js';
import { newTasks } from './tasks.js';
import { ToolForms } from './tool-forms.js';
import { IdSource } from './upstream/id-source.js';
import type { Renew } from './upstream/link.js';
import { UpstreamLinks } from './upstream/links.js';

/** What the edge stands on. */
export interface EdgeProxyDeps {
  readonly state: State;
  readonly rpc: Rpc;
  readonly audit: Audit;
  readonly log: Logger;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
}

const CONNECT_TIMEOUT_MS = 3_000;

/** The data plane of one process, put together: follows the snapshot, serves the public listener. */
export class PublicEdge {
  readonly #config: EdgeProxyConfig;
  readonly #deps: EdgeProxyDeps;
  readonly #egress = new Egress({ allowed: [], connectTimeoutMs: CONNECT_TIMEOUT_MS });
  readonly #internal: Egress;
  readonly #edge: Edge;
  readonly #keys: ApiKeyDirectory;
  readonly #changes: ListChanges;
  readonly #proofs: CallerProofs;
  readonly #mcp: McpEndpoint;
  readonly #rounds: RelayedRounds;
  readonly #proxy: ReverseProxy;
  readonly #listeners: PublicListeners;
  #catalog: Catalog | undefined;
  #watch: KvWatch | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    config: EdgeProxyConfig,
    deps: EdgeProxyDeps,
    parts: {
      internal: Egress;
      edge: (egress: Egress) => Edge;
      keys: ApiKeyDirectory;
      changes: ListChanges;
      proofs: CallerProofs;
      certificates: ClientCertificates;
      told: ShownCertificates;
    },
  ) {
    this.#config = config;
    this.#deps = deps;
    this.#internal = parts.internal;
    this.#keys = parts.keys;
    this.#changes = parts.changes;
    this.#proofs = parts.proofs;
    this.#edge = parts.edge(this.#egress);
    followConnections(this.#edge);
    this.#mcp = new McpEndpoint({ edge: this.#edge, tracer: deps.telemetry.tracer, catalog: () => this.#catalog });
    this.#rounds = new RelayedRounds(this.#edge, () => this.#catalog);
    const { certificates, told } = parts;
    this.#proxy = new ReverseProxy(config.publicUrl, { shown: certificates, told }, deps.log);
    const router = createRouter({
      config,
      mcp: this.#mcp,
      proxy: this.#proxy,
      catalog: () => this.#catalog,
      readiness: () => this.readiness(),
    });
    this.#listeners = new PublicListeners(router, { config, certificates, ...deps });
  }

  /** Opens everything that the edge reads from, and follows the snapshot. */
  static async open(config: EdgeProxyConfig, deps: EdgeProxyDeps): Promise<PublicEdge> {
    const { state, rpc, audit, log, telemetry, clock } = deps;
    const [keys, revocations] = [await ApiKeyDirectory.open(state, DEFAULT_TENANT, clock), await RevocationFeed.open(deps)];
    const bucket = await state.bucket(BUCKETS.sessions, DEFAULT_TENANT);
    const streams = await state.bucket(BUCKETS.streams, DEFAULT_TENANT);
    const { possession, told } = await openPossession(state, clock);
    const [key, certificates] = [await EdgeKey.open(bucket), new ClientCertificates(config.certificateProxies)];
    const asks = new ClientAsks();
    const peers = new EdgePeers(rpc, asks.boot, new EdgeContents(streams, key));
    const handedOver = new HandedOver(streams);
    const leave = (stream: EventLog) =>
      void handedOver
        .leave(stream.name, stream.after(0))
        .catch((error: unknown) => log.error('a stream could not be left for other edges', { error }));
    const sessions = new SessionStore(bucket, clock, {
      edge: peers.name,
      perPrincipal: config.limits.sessionsPerPrincipal,
      onUnheard: leave,
    });
    // The authorization server is our own, at a configured address, so no address is barred.
    const internal = new Egress({ allowed: ['0.0.0.0/0', '::/0'], connectTimeoutMs: CONNECT_TIMEOUT_MS });
    const verifier = verifierOf(config, internal, clock);
    const ids = new IdSource();
    const calls = new CallsInHand();
    const cancelled = await state.bucket(BUCKETS.cancellations, DEFAULT_TENANT);
    const cancellations = await Cancellations.open({ kv: cancelled, key, calls, log });
    const streamPeers = await StreamPeers.open(rpc, asks.boot, sessions);
    const names = new CapabilityNames();
    const metrics = createEdgeMetrics(telemetry, {
      sessions: () => sessions.size,
      calls: () => calls.size,
      spoolBytes: () => audit.depthBytes(),
    });
    const { lists, changes } = await openLists(config, deps, asks.boot);
    const { connections, proofs, leases, payloadKeys, renew } = await openLeases(config, deps);
    const onSaid = (upstream: string, method: string) => lists.heard(upstream, method);
    const edge = (egress: Egress): Edge => ({
      name: config.emitter,
      limits: config.limits,
      audit,
      log,
      clock,
      metrics,
      authenticator: new Authenticator({ verifier, keys, revocations, clock, possession, certificates }),
      revocations,
      sessions,
      requestStates: new RequestStates(key, clock),
      pool: new LegacyPool(clock, log),
      suspended: new SuspendedCalls(),
      handedOver,
      links: new UpstreamLinks({ egress, ids, clock, log, resultLimitBytes: config.limits.resultLimitBytes, onSaid, renew }),
      leases,
      payloadKeys,
      connections,
      names,
      lists,
      listContexts: new ListContexts(),
      prepared: new PreparedLists(),
      slow: new SlowUpstreams(clock),
      mirrored: new MirroredTools(),
      tasks: newTasks(key),
      apps: new AppResources(),
      calls,
      cancellations,
      asks,
      peers,
      toolForms: new ToolForms(),
      ids,
      feeds: new FanOut(log),
      views: new ViewChanges(names, log),
      streamPeers,
    });
    const opened = new PublicEdge(config, deps, { internal, edge, keys, changes, proofs, certificates, told });
    opened.#endRevoked();
    await opened.#follow(state);
    await opened.#servePeers();
    return opened;
  }

  /** Whoever is revoked loses what has begun as well: streams, calls under way, sessions. */
  #endRevoked(): void {
    const { revocations, authenticator, sessions, suspended, log } = this.#edge;
    const isRevoked = ({ revocable }: Caller) => revocations.covers(revocable);
    const end = () => {
      authenticator.forgetRevoked();
      this.#mcp.endRevoked();
      suspended.endRevoked(isRevoked);
      sessions
        .endRevoked(isRevoked)
        .catch((error: unknown) => log.error('sessions of revoked callers could not be ended', { error }));
    };
    revocations.follow(end, () => this.#mcp.endUnknown());
  }

  async #servePeers(): Promise<void> {
    await serveAnswers(this.#edge);
    await this.#rounds.serve();
    await new RelayedStreams(this.#edge).serve();
    await this.#mcp.servePeers();
  }

  /**
   * @returns the ports: the public one, and that of the listener that asks for certificates, where that is another
   * @throws ConfigError where TLS cannot be spoken; the listener's error, for example when the port is taken
   */
  listen(): Promise<readonly number[]> {
    return this.#listeners.listen();
  }

  async readiness(): Promise<Readiness> {
    return {
      snapshot: this.#catalog ? 'ok' : 'no configuration yet: is the capability registry running?',
      revocations: this.#edge.revocations.isKnown ? 'ok' : 'not known: the state does not say what has been revoked',
      state: (await this.#deps.state.ready()) ? 'ok' : 'cannot be reached',
      audit: this.#deps.audit.accepting() || this.#catalog?.shedsReads === true ? 'ok' : 'the spool is full',
    };
  }

  /** Drains: refuses what is new, lets calls under way end, then closes what they used. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    const { drainTimeoutMs } = this.#config.limits;
    await Promise.all([this.#mcp.drain(drainTimeoutMs), this.#rounds.drain(drainTimeoutMs)]);
    await this.#listeners.close();
    await this.#watch?.close();
    const { cancellations, connections, payloadKeys, revocations } = this.#edge;
    const followed = [this.#changes, this.#proofs, cancellations, connections, payloadKeys, revocations];
    await Promise.all(followed.map((one) => one.close()));
    this.#edge.suspended.close();
    await this.#edge.pool.close();
    await this.#edge.handedOver.settled();
    this.#edge.views.close();
    await Promise.all([this.#edge.peers.close(), this.#edge.streamPeers.close()]);
    await this.#edge.links.close();
    await Promise.all([this.#egress.close(), this.#internal.close(), this.#keys.close()]);
    this.#proxy.close();
  }

  async #follow(state: State): Promise<void> {
    const snapshots = await state.bucket(BUCKETS.snapshots, DEFAULT_TENANT);
    this.#watch = await snapshots.watch((change) => this.#apply(change));
    await this.#watch.ready;
  }

  /** A snapshot that cannot be used changes nothing: the last good one goes on. */
  #apply(change: KvChange): void {
    if (change.kind !== 'put' || change.entry.key !== 'current') return;
    try {
      const text = Buffer.from(change.entry.value).toString('utf8');
      const snapshot = fromJsonString(SnapshotSchema, text, { ignoreUnknownFields: true });
      const problem = snapshotProblem(snapshot);
      if (problem !== undefined) throw new Error(problem);
      const catalog = compileCatalog(snapshot);
      this.#edge.links.apply(catalog);
      this.#catalog = catalog;
      this.#edge.views.follow(catalog);
      this.#deps.log.info('serving a new configuration', { revision: catalog.revision, count: catalog.servers.size - 1 });
    } catch (error) {
      this.#deps.log.error('a snapshot cannot be used; the last good one goes on', { error });
    }
  }
}

const verifierOf = ({ publicUrl, services }: EdgeProxyConfig, { fetch }: Egress, clock: Clock) =>
  new AccessTokenVerifier({ issuer: publicUrl, jwksUrl: new URL('/oauth/jwks', services.authServer).href, fetch, clock });

/** The lists of upstreams, and what the other edges hear of them. @param boot this process among all edges */
async function openLists(
  { limits }: EdgeProxyConfig,
  { state, clock, log }: EdgeProxyDeps,
  boot: string,
): Promise<{ lists: ListCache; changes: ListChanges }> {
  const lists = new ListCache({
    clock,
    ttlMs: limits.listTtlMs,
    timeoutMs: limits.listTimeoutMs,
    onChange: (upstream, method) => changes.tell(upstream, method),
  });
  const changes = await ListChanges.open({
    kv: await state.bucket(BUCKETS.listChanges, DEFAULT_TENANT),
    edge: boot,
    log,
    onChange: (upstream, method) => lists.heardElsewhere(upstream, method),
  });
  return { lists, changes };
}

/** Credentials from the vault, and what it tells of them. */
async function openLeases(
  { emitter }: EdgeProxyConfig,
  { state, rpc, clock, log }: EdgeProxyDeps,
): Promise<Pick<Edge, 'connections' | 'leases' | 'payloadKeys'> & { proofs: CallerProofs; renew: Renew }> {
  const connections = await ConnectionChanges.open({ kv: await state.bucket(BUCKETS.connectionChanges, DEFAULT_TENANT), log });
  const proofs = await CallerProofs.open(await state.bucket(BUCKETS.vaultKeys, DEFAULT_TENANT), log);
  const sealingKey = await generateSealingKey();
  const leases = new CredentialLeases({ rpc, clock, edge: emitter, sealingKey, connections, proofs, log });
  const erasures = await state.bucket(BUCKETS.payloadErasures, DEFAULT_TENANT);
  const payloadKeys = await PayloadKeys.open({ rpc, clock, edge: emitter, sealingKey, erasures, log });
  return { connections, proofs, leases, payloadKeys, renew: (...rejected) => leases.renew(...rejected) };
}
