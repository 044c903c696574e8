import { fromJsonString } from '@bufbuild/protobuf';
import type { Audit } from '@switchyard/audit';
import { BUCKETS, SnapshotSchema, type AlertView, type Snapshot } from '@switchyard/contracts';
import { pause, type Rpc } from '@switchyard/messaging';
import { generateSealingKey } from '@switchyard/oauth';
import type { Clock } from '@switchyard/runtime';
import { WatchedMap, type KvStore, type State } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';
import { randomUUID } from 'node:crypto';
import { LimitedReads } from '../api/limited-reads.js';
import type { Engine } from '../engine/engine.js';
import { backOffMs } from '../sinks/back-off.js';
import { SinkLease } from '../sinks/sink-lease.js';
import { alertConfigOf, NO_ALERTS, type AlertConfig } from './alert-config.js';
import { Alerting, type AlertingDeps } from './alerting.js';
import { viewAlert } from './alert-view.js';
import { PipelineHealth, type PipelineDeps } from './pipeline-health.js';
import { endSilence, saveSilence, type Silence } from './silences.js';

/** What alerts stand on. */
export interface AlertsDeps {
  readonly rpc: Rpc;
  readonly state: State;
  readonly engine: Engine;
  readonly sinks: PipelineDeps['sinks'];
  readonly audit: Pick<Audit, 'record'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tenant: string;
  /** Time between two evaluations; 30 s unless told. */
  readonly everyMs?: number;
}

const EVERY_MS = 30_000;
/** Evaluating takes at most a twentieth of the time, however much there is to read. */
const REST_FACTOR = 19;
const STANDBY_MS = 5_000;
const LOOK_MS = 1_000;
const LEASE = 'alerts';

/** Every alert of the configuration; follows changes of it. Of all replicas one evaluates and tells, all can say how alerts are. */
export class Alerts {
  readonly #deps: AlertsDeps;
  readonly #alerting: AlertingDeps;
  readonly #snapshots: WatchedMap<Snapshot>;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #config: AlertConfig = NO_ALERTS;
  #changed = new AbortController();

  /** @throws StateUnavailable */
  static async open(deps: AlertsDeps): Promise<Alerts> {
    const { state, tenant, engine, sinks, clock, log, rpc } = deps;
    const kv = await state.bucket(BUCKETS.alerts, tenant);
    const emitters = await state.bucket(BUCKETS.emitters, tenant);
    const reads = new LimitedReads(engine);
    const alerting: AlertingDeps = {
      ...deps,
      kv,
      rows: (sql) => reads.rows(sql),
      pipeline: new PipelineHealth({ engine, emitters, sinks, clock }),
      secrets: { rpc, tenant, emitter: `analytics-${randomUUID()}`, sealingKey: await generateSealingKey() },
    };
    const snapshots = await WatchedMap.open(await state.bucket(BUCKETS.snapshots, tenant), {
      decode: ({ value }) => fromJsonString(SnapshotSchema, Buffer.from(value).toString('utf8'), { ignoreUnknownFields: true }),
      onError: (_key, error) => log.error('a configuration cannot be read; alerts stay as they are', { error }),
    });
    return new Alerts(deps, alerting, snapshots);
  }

  private constructor(deps: AlertsDeps, alerting: AlertingDeps, snapshots: WatchedMap<Snapshot>) {
    this.#deps = deps;
    this.#alerting = alerting;
    this.#snapshots = snapshots;
    this.#take(snapshots.get('current'));
    snapshots.onChange((key, snapshot) => key === 'current' && this.#take(snapshot));
    this.#ended = this.#run();
  }

  /** How each alert is, whichever replica evaluates it. @throws StateUnavailable */
  list(): Promise<AlertView[]> {
    const nowMs = this.#deps.clock.now();
    return Promise.all(this.#config.rules.map((rule) => viewAlert(this.#kv, rule, nowMs)));
  }

  /** Has nobody told of an alert for a time. @returns false where there is no such alert @throws StateUnavailable */
  async silence(name: string, asked: Silence): Promise<boolean> {
    if (!this.#has(name)) return false;
    await saveSilence(this.#kv, name, asked, this.#deps.clock.now());
    return true;
  }

  /** Ends such a time. @returns false where there is no such alert @throws StateUnavailable */
  async endSilence(name: string): Promise<boolean> {
    if (!this.#has(name)) return false;
    await endSilence(this.#kv, name);
    return true;
  }

  /** Finishes what is in hand. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#snapshots.close();
    await this.#ended;
  }

  get #kv(): KvStore {
    return this.#alerting.kv;
  }

  #has(name: string): boolean {
    return this.#config.rules.some((one) => one.name === name);
  }

  #take(snapshot: Snapshot | undefined): void {
    if (snapshot === undefined) return;
    this.#config = alertConfigOf(snapshot);
    this.#changed.abort();
    this.#changed = new AbortController();
  }

  async #run(): Promise<void> {
    const { log } = this.#deps;
    for (let failures = 0; !this.#closing.signal.aborted;) {
      const signal = AbortSignal.any([this.#closing.signal, this.#changed.signal]);
      try {
        if (this.#config.rules.length === 0) await untilAborted(signal);
        else await this.#hold(this.#config, signal);
        failures = 0;
      } catch (error) {
        failures += 1;
        log.warn('alerting was interrupted; it goes on from what is stored', { error, attempt: failures });
        await pause(backOffMs(failures), signal);
      }
    }
  }

  /** Evaluates and tells, as long as no other replica does. */
  async #hold(config: AlertConfig, signal: AbortSignal): Promise<void> {
    const lease = await SinkLease.acquire(this.#kv, LEASE, () => Buffer.from('{}'));
    if (lease === undefined) return pause(STANDBY_MS, signal);
    const ending = new AbortController();
    const until = AbortSignal.any([signal, lease.lost, ending.signal]);
    try {
      const alerting = await Alerting.open(config, this.#alerting);
      const work = [this.#evaluate(alerting, until), ...config.channels.map(({ name }) => deliver(alerting, name, until))];
      // Whichever fails first ends the others, and is told.
      await Promise.all(work.map((one) => one.finally(() => ending.abort()))).finally(async () => {
        await Promise.allSettled(work);
        await alerting.close();
      });
    } finally {
      await lease.release();
    }
  }

  async #evaluate(alerting: Alerting, signal: AbortSignal): Promise<void> {
    const { clock, everyMs = EVERY_MS } = this.#deps;
    while (!signal.aborted) {
      const startedAtMicros = clock.monotonicMicros();
      await alerting.evaluate(signal);
      const tookMs = (clock.monotonicMicros() - startedAtMicros) / 1000;
      await pause(Math.max(everyMs, REST_FACTOR * tookMs), signal);
    }
  }
}

async function deliver(alerting: Alerting, channel: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) if (!(await alerting.deliver(channel, signal))) await pause(LOOK_MS, signal);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
