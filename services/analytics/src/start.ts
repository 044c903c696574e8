import { openAdminApp } from '@switchyard/admin-api';
import { ApiKeyDirectory, Revocations } from '@switchyard/api-keys';
import type { Audit } from '@switchyard/audit';
import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import { BusUnavailable, type Bus, type Rpc } from '@switchyard/messaging';
import { generateSealingKey } from '@switchyard/oauth';
import type { Clock, Readiness, RunningService } from '@switchyard/runtime';
import type { State } from '@switchyard/state';
import type { Logger, Telemetry } from '@switchyard/telemetry';
import { AlertsApi } from './alerts/alerts-api.js';
import { Alerts } from './alerts/alerts.js';
import { AnalyticsModule } from './analytics.module.js';
import { EventTrail } from './api/event-trail.js';
import { LimitedReads } from './api/limited-reads.js';
import { Readers } from './api/readers.js';
import { readingPeople } from './api/reading-people.js';
import { rowFilter } from './api/row-filter.js';
import { Usage } from './api/usage/usage.js';
import { Checkpoints } from './checkpoints/checkpoints.js';
import { StoredRuns } from './checkpoints/stored-runs.js';
import type { AnalyticsConfig, EngineConfig } from './config.js';
import { EngineError, type Engine } from './engine/engine.js';
import { migrate, readMigrations } from './engine/migrate.js';
import { openEngine } from './engine/open-engine.js';
import { Ingest, type IngestDeps } from './ingest/ingest.js';
import { IngestMetrics } from './ingest/ingest-metrics.js';
import { keepPayloads } from './payloads/keep-payloads.js';
import { PayloadReads } from './payloads/payload-reads.js';
import { Pipeline } from './pipeline/pipeline.js';
import { RebuildApi } from './rebuild/rebuild-api.js';
import { Rebuilds } from './rebuild/rebuilds.js';
import { SinksApi } from './sinks/sinks-api.js';
import { Sinks } from './sinks/sinks.js';
import { Tails } from './tail/tails.js';
import { Erasures } from './retention/erasures.js';
import { Exporting } from './retention/exporting.js';
import { Retention } from './retention/retention.js';
import { RetentionApi } from './retention/retention-api.js';
import { startReconciling } from './reconcile/reconciling.js';
import { untilItWorks } from './until-it-works.js';
import { UsageRefresher } from './usage/usage-refresher.js';

/** What analytics stands on. */
export interface AnalyticsDeps {
  readonly bus: Bus;
  readonly rpc: Rpc;
  readonly state: State;
  readonly audit: Pick<Audit, 'record'>;
  readonly log: Logger;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  /** Address of the authorization server, where the configuration cannot know it: it starts beside this. */
  readonly authServer?: () => Promise<string | undefined>;
  /** Told what start-up waits for. */
  readonly onWaiting?: (readiness: Readiness) => void;
}

const away = 'cannot be reached';

/**
 * Stores every event of the stream, and answers questions about them.
 * @returns when the database is up to date and events flow; waits for a database or a bus that is away
 * @throws EngineError where the engine refuses; MigrationChanged where the database has another history than the code
 */
