import { fromJsonString } from '@bufbuild/protobuf';
import type { Audit } from '@switchyard/audit';
import { BUCKETS, retentionView, SnapshotSchema, type RetentionView, type Snapshot } from '@switchyard/contracts';
import { pause } from '@switchyard/messaging';
import type { Clock } from '@switchyard/runtime';
import { WatchedMap, type KvStore, type State } from '@switchyard/state';
import type { Logger, Telemetry } from '@switchyard/telemetry';
import { z } from 'zod';
import type { Checkpoints } from '../checkpoints/checkpoints.js';
import { TrailLines } from '../checkpoints/trail-lines.js';
import type { Engine } from '../engine/engine.js';
import { SinkLease } from '../sinks/sink-lease.js';
import type { Sinks } from '../sinks/sinks.js';
import { Gate } from './gate.js';
import { RETAINED_TABLES } from './retained-tables.js';
import { RetentionMetrics } from './retention-metrics.js';
import { RetentionPass, type RetentionDays } from './retention-pass.js';

/** What retention stands on. */
export interface RetentionDeps {
  readonly state: State;
  readonly engine: Engine;
  readonly checkpoints: Checkpoints;
  readonly sinks: Pick<Sinks, 'deliveredThrough'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly telemetry: Pick<Telemetry, 'meter'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tenant: string;
  /** Time between two looks at whether a pass is due; a minute unless told. */
  readonly everyMs?: number;
}

const EVERY_MS = 60_000;
/** A pass reads the times of everything that is old: twice a day is often enough for what is kept in days. */
const PASS_MS = 12 * 3_600_000;
/** One that was refused, or failed, is tried again. */
const AGAIN_MS = 10 * 60_000;
const LEASE = 'retention';
const STATUS = 'status';

const statusSchema = z.object({ atMs: z.number(), days: z.string(), view: retentionView.omit({ holds: true }) });
type Status = z.output<typeof statusSchema>;

/** Deletes what is older than its retention, twice a day; follows the configuration. Of all replicas one does. */
export class Retention {
  readonly gate: Gate;
  readonly #deps: RetentionDeps;
  readonly #kv: KvStore;
  readonly #snapshots: WatchedMap<Snapshot>;
  readonly #pass: RetentionPass;
  readonly #metrics: RetentionMetrics;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;

  /** @throws StateUnavailable */
  static async open(deps: RetentionDeps): Promise<Retention> {
    const { state, tenant, log } = deps;
    const kv = await state.bucket(BUCKETS.retention, tenant);
    const snapshots = await WatchedMap.open(await state.bucket(BUCKETS.snapshots, tenant), {
      decode: ({ value }) => fromJsonString(SnapshotSchema, Buffer.from(value).toString('utf8'), { ignoreUnknownFields: true }),
      onError: (_key, error) => log.error('a configuration cannot be read; retention stays as it is', { error }),
    });
    return new Retention(deps, kv, snapshots);
  }

  private constructor(deps: RetentionDeps, kv: KvStore, snapshots: WatchedMap<Snapshot>) {
    const { engine, tenant, checkpoints, sinks, clock, telemetry } = deps;
    this.#deps = deps;
    this.#kv = kv;
    this.#snapshots = snapshots;
    this.gate = new Gate(kv, clock);
    const lines = new TrailLines(engine, tenant);
    this.#pass = new RetentionPass({
      ...deps,
      kv,
      gate: this.gate,
      records: checkpoints.records,
      key: checkpoints.key,
      copiedThrough: () => checkpoints.copiedThrough(),
      sinks: () => sinks.deliveredThrough(),
      now: () => lines.now(),
    });
    this.#metrics = new RetentionMetrics(telemetry.meter);
    this.#ended = this.#run();
  }

  /** How retention is, whichever replica deletes. @throws StateUnavailable */
  async view(): Promise<RetentionView> {
    const status = await this.#status();
    const { holds } = await this.gate.read();
    const days = this.#days();
    const unseen = RETAINED_TABLES.map((one) => ({ table: one.name, days: days[one.keptFor] ?? 0, deleted: 0, kept: [] }));
    return { ...(status?.view ?? { failure: '', tables: unseen }), holds: holds.length };
  }

  /** Finishes the statement in hand; the next process goes on. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#snapshots.close();
    await this.#ended;
  }

  #days(): RetentionDays {
    return this.#snapshots.get('current')?.auditRetentionDays ?? {};
  }

  async #run(): Promise<void> {
    const { everyMs = EVERY_MS, log } = this.#deps;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#turn(signal);
      } catch (error) {
        this.#metrics.failed();
        if (!signal.aborted) log.warn('retention could not delete what is due; that is tried again', { error });
      }
      await pause(everyMs, signal);
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const lease = await SinkLease.acquire(this.#kv, LEASE, () => Buffer.from('{}'));
    if (lease === undefined) return;
    const until = AbortSignal.any([signal, lease.lost]);
    try {
      // Exports wait for what a process of before has left.
      await this.#pass.settle(until);
      const days = this.#days();
      const before = await this.#status();
      this.#metrics.show(before?.view.tables ?? []);
      if (this.#isDue(before, days)) await this.#pass.run(days, until).then((tables) => this.#save(days, tables, ''));
    } catch (error) {
      const before = await this.#status();
      await this.#save(this.#days(), before?.view.tables ?? [], 'The database or the state did not do what it was asked.');
      throw error;
    } finally {
      await lease.release();
    }
  }

  #isDue(before: Status | undefined, days: RetentionDays): boolean {
    if (Object.keys(days).length === 0) return false;
    if (before === undefined || before.days !== JSON.stringify(days)) return true;
    const isPressing =
      before.view.failure !== '' || before.view.tables.some(({ kept }) => kept.some(({ reason }) => reason !== 'held'));
    return this.#deps.clock.now() - before.atMs >= (isPressing ? AGAIN_MS : PASS_MS);
  }

  async #save(days: RetentionDays, tables: RetentionView['tables'], failure: string): Promise<void> {
    const atMs = this.#deps.clock.now();
    const view = { at: new Date(atMs).toISOString(), failure, tables };
    const status: Status = { atMs, days: JSON.stringify(days), view };
    await this.#kv.put(STATUS, Buffer.from(JSON.stringify(status)));
    if (failure === '') this.#metrics.passed(tables);
  }

  async #status(): Promise<Status | undefined> {
    const entry = await this.#kv.get(STATUS);
    return entry && statusSchema.parse(JSON.parse(Buffer.from(entry.value).toString()));
  }
}
