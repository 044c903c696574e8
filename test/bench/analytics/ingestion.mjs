// How fast events get from the stream into the database, how soon they can be asked for, and what each takes on the disk.
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { EVENTS_STREAM, eventsSubject } from '@switchyard/contracts';
import { openLocalPlatform, openNatsPlatform, platformSchema } from '@switchyard/platform';
import { startClickHouse, startNats } from '@switchyard/testing';
import { StoredRuns } from '../../../services/analytics/dist/checkpoints/stored-runs.js';
import { EmbeddedEngine } from '../../../services/analytics/dist/engine/embedded-engine.js';
import { HttpEngine } from '../../../services/analytics/dist/engine/http-engine.js';
import { migrate, readMigrations } from '../../../services/analytics/dist/engine/migrate.js';
import { IngestMetrics } from '../../../services/analytics/dist/ingest/ingest-metrics.js';
import { Ingest } from '../../../services/analytics/dist/ingest/ingest.js';
import { messagesOf } from './call-lines.mjs';
import { cpuSeconds } from './cpu-seconds.mjs';

const visibilityEvents = 100;
const visibilityEveryMs = 50;
/** The engine looks at once after an insert whether there is anything to merge. */
const MERGES_QUIET_MS = 2_000;
/** How often an event is merged until it is one of fifty million of a month. Most of that is done when a short run has long ended. */
const LIFETIME_MERGES = 2;
const noLog = { info: () => undefined, warn: () => undefined, error: (...what) => console.error(...what) };

/** NATS and ClickHouse's engine as servers of their own, or all of it in this process. */
async function openProfile(profile, dir) {
  const undo = new AsyncDisposableStack();
  const inProcess = profile === 'embedded';
  const nats = inProcess ? undefined : undo.use(await startNats());
  const server = inProcess ? undefined : undo.use(await startClickHouse());
  const auditLimitBytes = 256 * 1024 ** 2;
  const names = { emitter: `bench-${profile.split(' ')[0]}`, logLevel: 'silent' };
  const platform = inProcess
    ? await openLocalPlatform({ dataDir: path.join(dir, 'data'), service: 'analytics', auditLimitBytes, ...names })
    : await openNatsPlatform(
        platformSchema.parse({ nats: { servers: [nats.url] }, audit: { dir: path.join(dir, 'spool') }, ...names }),
        'analytics',
      );
  undo.defer(() => platform.close());
  const engine = inProcess
    ? await EmbeddedEngine.open(path.join(dir, 'events'))
    : await HttpEngine.open({ url: server.url, user: 'default', database: 'bench' });
  undo.defer(() => engine.close());
  await migrate(engine, readMigrations(), noLog);
  const metrics = new IngestMetrics(platform.telemetry.meter);
  const ingest = (onStored = () => undefined) =>
    Ingest.start({
      bus: platform.bus,
      engine,
      metrics: {
        observeStalled: (stalledMs) => metrics.observeStalled(stalledMs),
        stored: (batch) => {
          metrics.stored(batch);
          onStored(batch.rows);
        },
      },
      runs: new StoredRuns('default'),
      clock: platform.clock,
      log: noLog,
    });
  return { platform, engine, ingest, [Symbol.asyncDispose]: () => undo.disposeAsync() };
}

const count = async (engine, where) => Number((await engine.query(`SELECT count() AS n FROM events WHERE ${where}`))[0].n);

const number = async (engine, sql) => Number((await engine.query(sql))[0].n);
const mergesNow = (engine) => number(engine, 'SELECT count() AS n FROM system.merges');
const rowsMerged = (engine) => number(engine, `SELECT sum(value) AS n FROM system.events WHERE event = 'MergedRows'`);

/** Waits until the engine has merged what it wants to merge by itself. */
async function untilMerged(engine) {
  let quietSince = performance.now();
  while (performance.now() - quietSince < MERGES_QUIET_MS) {
    await pause(100);
    if ((await mergesNow(engine)) > 0) quietSince = performance.now();
  }
}

/**
 * Puts the events into the stream, then starts ingestion and takes its time until all are in the table. What merges take that begin meanwhile
 * counts, also where they end later; what this benchmark asks the database does not.
 */