export async function startAnalytics(config: AnalyticsConfig, deps: AnalyticsDeps): Promise<RunningService> {
  const { bus, state, audit, log, telemetry, clock } = deps;
  await using undo = new AsyncDisposableStack();
  const engine = undo.adopt(await openMigrated(config.engine, deps), (it) => it.close());
  const metrics = new IngestMetrics(telemetry.meter);
  const tenant = DEFAULT_TENANT;
  const runs = new StoredRuns(tenant);
  const ingest = undo.adopt(await startIngest({ bus, engine, metrics, runs, clock, log }, deps), (it) => it.close());
  undo.adopt(await keepPayloads({ bus, engine, log }), (it) => it.close());
  const checkpoints = undo.adopt(await Checkpoints.open(config.checkpoints, { ...deps, engine, tenant, runs }), (it) =>
    it.close(),
  );
  const restoreCheckpoints = () => checkpoints.restore();
  const rebuildDeps = { bus, state, engine, tenant, restoreCheckpoints, clock, log };
  const rebuilds = undo.adopt(await Rebuilds.open(rebuildDeps), (it) => it.close());
  undo.adopt(await startReconciling({ engine, state, tenant, audit, clock, log, meter: telemetry.meter }), (it) => it.close());
  const sinks = undo.adopt(await Sinks.open({ ...deps, engine, tenant }), (it) => it.close());
  const alerts = undo.adopt(await Alerts.open({ ...deps, engine, sinks, tenant }), (it) => it.close());
  const retention = undo.adopt(await Retention.open({ ...deps, engine, checkpoints, sinks, tenant }), (it) => it.close());
  undo.adopt(new UsageRefresher({ engine, clock, log }), (it) => it.close());
  const keys = undo.adopt(await ApiKeyDirectory.open(state, DEFAULT_TENANT, clock), (directory) => directory.close());
  const onUnreadable = (_key: string, error: unknown) =>
    log.error('a stored record cannot be read; who may read events goes by what was known before', { error });
  const readers = undo.adopt(await Readers.open(state, DEFAULT_TENANT, onUnreadable), (it) => it.close());
  const revocations = undo.adopt(await Revocations.open(state, DEFAULT_TENANT, onUnreadable), (it) => it.close());
  const authServer = deps.authServer ?? (async () => config.authServer);
  const people = readingPeople({ readers, revocations, authServer, clock });
  const reads = new LimitedReads(engine, await rowFilter(engine, tenant));
  const answering = { trail: new EventTrail(reads, tenant), usage: new Usage(reads, tenant, clock), checkpoints, readers };
  const tails = new Tails({ bus, clock });
  const emitters = await state.bucket(BUCKETS.emitters, tenant);
  const pipeline = new Pipeline({ reads, bus, emitters, sinks, checkpoints, ingest, retention, tenant, clock });
  const module = AnalyticsModule.with({
    ...answering,
    log,
    tails,
    pipeline,
    sinks: new SinksApi(sinks, audit, clock),
    payloads: new PayloadReads({ reads, rpc: deps.rpc, audit, sealingKey: await generateSealingKey(), tenant, clock }),
    alerts: new AlertsApi(alerts, audit, clock),
    rebuild: new RebuildApi(rebuilds, audit),
    retention: new RetentionApi({
      ...{ retention, audit, clock },
      exporting: new Exporting(retention.gate),
      erasures: new Erasures({ gate: retention.gate, reads, tenant, clock }),
    }),
  });
  const app = undo.adopt(await openAdminApp(module, { ...config.listen, keys, people, audit, log, rpc: deps.rpc }), (it) =>
    it.close(),
  );
  // Before the app, which waits for answers to end.
  undo.adopt(tails, (it) => it.close());
  const running = undo.move();
  return {
    name: 'analytics',
    urls: { http: app.url },
    readiness: async () => {
      const [engineReady, busReady, stateReady] = await Promise.all([engine.ready(), bus.ready(), state.ready()]);
      return {
        engine: engineReady ? 'ok' : away,
        bus: busReady ? 'ok' : away,
        state: stateReady ? 'ok' : away,
        ingest: ingest.stalledMs() === 0 ? 'ok' : `has stored nothing for ${Math.ceil(ingest.stalledMs() / 1000)} s`,
      };
    },
    close: () => running.disposeAsync(),
  };
}

function openMigrated(config: EngineConfig, { log, onWaiting }: AnalyticsDeps): Promise<Engine> {
  const open = async () => {
    await using undo = new AsyncDisposableStack();
    const engine = undo.adopt(await openEngine(config), (it) => it.close());
    await migrate(engine, readMigrations(), log);
    undo.move();
    return engine;
  };
  const isTemporary = (error: unknown) => config.kind === 'http' && error instanceof EngineError && error.code === undefined;
  return untilItWorks('engine', open, { isTemporary, onFailure: () => onWaiting?.({ engine: away }), log });
}

function startIngest(ingest: IngestDeps, { log, onWaiting }: AnalyticsDeps): Promise<Ingest> {
  const isTemporary = (error: unknown) => error instanceof BusUnavailable;
  return untilItWorks('bus', () => Ingest.start(ingest), { isTemporary, onFailure: () => onWaiting?.({ bus: away }), log });
}