async function measureRate({ platform, engine, ingest }, events) {
  const messages = messagesOf(events);
  const subject = eventsSubject('default', 'bench');
  const published = messages.map(({ id, data }) => platform.bus.publish(EVENTS_STREAM, subject, id, data).catch(() => undefined));
  // In process nothing is stored before it is handled.
  if (platform.bus.constructor.name === 'NatsBus') await Promise.all(published);
  const all = Promise.withResolvers();
  let stored = 0;
  const mergedBefore = await rowsMerged(engine);
  const before = cpuSeconds();
  const startedAt = performance.now();
  const running = await ingest((rows) => {
    stored += rows;
    if (stored >= events) all.resolve();
  });
  await all.promise;
  const seconds = (performance.now() - startedAt) / 1_000;
  await Promise.all(published);
  await running.close();
  await untilMerged(engine);
  const after = cpuSeconds();
  const found = await count(engine, `emitter = 'bench'`);
  if (found !== events) throw new Error(`of ${events} events ${found} are in the table`);
  const micros = (of) => ((after[of] - before[of]) * 1e6) / events;
  const cpuUs = { own: micros('own'), nats: micros('nats'), engine: micros('engine') };
  const allUs = cpuUs.own + cpuUs.nats + cpuUs.engine;
  const bytes = messages.reduce((sum, { data }) => sum + data.length, 0);
  return {
    events,
    bytesPerLine: bytes / events,
    perSecond: events / seconds,
    // In the embedded profile, the engine is in this process.
    cpuUs,
    perSecondOnTwoFreeCores: 2e6 / allUs,
    // Of an event and of its line.
    merges: ((await rowsMerged(engine)) - mergedBefore) / events / 2,
  };
}

/** CPU time that it takes to merge all there is once, for each event, by table. */
async function measureMerge(engine, events) {
  const us = {};
  for (const table of ['events', 'event_lines']) {
    const before = cpuSeconds();
    await engine.command(`OPTIMIZE TABLE ${table} FINAL`);
    await untilMerged(engine);
    const after = cpuSeconds();
    us[table] = ((after.own + after.engine - before.own - before.engine) * 1e6) / events;
  }
  return { mergeUs: us };
}

/** Records events one by one, and looks for each until a query finds it. */
async function measureVisibility({ platform, engine, ingest }) {
  const running = await ingest();
  const recordedAt = new Map();
  const delays = [];
  const recording = (async () => {
    for (let n = 0; n < visibilityEvents; n++) {
      const request_id = `seen-${n}`;
      await platform.audit.record({ type: 'tool.called', outcome: 'ok', request_id });
      recordedAt.set(request_id, performance.now());
      await pause(visibilityEveryMs);
    }
  })();
  const seen = new Set();
  while (seen.size < visibilityEvents) {
    const rows = await engine.query(
      `SELECT DISTINCT request_id FROM events WHERE emitter LIKE 'bench-%' AND request_id LIKE 'seen-%'`,
    );
    const now = performance.now();
    for (const { request_id } of rows) {
      if (seen.has(request_id) || !recordedAt.has(request_id)) continue;
      seen.add(request_id);
      delays.push(now - recordedAt.get(request_id));
    }
    await pause(20);
  }
  await recording;
  await running.close();
  const sorted = delays.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
  return { visibleP50Ms: at(0.5), visibleP99Ms: at(0.99) };
}

/** What an event takes when merges are done, with and without what is sorted by person. */
async function measureDisk(engine) {
  const parts = `FROM system.%s WHERE active AND database = currentDatabase() AND table = 'events'`;
  const [whole] = await engine.query(`SELECT sum(bytes_on_disk) / sum(rows) AS bytes ${parts.replace('%s', 'parts')}`);
  const [projection] = await engine.query(
    `SELECT sum(bytes_on_disk) / sum(rows) AS bytes ${parts.replace('%s', 'projection_parts')}`,
  );
  return { diskBytesPerEvent: whole.bytes, ofItSortedByPerson: projection.bytes };
}

/**
 * @param profile 'embedded', or 'NATS and ClickHouse'
 * @returns rate, delay and size
 */
export async function measureIngestion(profile, events, dir) {
  const own = path.join(dir, profile.replaceAll(' ', '-'));
  try {
    await using opened = await openProfile(profile, own);
    const visibility = await measureVisibility(opened);
    const rate = await measureRate(opened, events);
    const merge = await measureMerge(opened.engine, events);
    const toComeUs = Math.max(0, LIFETIME_MERGES - rate.merges) * (merge.mergeUs.events + merge.mergeUs.event_lines);
    const perSecondWithMerges = 2e6 / (2e6 / rate.perSecondOnTwoFreeCores + toComeUs);
    return { profile, ...rate, ...visibility, ...merge, perSecondWithMerges, ...(await measureDisk(opened.engine)) };
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}
